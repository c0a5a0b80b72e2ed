"""The clock: every second that the suite reports is read here.

The device is synchronised before every stamp, so that no work is left out and none is charged to
the wrong side. Samples stay raw; `bench.statistics` sums them up.
"""

from __future__ import annotations

import random
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from statistics import median
from types import TracebackType
from typing import Generic, Literal, NamedTuple, TypeVar

import torch

from bench.errors import BenchError
from bench.statistics import LEAST, bootstrap_median

T = TypeVar("T")

Clock = Callable[[], float]
"""Gives seconds from an arbitrary start; tests pass their own."""

Stopped = Literal["", "precision", "samples", "time cap", "error"]


def wall_clock() -> float:
    """Seconds of the system's finest monotonic clock."""
    return time.perf_counter_ns() * 1e-9


def synchronize(device: torch.device) -> None:
    """Wait until the device has done what was asked of it; nothing to wait for on a CPU."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


class Stopwatch:
    """Adds up the seconds between `start` and `stop`; `with stopwatch:` does both.

    Attributes:
        seconds: wall time so far.
        device_seconds: the same stretches by CUDA events; None on other devices.
    """

    def __init__(self, device: torch.device, clock: Clock = wall_clock) -> None:
        self.seconds = 0.0
        self.device_seconds: float | None = None
        self._device = device
        self._clock = clock

    def start(self) -> None:
        """Start or go on."""
        synchronize(self._device)
        self._event = self._mark()
        self._stamp = self._clock()

    def stop(self) -> float:
        """Stop, and return the wall seconds so far."""
        event = self._mark()
        synchronize(self._device)
        self.seconds += self._clock() - self._stamp
        if self._event is not None and event is not None:
            milliseconds = self._event.elapsed_time(event)
            self.device_seconds = (self.device_seconds or 0.0) + 1e-3 * milliseconds
        return self.seconds

    def __enter__(self) -> Stopwatch:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        if kind is None:  # a failed device cannot be synchronised: let its own error out
            self.stop()

    def _mark(self) -> torch.cuda.Event | None:
        if self._device.type != "cuda":
            return None
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record(torch.cuda.current_stream(self._device))
        return event


def timed(
    call: Callable[[], T], device: torch.device, clock: Clock = wall_clock
) -> tuple[T, float]:
    """The call's result and its wall seconds."""
    with Stopwatch(device, clock) as watch:
        result = call()
    return result, watch.seconds


@dataclass(frozen=True)
class Drained(Generic[T]):
    """What came of a phase.

    Attributes:
        result: the last thing it gave.
        seconds: wall seconds, without the observer's.
        device_seconds: the same by CUDA events; None on other devices.
        steps: how many steps it made; what it gives first is step 0.
        curve: step and seconds at each observed step and at the end.
        finished: whether it came to its own end, not to `max_seconds`.
    """

    result: T
    seconds: float
    device_seconds: float | None
    steps: int
    curve: list[tuple[int, float]]
    finished: bool


def one_two_five(step: int) -> bool:
    """Whether a step is 0, 1, 2, 5, 10, 20, 50, 100 and so on."""
    return str(step).rstrip("0") in ("", "1", "2", "5")


def drain(
    phase: Iterator[T],
    device: torch.device,
    clock: Clock = wall_clock,
    *,
    observe: Callable[[int, float, T], object] | None = None,
    at: Callable[[int], bool] = one_two_five,
    max_seconds: float | None = None,
) -> Drained[T]:
    """Run a phase (`bench.phases.adapting` or `stylizing`) and time it.

    The clock stands still while the observer looks, and the device is synchronised only there
    and at the two ends: otherwise the steps queue up on it as they do in use.

    Args:
        phase: gives something when it is ready (step 0) and after each step.
        device: to synchronise.
        clock: to read.
        observe: called with the step, the seconds so far and what the phase gave; at the steps
            that `at` picks, and at the last one.
        at: which steps to observe.
        max_seconds: end the phase after the first step that reaches this. The device is then
            synchronised after every step.

    Raises:
        BenchError: the phase gave nothing.
    """
    watch = Stopwatch(device, clock)
    curve: list[tuple[int, float]] = []
    step, finished = -1, True
    watch.start()
    for step, value in enumerate(phase):
        due = observe is not None and at(step)
        if not due and max_seconds is None:
            continue
        seconds = watch.stop()
        if observe is not None and due:
            observe(step, seconds, value)
            curve.append((step, seconds))
        if max_seconds is not None and seconds >= max_seconds:
            finished = False
            break
        watch.start()
    else:
        watch.stop()
    if step < 0:
        raise BenchError("a phase that is a generator must yield at least once")
    if not curve or curve[-1][0] != step:
        if observe is not None:
            observe(step, watch.seconds, value)
        curve.append((step, watch.seconds))
    return Drained(value, watch.seconds, watch.device_seconds, step, curve, finished)


