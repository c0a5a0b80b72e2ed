"""Johnson: a network of its own for every style."""

import importlib

import torch

from bench.contract.phases import adapt

johnson = importlib.import_module("bench.methods.johnson")


def test_johnson_starts_from_scratch_for_every_style(context):
    options = johnson.JohnsonOptions(steps=1, batch=1, size=32, encoder="tiny")
    method = johnson.Johnson(context, options)
    method.load()
    style = torch.rand(1, 3, 32, 32)
    states = []
    for _ in range(2):
        torch.manual_seed(7)
        next(method.adapt(style))
        states.append({k: v.clone() for k, v in method.network.state_dict().items()})
        adapt(method, style)
    for name, value in states[0].items():
        assert torch.equal(value, states[1][name]), name
