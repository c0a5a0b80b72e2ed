"""KID by hand and against torch-fidelity."""

import importlib

import numpy as np
import pytest
import torch
from helpers.embedded import samples

from bench.errors import BenchError

kid = importlib.import_module("bench.metrics.kid")


def test_kid_by_hand():
    """One channel, two samples a side: k(x, y) = (x y + 1)³."""
    first, second = np.array([[0.0], [1.0]]), np.array([[2.0], [3.0]])
    across = np.mean([1, 1, 3**3, 4**3])
    expected = (1 + 1) / 2 + (7**3 + 7**3) / 2 - 2 * across
    found = kid.mean_discrepancy(first, second, kid.cubic_kernel, unbiased=True)
    assert found == pytest.approx(expected)


def test_kid_equals_torch_fidelitys():
    fidelity = pytest.importorskip("torch_fidelity.metric_kid")
    first, second = samples(30), samples(30, seed=1) + 0.3
    theirs = fidelity.kid_features_to_metric(
        torch.from_numpy(first), torch.from_numpy(second),
        kid_subsets=1, kid_subset_size=30, verbose=False,
    )  # fmt: skip
    found = kid.mean_discrepancy(first, second, kid.cubic_kernel, unbiased=True)
    assert found == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-9)


def test_one_sample_has_no_unbiased_discrepancy():
    with pytest.raises(BenchError, match="at least 2 samples, got 1"):
        kid.mean_discrepancy(samples(1), samples(3), kid.cubic_kernel, unbiased=True)
