"""The share of the machine's measured peak."""

import math

import pytest

from bench.report.peak import share

PEAK = {"float32": {"matmul": 200.0, "convolution": 250.0}}


def test_share_of_the_higher_rate_of_the_dtype():
    # 20 GFLOP in 0.1 s are 200 GFLOP/s, of 250
    assert share(20e9, 0.1, "float32/channels_last", PEAK) == pytest.approx(0.8)


@pytest.mark.parametrize(("precision", "peak"), [("bfloat16/contiguous", PEAK), ("float32/x", {})])
def test_no_share_without_a_peak(precision, peak):
    assert math.isnan(share(1.0, 1.0, precision, peak))