@dataclass(frozen=True)
class Rule:
    """When a call is warm, and when it has been timed often enough.

    Attributes:
        min_samples, min_seconds: timed at least this often and this long, by its own seconds.
        min_rounds: and in this many rounds; the median has no interval before the sixth.
        precision: then until the median's 95 % interval is no wider than this share of the
            median to either side.
        max_samples, max_seconds: but no more often and no longer than this.
        slice_seconds: how long a call keeps its turn in a round; short calls repeat.
        turn_samples: but no more often than this, or a very short call would spend all its
            samples in a round or two.
        window_calls, window_seconds: the least size of a warm-up window.
        agreement: warm when two successive windows' medians differ by no more than this share.
        warmup_seconds: or when warming up took this long; 0 for no warm-up.
    """

    min_samples: int = 20
    min_seconds: float = 2.0
    min_rounds: int = LEAST
    precision: float = 0.02
    max_samples: int = 10_000
    max_seconds: float = 30.0
    slice_seconds: float = 0.05
    turn_samples: int = 100
    window_calls: int = 3
    window_seconds: float = 0.25
    agreement: float = 0.02
    warmup_seconds: float = 10.0


class WarmUp(NamedTuple):
    """How often and how long a call was run before it was timed, and whether it settled."""

    calls: int = 0
    seconds: float = 0.0
    stable: bool = False


def warm_up(
    call: Callable[[], object], rule: Rule, device: torch.device, clock: Clock = wall_clock
) -> WarmUp:
    """Run a call until two successive windows agree, or the rule's cap."""
    calls, seconds, before = 0, 0.0, float("nan")
    window: list[float] = []
    while seconds < rule.warmup_seconds:
        window.append(timed(call, device, clock)[1])
        calls, seconds = calls + 1, seconds + window[-1]
        if len(window) >= rule.window_calls and sum(window) >= rule.window_seconds:
            now = median(window)
            if abs(now - before) <= rule.agreement * before:
                return WarmUp(calls, seconds, True)
            before, window = now, []
    return WarmUp(calls, seconds, False)


@dataclass
class Samples:
    """Raw seconds of one call.

    Attributes:
        seconds: wall seconds, in the order taken.
        rounds: the round that each was taken in, from 0 on.
        device_seconds: the same by CUDA events; empty on other devices.
        warmup: what went before.
        stopped: why sampling ended.
        error: what the call raised, if it did; the samples before it are kept.
    """

    seconds: list[float] = field(default_factory=list)
    rounds: list[int] = field(default_factory=list)
    device_seconds: list[float] = field(default_factory=list)
    warmup: WarmUp = field(default_factory=WarmUp)
    stopped: Stopped = ""
    error: Exception | None = None

    def failed(self, error: Exception) -> None:
        """Keep the error, but not the tensors that its traceback's frames hold."""
        traceback.clear_frames(error.__traceback__)
        self.stopped, self.error = "error", error


def sample_interleaved(
    calls: Mapping[str, Callable[[], object]],
    rule: Rule,
    seed: int,
    device: torch.device,
    clock: Clock = wall_clock,
    on_progress: Callable[[str, Samples], object] | None = None,
) -> dict[str, Samples]:
    """Warm up every call, then time them in rounds, so that drift hits all alike.

    A round goes over all calls that are not done yet, in a random order of its own. A call that
    raises ends for itself only. For an A/A control enter one call under two labels, and compare
    the two by `bench.statistics.aa_noise`.

    Args:
        calls: label to call. A call looks after its own inference mode and autocast.
        rule: when each is done.
        seed: of the rounds' orders.
        device: to synchronise.
        clock: to read.
        on_progress: called with the label and its samples so far after each turn.
    """
    taken = {label: Samples() for label in calls}
    for label, samples in taken.items():
        try:
            samples.warmup = warm_up(calls[label], rule, device, clock)
        except Exception as error:
            samples.failed(error)
    order, turn = random.Random(seed), 0
    while active := [label for label, samples in taken.items() if not samples.stopped]:
        for label in order.sample(active, len(active)):
            samples = taken[label]
            try:
                _take_turn(calls[label], samples, turn, rule, device, clock)
                samples.stopped = _verdict(samples, rule)
            except Exception as error:
                samples.failed(error)
            if on_progress is not None:
                on_progress(label, samples)
        turn += 1
    return taken


def _take_turn(
    call: Callable[[], object],
    samples: Samples,
    turn: int,
    rule: Rule,
    device: torch.device,
    clock: Clock,
) -> None:
    spent, before = 0.0, len(samples.seconds)
    while True:
        with Stopwatch(device, clock) as watch:
            call()
        spent += watch.seconds
        samples.seconds.append(watch.seconds)
        samples.rounds.append(turn)
        if watch.device_seconds is not None:
            samples.device_seconds.append(watch.device_seconds)
        if spent >= rule.slice_seconds or len(samples.seconds) >= rule.max_samples:
            return
        if len(samples.seconds) - before >= rule.turn_samples:
            return


def _verdict(samples: Samples, rule: Rule) -> Stopped:
    seconds, rounds = samples.seconds, samples.rounds
    total = sum(seconds)
    if (
        len(seconds) >= rule.min_samples
        and total >= rule.min_seconds
        and len(set(rounds)) >= rule.min_rounds
    ):
        value, low, high = bootstrap_median(seconds, rounds=rounds)
        if high - low <= 2 * rule.precision * value:
            return "precision"
    if len(seconds) >= rule.max_samples:
        return "samples"
    return "time cap" if total >= rule.max_seconds else ""
