"""Samples in interleaved rounds: warm-up, when they are enough, what an error leaves."""

import gc
import runpy
import sys
import weakref
from statistics import median

import pytest
import torch
from helpers.checkout import ROOT
from helpers.fake_clock import FakeClock, costing

from bench.contract import Context, Precision
from bench.run.sampling import SamplingRule, sample_interleaved, warm_up
from bench.store import collect

CPU = torch.device("cpu")


@pytest.fixture
def clock():
    return FakeClock()


RULE = SamplingRule(
    min_samples=6, min_seconds=0.0, max_samples=50, max_seconds=1e9, slice_seconds=0.0,
    window_calls=3, window_seconds=0.0, warmup_seconds=0.0,
)  # fmt: skip


def ruled(**changes):
    return SamplingRule(**{**vars(RULE), **changes})


def test_warm_up_ends_when_two_windows_agree(clock):
    # windows of three: medians 5, 1.1, 1, 1
    call = costing(clock, 9, 5, 4, 1.1, 1.1, 1.1, 1)
    warmed = warm_up(call, ruled(warmup_seconds=1e9), CPU, clock)
    assert warmed[:3] == (12, pytest.approx(9 + 5 + 4 + 3 * 1.1 + 6 * 1), True)


def test_warm_up_compares_with_the_window_before(clock):
    # each window is 3 % below the last until it settles
    call = costing(clock, *[1.0] * 3, *[0.97] * 3, *[0.94] * 3, 0.93)
    warmed = warm_up(call, ruled(warmup_seconds=1e9), CPU, clock)
    assert (warmed.calls, warmed.stable) == (12, True)


def test_warm_up_windows_last_their_seconds(clock):
    warmed = warm_up(
        costing(clock, 0.125), ruled(warmup_seconds=1e9, window_seconds=1.0), CPU, clock
    )
    assert warmed[:3] == (16, 2.0, True)


def test_warm_up_gives_up_at_its_cap(clock):
    growing = costing(clock, *range(1, 100))
    assert warm_up(growing, ruled(warmup_seconds=21), CPU, clock)[:3] == (6, 21, False)


def test_warm_up_waits_for_the_clock_of_a_gpu(clock):
    rising = iter([500.0, 1200.0, 1900.0, 1910.0, 1910.0])
    rule = ruled(warmup_seconds=4, clock_seconds=1e9)
    warmed = warm_up(lambda: clock.spend(1), rule, CPU, clock, lambda: next(rising))
    assert warmed.stable
    assert warmed.megahertz == (500.0, 1200.0, 1900.0, 1910.0)  # as 1 % is no change


def test_a_clock_that_never_settles_ends_the_warm_up_at_its_own_cap(clock):
    rising = iter(range(100, 10_000, 100))
    rule = ruled(warmup_seconds=2, clock_seconds=9, window_calls=1)
    warmed = warm_up(lambda: clock.spend(1), rule, CPU, clock, lambda: next(rising))
    assert (warmed.stable, warmed.seconds) == (False, 9)
    assert len(warmed.megahertz) == 9


def test_no_warm_up(clock):
    assert warm_up(pytest.fail, ruled(warmup_seconds=0), CPU, clock)[:3] == (0, 0, False)


def test_samples_are_raw_and_stop_at_precision(clock):
    calls = {"slow": costing(clock, 2.0), "quick": costing(clock, 0.5)}
    taken = sample_interleaved(calls, RULE, 0, CPU, clock)
    assert taken["slow"].seconds == [2.0] * 6
    assert taken["quick"].seconds == [0.5] * 6
    assert taken["slow"].rounds == [0, 1, 2, 3, 4, 5]
    assert {samples.stopped for samples in taken.values()} == {"precision"}
    assert taken["slow"].device_seconds == []


def test_expected_median(clock):
    taken = sample_interleaved({"x": costing(clock, 3, 1, 5, 2, 4)}, RULE, 0, CPU, clock)
    assert median(taken["x"].seconds[:5]) == 3


def test_precision_waits_for_least_samples_and_seconds(clock):
    rule = ruled(min_seconds=8.0)
    taken = sample_interleaved({"x": costing(clock, 1.0)}, rule, 0, CPU, clock)
    assert len(taken["x"].seconds) == 8


def test_noise_runs_into_the_caps(clock):
    noisy = [1.0, 2.0] * 50
    by_count = sample_interleaved({"x": costing(clock, *noisy)}, RULE, 0, CPU, clock)["x"]
    assert (by_count.stopped, len(by_count.seconds)) == ("samples", 50)
    rule = ruled(max_seconds=30)
    by_time = sample_interleaved({"x": costing(clock, *noisy)}, rule, 0, CPU, clock)["x"]
    assert (by_time.stopped, sum(by_time.seconds)) == ("time cap", 30)


def test_a_call_longer_than_the_cap_is_timed_once(clock):
    taken = sample_interleaved({"x": costing(clock, 90.0)}, ruled(max_seconds=30), 0, CPU, clock)
    assert (taken["x"].seconds, taken["x"].stopped) == ([90.0], "time cap")


def test_short_calls_repeat_within_their_turn(clock):
    calls = {"short": costing(clock, 0.25), "long": costing(clock, 4.0)}
    taken = sample_interleaved(calls, ruled(min_samples=8, slice_seconds=1.0), 0, CPU, clock)
    assert taken["short"].rounds == [turn for turn in range(6) for _ in range(4)]
    assert taken["long"].rounds == list(range(8))


