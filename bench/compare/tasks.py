"""What the gate times, for how long, and what counts; read by the command line without numpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from bench.results.values import Count, Name, Side, Threads

Scope = Literal["core", "adapt", "reference"]
REFERENCE: Scope = "reference"
"""The scope of the workload that baselines are measured in units of."""
SCOPES = tuple(scope for scope in get_args(Scope) if scope != REFERENCE)


@dataclass(frozen=True)
class GateRule:
    """How long to measure, and what counts.

    Attributes:
        threshold: the least share that counts as a difference.
        bias: a share that two processes with the same code may be apart; the test asks for more.
        precision: measure until the 95 % interval of the ratio is no wider than this to each side,
        min_rounds, min_seconds: but at least so often and so long,
        max_seconds: and no longer than this.
        turn_seconds: how long a turn is, or one call where that takes longer.
        settling: rounds that are not counted.
    """

    threshold: float = 0.03
    bias: float = 0.01
    precision: float = 0.015
    min_rounds: int = 40
    min_seconds: float = 4.0
    max_seconds: float = 15.0
    turn_seconds: float = 0.02
    settling: int = 2


@dataclass(frozen=True)
class TimedTask:
    """What is timed.

    Attributes:
        method: its name.
        options: of the method, as text.
        scope: `core`, `adapt`, or `reference`; of a phase that iterates, one step.
        size: side of the picture in pixels.
        device, precision, threads: to run on; None for torch's own number of threads.
        plugins: to load.
        seed: of the pictures.
    """

    method: Name
    options: Mapping[str, str]
    scope: Scope = "core"
    size: Side = 128
    device: Name = "cpu"
    precision: Name = "float32"
    threads: Threads | None = 1
    plugins: Sequence[Name] = ()
    seed: Count = 0


def setting_of(tasks: Sequence[TimedTask]) -> str:
    """What all tasks share."""
    task = tasks[0]
    threads = "torch's threads" if task.threads is None else f"threads: {task.threads}"
    return f"{task.device} · {task.precision} · {threads}"
