"""The clock: every second that the suite reports is read here.

The device is synchronised before every stamp, so that no work is left out and none is charged to
the wrong side. Samples stay raw; `bench.statistics` sums them up.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, TypeVar

import torch

from bench.errors import BenchError

T = TypeVar("T")

Clock = Callable[[], float]
"""Gives seconds from an arbitrary start; tests pass their own."""


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


CLEARLY_FASTER = 0.9
"""The largest share of another's time that is clearly less: by a tenth; noise decides below it."""


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
    """Run a phase (`bench.contract.phases.adapting` or `stylizing`) and time it.

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
