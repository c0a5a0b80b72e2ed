"""Switches that can be turned without CUDA: what is turned is what is asked for, by every name."""

import warnings

import pytest
import torch

from bench.contract.cuda_switches import Switches, switches, turn

WHOLE = Switches("ieee", "ieee", "ieee", benchmark=True)


@pytest.fixture(autouse=True)
def _turned_back():
    before = switches()
    yield
    turn(before)


@pytest.mark.parametrize(
    "wanted",
    [
        WHOLE,
        Switches("tf32", "tf32", "none", benchmark=False),
        Switches("ieee", "ieee", "tf32", benchmark=True),
    ],
)
def test_they_are_as_they_were_turned(wanted):
    turn(Switches("ieee", "ieee", "ieee", benchmark=not wanted.benchmark))
    turn(wanted)
    backends = torch.backends
    assert switches() == wanted
    assert backends.cudnn.conv.fp32_precision == wanted.conv
    assert backends.cuda.matmul.fp32_precision == wanted.matmul
    assert backends.cudnn.benchmark == wanted.benchmark
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the older names, which other libraries use
        assert backends.cudnn.allow_tf32 == (wanted.conv == "tf32")
        assert backends.cuda.matmul.allow_tf32 == (wanted.matmul == "tf32")
