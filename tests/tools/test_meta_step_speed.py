"""The plain step that the fast one is compared with: both have the same gradients."""

import importlib

import pytest
import torch
from helpers.checkout import tool
from helpers.tiny import TinyEncoder, pictures

from bench.contract import Context, Precision

TOOL = tool("meta_step_speed")
training = importlib.import_module("bench.methods._meta_training")


def gradients(rule, precision):
    """What a step hands to Adam."""
    torch.manual_seed(0)
    context = Context(
        torch.device("cpu"), precision, pictures(4, 0), {"tiny": TinyEncoder()}.__getitem__
    )
    options = training.MetaTrainingOptions(
        encoder="tiny", size=40, style_size=32, batch=2, styles=1, warm_steps=0, rule=rule
    )
    task, got = training.MetaTraining(context, pictures(3, 1), options), []
    task.update = lambda gradients, rate: got.extend(gradients) or 0.0
    task.step(0)
    return torch.cat([gradient.flatten() for gradient in got])


@pytest.mark.parametrize("rule", ["second-order", "first-order", "plain"])
def test_the_fast_steps_gradients_are_the_plain_ones(rule, monkeypatch):
    fast = gradients(rule, Precision("float32", True))
    replaced = TOOL["replacements"]()
    assert set(replaced) == set(TOOL["PARTS"])
    for places in replaced.values():
        for place, name, plain in places:
            monkeypatch.setattr(place, name, plain)
    plain = gradients(rule, Precision())
    assert (fast - plain).norm() < 1e-4 * plain.norm()
    assert plain.norm() > 0.01
