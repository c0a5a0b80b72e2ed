"""When a call is warm, and when it has been timed often enough: samples in interleaved rounds.

Samples stay raw; `bench.statistics` sums them up.
"""

from __future__ import annotations

import random
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Literal, NamedTuple

import torch

from bench.machine.clock import Clock, Stopwatch, timed, wall_clock
from bench.statistics import LEAST, bootstrap_median

Stopped = Literal["", "precision", "samples", "time cap", "error"]


@dataclass(frozen=True)
class SamplingRule:
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
        clock_seconds: or this long, while a GPU's clock still changes from window to window.
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
    clock_seconds: float = 10.0

    def settled(self, clocks: Sequence[float]) -> bool:
        """Whether a GPU's clock, read at the end of each window, is as it was a window before.

        It is where nobody tells.
        """
        if len(clocks) < 2:
            return not clocks
        return abs(clocks[-1] - clocks[-2]) <= self.agreement * clocks[-2]


class WarmUp(NamedTuple):
    """How often and how long a call was run before it was timed, and whether it settled.

    `megahertz` is the GPU's clock at the end of each window; empty where nobody tells.
    """

    calls: int = 0
    seconds: float = 0.0
    stable: bool = False
    megahertz: tuple[float, ...] = ()


Megahertz = Callable[[], float | None]
"""Reads a GPU's clock; None where nobody tells."""


def untold() -> None:
    """The clock of what has none, or none that can be read."""


def warm_up(
    call: Callable[[], object],
    rule: SamplingRule,
    device: torch.device,
    clock: Clock = wall_clock,
    megahertz: Megahertz = untold,
) -> WarmUp:
    """Run a call until two successive windows agree in time and in clock, or the rule's caps.

    A GPU that was idle takes a while to reach its clock, and a hot one to lower it.
    """
    calls, seconds, before = 0, 0.0, float("nan")
    window: list[float] = []
    clocks: list[float] = []

    def cap() -> float:
        wait = rule.warmup_seconds > 0 and not rule.settled(clocks)
        return max(rule.warmup_seconds, wait * rule.clock_seconds)

    while seconds < cap():
        window.append(timed(call, device, clock)[1])
        calls, seconds = calls + 1, seconds + window[-1]
        if len(window) >= rule.window_calls and sum(window) >= rule.window_seconds:
            now, read = median(window), megahertz()
            clocks += [] if read is None else [read]
            if abs(now - before) <= rule.agreement * before and rule.settled(clocks):
                return WarmUp(calls, seconds, True, tuple(clocks))
            before, window = now, []
    return WarmUp(calls, seconds, False, tuple(clocks))


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
    rule: SamplingRule,
    seed: int,
    device: torch.device,
    clock: Clock = wall_clock,
    on_turn: Callable[[str, Samples], object] = lambda *_: None,
    megahertz: Megahertz = untold,
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
        on_turn: called with the label and its samples so far before each turn and each warm-up.
        megahertz: of the GPU.
    """
    taken = {label: Samples() for label in calls}
    for label, samples in taken.items():
        on_turn(label, samples)
        try:
            samples.warmup = warm_up(calls[label], rule, device, clock, megahertz)
        except Exception as error:
            samples.failed(error)
    order, turn = random.Random(seed), 0
    while active := [label for label, samples in taken.items() if not samples.stopped]:
        for label in order.sample(active, len(active)):
            samples = taken[label]
            on_turn(label, samples)
            try:
                _take_turn(calls[label], samples, turn, rule, device, clock)
                samples.stopped = _verdict(samples, rule)
            except Exception as error:
                samples.failed(error)
        turn += 1
    return taken


def _take_turn(
    call: Callable[[], object],
    samples: Samples,
    turn: int,
    rule: SamplingRule,
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


def _verdict(samples: Samples, rule: SamplingRule) -> Stopped:
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
