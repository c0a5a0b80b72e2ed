"""The gate's judgement on simulated processes, and once for real on a method of two lines."""

from dataclasses import replace

import pytest
from helpers.gating import RULE


def test_a_version_against_itself_is_not_slow(simulated):
    assert all(simulated(seed).result.verdict == "SAME" for seed in range(15))


@pytest.mark.parametrize("percent", [5, 10])
def test_a_slow_down_is_found_and_confirmed(simulated, percent):
    for seed in range(8):
        row = simulated(seed, percent / 100)
        assert row.result.verdict == "SLOW"
        assert row.launches == 2
        assert row.result.ratio == pytest.approx(1 + percent / 100, abs=0.02)
        assert row.new / row.base == pytest.approx(1 + percent / 100, abs=0.05)


def test_a_speed_up_is_fast(simulated):
    assert simulated(slowdown=-0.1).result.verdict == "FAST"


def test_what_fresh_processes_do_not_confirm_is_ambiguous(simulated):
    row = simulated(bias=[0.08, 0.0])
    assert row.launches == 2
    assert row.result.verdict == "AMBIGUOUS"


def test_a_slow_down_that_the_first_processes_hide_is_found_by_the_second(simulated):
    """Of 5 % the first pair shows half, below the floor of 3: both together show it."""
    sharp = replace(RULE, precision=0.01)  # so that noise does not decide
    for seed in range(8):
        row = simulated(seed, 0.05, bias=[-0.024, 0.01], rule=sharp)
        assert row.launches == 2
        assert row.result.verdict == "SLOW"


def test_two_processes_of_one_code_may_differ_a_little(simulated):
    assert all(simulated(seed, bias=[0.015]).result.verdict != "SLOW" for seed in range(10))
