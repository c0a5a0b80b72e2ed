"""The clock: what is timed of a call and of a phase, in time that passes only when it is spent."""

import pytest
import torch
from helpers.fake_clock import FakeClock

from bench.errors import BenchError
from bench.machine.clock import Stopwatch, drain, one_two_five, timed, wall_clock

CPU = torch.device("cpu")


@pytest.fixture
def clock():
    return FakeClock()


def test_timed_gives_result_and_seconds(clock):
    def call():
        clock.spend(2.5)
        return "result"

    assert timed(call, CPU, clock) == ("result", 2.5)


def test_wall_clock_is_in_seconds():
    start = wall_clock()
    _, seconds = timed(lambda: sum(range(10_000)), CPU)
    assert 0 < seconds <= wall_clock() - start < 60


def test_stopwatch_adds_up_and_skips_what_lies_between(clock):
    watch = Stopwatch(CPU, clock)
    with watch:
        clock.spend(1)
    clock.spend(50)
    with watch:
        clock.spend(2)
    assert watch.seconds == 3
    assert watch.device_seconds is None


def test_device_is_synchronised_before_both_stamps(clock, monkeypatch):
    events = []
    monkeypatch.setattr(torch.accelerator, "synchronize", lambda device: events.append("sync"))

    def logged():
        events.append("stamp")
        return clock()

    timed(lambda: events.append("call"), torch.device("meta"), logged)
    assert events == ["sync", "stamp", "call", "sync", "stamp"]


def test_cpu_needs_no_synchronising(clock, monkeypatch):
    monkeypatch.setattr(torch.accelerator, "synchronize", lambda device: pytest.fail("called"))
    timed(lambda: None, CPU, clock)


@pytest.mark.gpu
def test_cuda_events_agree_with_the_wall_clock():
    square = torch.rand(2048, 2048, device="cuda")
    square @ square
    with Stopwatch(torch.device("cuda")) as watch:
        for _ in range(50):
            square @ square
    assert watch.device_seconds == pytest.approx(watch.seconds, rel=0.2)


def phase(clock, steps, seconds=1.0):
    for step in range(steps + 1):
        clock.spend(seconds)
        yield f"picture {step}"


def test_drain_gives_the_last_value_and_counts_steps_from_0(clock):
    drained = drain(phase(clock, 3), CPU, clock)
    assert (drained.result, drained.steps, drained.seconds) == ("picture 3", 3, 4.0)
    assert drained.curve == [(3, 4.0)]
    assert drained.finished


def test_a_phase_without_steps_counts_0(clock):
    assert drain(phase(clock, 0), CPU, clock).steps == 0


def test_the_clock_stands_still_while_the_observer_looks(clock):
    seen = []

    def observe(step, seconds, value):
        seen.append((step, seconds, value))
        clock.spend(1000)

    drained = drain(phase(clock, 7), CPU, clock, observe=observe)
    assert drained.seconds == 8.0
    assert drained.curve == [(0, 1.0), (1, 2.0), (2, 3.0), (5, 6.0), (7, 8.0)]
    assert seen == [(step, seconds, f"picture {step}") for step, seconds in drained.curve]


def test_the_last_step_is_observed_once(clock):
    drained = drain(phase(clock, 5), CPU, clock, observe=lambda *_: None)
    assert [step for step, _ in drained.curve] == [0, 1, 2, 5]


def test_work_after_the_last_step_is_timed(clock):
    def tidying():
        yield 0
        clock.spend(3)

    assert drain(tidying(), CPU, clock).seconds == 3


def test_drain_ends_a_phase_at_the_first_step_beyond_its_seconds(clock):
    closed = []

    def endless():
        try:
            yield from phase(clock, 10**9)
        finally:
            closed.append(True)

    drained = drain(endless(), CPU, clock, max_seconds=2.5)
    assert (drained.steps, drained.seconds, drained.finished) == (2, 3.0, False)
    assert closed == [True]


def test_a_phase_that_gives_nothing_is_refused(clock):
    with pytest.raises(BenchError, match="at least once"):
        drain(iter(()), CPU, clock)


def test_observed_steps():
    assert [step for step in range(1001) if one_two_five(step)] == [
        0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000,
    ]  # fmt: skip
