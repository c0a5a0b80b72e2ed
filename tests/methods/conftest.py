"""What tests of methods share: a context with a tiny encoder, and both forms of the network."""

import importlib

import pytest
import torch
from helpers.tiny import TinyEncoder, pictures

from bench.contract import Context, Precision


@pytest.fixture
def context():
    return Context(
        torch.device("cpu"), Precision(), pictures(4, 0), {"tiny": TinyEncoder()}.__getitem__
    )


@pytest.fixture(scope="module", params=[False, True], ids=["repeats", "smooth"])
def network(request):
    """A transformation network whose every parameter matters: none is at its initial one or 0."""
    transform_net = importlib.import_module("bench.methods._transform_net")
    generator = torch.Generator().manual_seed(0)
    network = transform_net.TransformNet(smooth=request.param).requires_grad_(False)
    for parameter in network.parameters():
        parameter += 0.05 * torch.randn(parameter.shape, generator=generator)
    return network
