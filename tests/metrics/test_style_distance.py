"""The distance of Gram matrices by hand."""

import importlib

import pytest
import torch

distance = importlib.import_module("bench.metrics._style_distance")


def test_style_distance_by_hand():
    ones = [torch.full((1, 1, 1), 2.0), torch.full((1, 1, 1), 3.0)]
    targets = [torch.full((1, 1, 1), 4.0), torch.full((1, 1, 1), 3.0)]
    assert distance.style_distance(ones, targets).item() == pytest.approx(((2 / 4) ** 2 + 0) / 2)
