"""What sorted projections see."""

import importlib

import pytest
import torch
from helpers.by_hand import ByHand

features = importlib.import_module("bench.metrics._features")


def test_sliced_wasserstein_sees_what_gram_matrices_do_not(by_hand):
    """Two distributions of the same second moments: ±1 evenly, and 0 with rare ±2."""
    one = torch.tensor([1.0, -1.0]).repeat(32).view(1, 1, 8, 8)
    other = torch.tensor([2.0, 0.0, 0.0, 0.0, -2.0, 0.0, 0.0, 0.0]).repeat(8).view(1, 1, 8, 8)
    assert features.gram(one).item() == features.gram(other).item()
    (a,), (b,) = (features.projections([x], ByHand()) for x in (one, other))
    # sorted: 1/8 of the mass goes from 2 to 1 at either end, 3/8 from 0 to 1 at either side
    assert ((a - b) ** 2).mean().item() == pytest.approx(1)