def test_a_very_short_call_is_sampled_in_several_rounds(clock):
    rule = ruled(slice_seconds=1.0, turn_samples=3)
    taken = sample_interleaved({"x": costing(clock, 2**-20)}, rule, 0, CPU, clock)["x"]
    assert taken.rounds == [turn for turn in range(6) for _ in range(3)]
    assert taken.stopped == "precision"


def test_precision_waits_for_least_rounds(clock):
    rule = ruled(min_rounds=9, slice_seconds=4.0)
    taken = sample_interleaved({"x": costing(clock, 1.0)}, rule, 0, CPU, clock)["x"]
    assert (taken.rounds[-1], len(taken.seconds), taken.stopped) == (8, 36, "precision")


def test_precision_is_that_of_the_rounds(clock):
    # each round is calm in itself, but every third takes twice as long: 60 independent samples
    # would do, 20 rounds do not
    rule = ruled(slice_seconds=1e9, turn_samples=10, max_samples=200)
    costs = ([1.0] * 20 + [2.0] * 10) * 7
    taken = sample_interleaved({"x": costing(clock, *costs)}, rule, 0, CPU, clock)["x"]
    assert (taken.stopped, len(taken.seconds)) == ("samples", 200)


def order_of_rounds(seed):
    clock, log, labels = FakeClock(), [], "abcdef"
    calls = {label: costing(clock, 1.0, log=log, label=label) for label in labels}
    sample_interleaved(calls, RULE, seed, CPU, clock)
    rounds = [tuple(log[start : start + 6]) for start in range(0, len(log), 6)]
    assert all(sorted(turn) == list(labels) for turn in rounds)
    return rounds


def test_rounds_are_shuffled_each_anew_and_alike_under_a_seed():
    rounds = order_of_rounds(1)
    assert rounds == order_of_rounds(1)
    assert rounds != order_of_rounds(2)
    assert len(set(rounds)) == len(rounds) == 6


def test_a_done_call_leaves_the_rounds_to_the_others(clock):
    calls = {"calm": costing(clock, 1.0), "noisy": costing(clock, *[1.0, 3.0] * 25)}
    taken = sample_interleaved(calls, RULE, 0, CPU, clock)
    assert (len(taken["calm"].seconds), len(taken["noisy"].seconds)) == (6, 50)


def test_an_error_ends_its_own_call_only(clock):
    good = costing(clock, 1.0)

    def failing():
        good()
        if clock.now > 104:
            raise RuntimeError("out of memory")

    def broken():
        raise ValueError("at once")

    calls = {"failing": failing, "broken": broken, "good": good}
    taken = sample_interleaved(calls, ruled(warmup_seconds=1.0), 0, CPU, clock)
    assert taken["good"].stopped == "precision"
    assert len(taken["good"].seconds) == 6
    assert str(taken["failing"].error) == "out of memory"
    assert taken["failing"].stopped == taken["broken"].stopped == "error"
    assert taken["failing"].seconds  # those before the error are kept
    assert isinstance(taken["broken"].error, ValueError)
    assert taken["broken"].seconds == []


def test_an_error_keeps_no_tensors_alive(clock):
    held = []

    def failing():
        big = torch.zeros(10)
        held.append(weakref.ref(big))
        raise RuntimeError("out of memory")

    taken = sample_interleaved({"x": failing}, RULE, 0, CPU, clock)
    gc.collect()
    assert taken["x"].error is not None
    assert held[0]() is None


def test_warm_up_is_recorded_and_not_among_the_samples(clock):
    rule = ruled(warmup_seconds=1e9)
    taken = sample_interleaved({"x": costing(clock, 9.0, 1.0)}, rule, 0, CPU, clock)
    assert taken["x"].warmup[:3] == (6, 14.0, True)
    assert taken["x"].seconds == [1.0] * 6


def test_progress_is_told_with_the_clock_stopped(clock):
    seen = []

    def on_turn(label, samples):
        seen.append((label, len(samples.seconds)))
        clock.spend(1000)

    taken = sample_interleaved({"x": costing(clock, 1.0)}, RULE, 0, CPU, clock, on_turn)
    assert seen == [("x", count) for count in (0, *range(6))]
    assert sum(taken["x"].seconds) == 6


def test_one_call_under_two_labels_is_an_a_a_control(clock):
    call = costing(clock, 1.0)
    taken = sample_interleaved({"A": call, "A'": call}, RULE, 0, CPU, clock)
    assert taken["A"].seconds == taken["A'"].seconds == [1.0] * 6
    assert taken["A"].seconds is not taken["A'"].seconds


@pytest.mark.skipif(sys.gettrace() is not None, reason="each line costs a tracer's call")
def test_the_harness_adds_less_than_a_hundredth_to_a_call_of_a_millisecond():
    tool = runpy.run_path(str(ROOT / "tools" / "harness_overhead.py"))
    context = Context(CPU, Precision(), collect([]), {}.__getitem__)
    loop, sampled = tool["overhead"](tool["Nothing"](context), 32, rounds=30, calls=100)
    assert len(loop) == len(sampled) == 30
    # the least of many short rounds: what is left when nothing else runs, beside another worker too
    assert min(sampled) - min(loop) < 1e-5
