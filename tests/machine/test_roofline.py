import pytest
import torch

from bench.machine import roofline


def test_measures_both_rates():
    with pytest.MonkeyPatch.context() as patch:
        # every call takes a second by this clock: the rates are then the work itself
        patch.setattr(roofline, "least_seconds", lambda call, device: 1.0)
        peak = roofline.measured_peaks.__wrapped__(torch.device("cpu"), 1)
    work = {"matmul": 2.1, "convolution": 1.2}  # 2 * 1024^3; 2 * 64^2 * 128 * 128 * 9
    assert peak == {"float32": work, "bfloat16": work}


def test_the_fastest_call_counts():
    calls = []
    seconds = roofline.least_seconds(lambda: calls.append(1), torch.device("cpu"))
    assert 0 < seconds < roofline.SECONDS / 10
    assert len(calls) > 10
