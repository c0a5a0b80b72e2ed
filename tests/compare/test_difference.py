import math
from math import exp, log

import numpy as np
import pytest

from bench.compare.difference import ALPHA, paired, unpaired

QUIET = [1.00, 1.01, 0.99, 1.02, 0.98, 1.005]


def test_slow_fast_and_same_by_hand():
    # six against six without overlap: p = 2 / (12 choose 6) = 2 / 924
    slow = unpaired(QUIET, [1.2 * value for value in QUIET], 0.05)
    assert slow.verdict == "SLOW"
    assert slow.ratio == pytest.approx(1.2)
    assert slow.p == pytest.approx(2 / 924)
    fast = unpaired([1.2 * value for value in QUIET], QUIET, 0.05)
    assert fast.verdict == "FAST"
    assert fast.ratio == pytest.approx(1 / 1.2)
    assert unpaired(QUIET, QUIET, 0.05).verdict == "SAME"


def test_a_difference_below_the_floor_is_none():
    slower = [1.2 * value for value in QUIET]
    assert unpaired(QUIET, slower, 0.30).verdict == "SAME"
    # above the floor, but the interval reaches over it: nobody can say the same
    assert unpaired(QUIET, slower, 0.19).verdict == "SLOW"
    assert unpaired(QUIET, slower, 0.21).verdict == "AMBIGUOUS"


def test_an_effect_without_a_test_is_ambiguous():
    wild = [1.0, 3.0, 1.1, 2.5, 0.9, 2.8]
    found = unpaired(wild, [2.0, 1.0, 2.9, 2.4, 2.6, 1.2], 0.05)
    assert found.ratio > 1.05
    assert found.p > ALPHA
    assert found.verdict == "AMBIGUOUS"


def test_fewer_than_six_rounds_are_ambiguous():
    few = unpaired([1.0] * 5, [2.0] * 5, 0.05)
    assert few.verdict == "AMBIGUOUS"
    assert math.isnan(few.low)
    # thirty samples, but of three rounds only
    rounds = [0, 1, 2] * 10
    assert unpaired([1.0] * 30, [2.0] * 30, 0.05, rounds, rounds).verdict == "AMBIGUOUS"


def test_rounds_count_alike_however_many_samples_they_have():
    base, rounds = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5], [0, 1, 2, 3, 4, 5]
    more = [*base, 1.5, 1.5, 1.5, 1.5]
    found = unpaired(base, more, 0.05, rounds, [*rounds, 5, 5, 5, 5])
    assert found.ratio == 1.0


def test_paired_ratios_by_hand():
    ratios = [1.09, 1.11, 1.10, 1.12, 1.08, 1.10, 1.13, 1.07, 1.10]
    found = paired(ratios, 0.03)
    assert found.verdict == "SLOW"
    assert found.ratio == pytest.approx(1.10)
    assert found.p == pytest.approx(2 / 2**9)  # all nine above 1
    assert found.low <= 1.10 <= found.high
    assert paired([1 / ratio for ratio in ratios], 0.03).verdict == "FAST"
    assert paired([1.0] * 9, 0.03).verdict == "SAME"


def test_the_bias_of_two_processes_is_allowed_for():
    ratios = [exp(log(1.04) + 0.01 * wiggle) for wiggle in (-2, -1, -1, 0, 0, 1, 1, 2, 3)]
    assert paired(ratios, 0.03).verdict == "SLOW"
    assert paired(ratios, 0.03, bias=0.04).p > ALPHA
    assert paired(ratios, 0.03, bias=0.04).verdict == "AMBIGUOUS"


@pytest.mark.parametrize("slowdown", [0.0, 0.05, 0.10])
def test_errors_are_rare_on_a_noisy_machine(slowdown):
    """Rounds spread by 4 % with tails: what gates on a shared machine see."""
    rng = np.random.default_rng(3)
    verdicts = [
        paired((1 + slowdown) * np.exp(0.04 * rng.standard_t(4, 80)), 0.03, 0.01).verdict
        for _ in range(60)
    ]
    if slowdown:
        assert verdicts.count("SLOW") >= (60 if slowdown == 0.10 else 54)
    else:
        assert verdicts.count("SLOW") == 0
