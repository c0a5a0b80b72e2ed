"""What all trainings of networks keep to, and what their drawn styles are."""

import copy
import importlib
import math

import pytest
import torch
from helpers.trained import TRAINED, loaded, task_of, tensor

from bench.contract.phases import adapt, stylize

training = importlib.import_module("bench.methods._network_training")


@pytest.mark.parametrize("name", TRAINED)
def test_a_trained_method_learns_saves_and_loads(name, context, tmp_path):
    task = task_of(name, context)
    before = {key: value.clone() for key, value in task.export().items()}
    for index in range(2):
        logged = task.step(index)
        assert all(map(math.isfinite, logged.values()))
    assert any(not torch.equal(before[key], value) for key, value in task.export().items())
    method = loaded(name, context, tmp_path)
    torch.manual_seed(0)
    adapt(method, tensor(1, 3, 40, 56).sigmoid())
    content = tensor(2, 3, 37, 45, seed=1).sigmoid()
    picture = stylize(method, content)
    assert picture.shape == content.shape
    assert picture.min() >= 0
    assert picture.max() <= 1


@pytest.mark.parametrize("name", TRAINED)
def test_a_training_goes_on_where_it_was(name, context):
    whole, first, second = (task_of(name, context) for _ in range(3))
    torch.manual_seed(5)
    for index in range(2):
        whole.step(index)
    torch.manual_seed(5)
    first.step(0)
    second.restore(copy.deepcopy(first.state()))  # as from a file
    second.step(1)
    for key, value in second.export().items():
        torch.testing.assert_close(value, whole.export()[key], msg=key)


def test_a_step_lowers_the_loss_of_its_own_pairs(context):
    """Some steps on the same pairs: every training must be able to learn that much."""
    for name in ("adain", "wct", "style-swap", "avatar-net", "ghiasi", "metanet", "cin"):
        task = task_of(name, context, batch=2)
        torch.manual_seed(0)
        contents, drawn = task.contents(2), task.draw(2)
        totals = []
        for _ in range(10):
            torch.manual_seed(1)
            terms = task.terms(contents, drawn)
            totals.append(terms["total"].item())
            task.update(torch.autograd.grad(terms["total"], task.parameters), 1e-3)
        assert totals[-1] < totals[0], name


def test_styles_are_drawn_by_the_root_of_their_sources_size():
    names = [*(f"big_{i}.jpg" for i in range(4)), "small_1.jpg"]
    share = training.source_shares(names)
    assert share[:4].sum() / share[4:].sum() == pytest.approx(2.0)
