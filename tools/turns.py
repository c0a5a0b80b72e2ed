"""Calls that take turns, each in a process of its own: shared by the tools that time steps.

Environment variables that a library reads when it is loaded, and what is set for a whole process,
then differ from call to call, and whatever else the machine does hits all alike.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from bench.statistics import bootstrap_median

Make = Callable[..., Callable[[], object]]
"""Makes the call that is timed, in its process; to be found by name in a module."""


class Worker:
    """A process that makes a call and times it whenever it is asked.

    Args:
        make: makes the call.
        arguments: of `make`.
        variables: of the process's environment; None takes one away.
    """

    def __init__(
        self, make: Make, *arguments: Any, variables: Mapping[str, str | None] | None = None
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, make, arguments), daemon=True)
        with _environment(variables or {}):
            process.start()
        theirs.close()

    def ask(self) -> tuple[Any, float, float]:
        """What the call returns, its seconds, and the seconds that cores were busy with it."""
        self._pipe.send(None)
        try:
            result, seconds, busy = self._pipe.recv()
            return result, seconds, busy
        except EOFError:
            raise SystemExit("a process that was to be timed has ended, see above") from None


def _serve(pipe: Connection, make: Make, arguments: Sequence[Any]) -> None:
    call = make(*arguments)
    while _asked(pipe):
        start, busy = time.perf_counter(), time.process_time()
        result = call()
        pipe.send((result, time.perf_counter() - start, time.process_time() - busy))


def _asked(pipe: Connection) -> bool:
    """Wait until asked; False once nobody is there to ask."""
    try:
        pipe.recv()
    except EOFError:
        return False
    return True


@contextmanager
def _environment(variables: Mapping[str, str | None]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update({name: value for name, value in variables.items() if value is not None})
    for name in [name for name, value in variables.items() if value is None]:
        os.environ.pop(name, None)
    yield
    os.environ.clear()
    os.environ.update(before)


def take_turns(
    workers: Mapping[str, Worker], rounds: int, wall: bool = False
) -> dict[str, list[float]]:
    """Seconds of every worker's call, in rounds over all, after two that warm up.

    Those that cores are busy with it: what other processes take is not charged, but by `wall`.
    """
    seconds: dict[str, list[float]] = {name: [] for name in workers}
    for round_ in range(rounds + 2):
        for name, worker in workers.items():
            _, passed, busy = worker.ask()
            if round_ > 1:
                seconds[name].append(passed if wall else busy)
    return seconds


def ratio(base: Sequence[float], taken: Sequence[float]) -> str:
    """How many times as fast, round by round: the median and its 95 % interval."""
    value, low, high = bootstrap_median(np.divide(base, taken))
    return f"{value:.2f} [{low:.2f}, {high:.2f}]"
