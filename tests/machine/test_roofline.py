import math

import pytest
import torch

from bench.machine import roofline
from bench.report.peak import share

PEAK = {"float32": {"matmul": 200.0, "convolution": 250.0}}


def test_share_of_the_higher_rate_of_the_dtype():
    # 20 GFLOP in 0.1 s are 200 GFLOP/s, of 250
    assert share(20e9, 0.1, "float32/channels_last", PEAK) == pytest.approx(0.8)


@pytest.mark.parametrize(("precision", "peak"), [("bfloat16/contiguous", PEAK), ("float32/x", {})])
def test_no_share_without_a_peak(precision, peak):
    assert math.isnan(share(1.0, 1.0, precision, peak))


def test_measures_both_rates():
    with pytest.MonkeyPatch.context() as patch:
        # every call takes a second by this clock: the rates are then the work itself
        patch.setattr(roofline, "_best", lambda call, device: 1.0)
        peak = roofline.measure.__wrapped__(torch.device("cpu"), 1)
    work = {"matmul": 2.1, "convolution": 1.2}  # 2 * 1024^3; 2 * 64^2 * 128 * 128 * 9
    assert peak == {"float32": work, "bfloat16": work}


def test_the_fastest_call_counts():
    calls = []
    seconds = roofline._best(lambda: calls.append(1), torch.device("cpu"))
    assert 0 < seconds < roofline.SECONDS / 10
    assert len(calls) > 10
