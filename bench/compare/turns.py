"""A pair of processes that take turns at the same call, each with a version of its own.

They take turns of some milliseconds, in rounds of four: old, new, new, old, or the other way round,
drawn by lot, so that a drift hits both alike. The seconds of a round's two turns of each version
make one ratio: how fast the machine is, and what else it does, cancels out. The same turns, with
the two versions' halves exchanged, are the A/A control.

What other processes take is not charged: on Linux the kernel tells how long a thread was kept
waiting for a core, which on a busy machine is most of the noise. Processes of one thread share one
core: on a virtual machine two are as fast as each other only as far as their other tenants leave
them so. No torch here: it is the workers that import it.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import random
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any, NamedTuple

import numpy as np

from bench import interrupts, progress
from bench.compare.revisions import Side
from bench.compare.tasks import GateRule, TimedTask
from bench.errors import BenchError
from bench.statistics import aa_noise, bootstrap_median


class Rounds(NamedTuple):
    """What one pair of processes measured, a number for each round.

    Attributes:
        base, new: seconds of a call.
        control: seconds of the one half of each version's turns by the other half's, which is as
            noisy as a ratio and knows nothing of their difference: the A/A control.
        waited: the share of time that the calls were kept waiting for a core.
        libraries: what each ran on.
    """

    base: list[float]
    new: list[float]
    control: list[float]
    waited: float
    libraries: tuple[Mapping[str, Any], Mapping[str, Any]]

    def ratios(self) -> list[float]:
        """New by old."""
        return [new / base for base, new in zip(self.base, self.new, strict=True)]


class WorkerProcess:
    """A worker process."""

    def __init__(self, side: Side, task: TimedTask, script: Path) -> None:
        self._side = side
        self._errors = TemporaryFile()  # noqa: SIM115 (as long as the process)
        self._process = subprocess.Popen(
            [side.python, str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=side.environment() | _threads(task),
            text=True,
        )

    def ask(self, request: Mapping[str, Any]) -> None:
        """Send a request; where it has ended, there will be no answer."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()

    def answer(self) -> Any:
        """Wait for the answer.

        Raises:
            BenchError: it has failed.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        reply = json.loads(line) if line else {"error": "it ended"}
        if isinstance(reply, dict) and "error" in reply:
            self._fail(reply["error"])
        return reply

    def keep_to(self, core: int) -> None:
        """Let its main thread run on one core only."""
        os.sched_setaffinity(self._process.pid, {core})

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def _fail(self, why: str) -> None:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        last = f" ({lines[-1]})" if lines and why == "it ended" else ""
        raise BenchError(f"{self._side.label} cannot be measured: {why}{last}")


def _threads(task: TimedTask) -> dict[str, str]:
    """Libraries read their number of threads when they are loaded."""
    if task.threads is None:
        return {}
    return {name: str(task.threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}


@contextmanager
def worker_folder() -> Iterator[Path]:
    """A folder with the worker's script, alone: a script's folder comes first on its path."""
    with TemporaryDirectory(prefix="bench-gate-") as name:
        folder = Path(name)
        (folder / "worker").mkdir()
        shutil.copy(Path(__file__).with_name("worker.py"), folder / "worker")
        yield folder


def noise_of(taken: Sequence[Rounds]) -> float:
    """The A/A noise of all that was measured, a share."""
    control = [ratio for rounds in taken for ratio in rounds.control]
    return aa_noise(control, np.ones(len(control)))


def measure_pair(
    runs: Sequence[tuple[Side, TimedTask]], folder: Path, rule: GateRule, seed: int, quiet: bool
) -> Rounds:
    """Let a fresh pair of processes take turns until the ratio is known well enough."""
    order = random.Random(seed)
    script = folder / "worker" / "worker.py"
    task = runs[1][1]
    with ExitStack() as stack:
        bar = stack.enter_context(
            progress.bar(
                desc=f"{task.method} {task.scope} {task.size} px",
                unit="round",
                disable=quiet,
                bar_format="{desc}: {n_fmt} rounds [{elapsed}]",
            )
        )
        workers = [stack.enter_context(closing(WorkerProcess(*run, script))) for run in runs]
        for worker, (_, asked) in zip(workers, runs, strict=True):
            worker.ask({"prepare": {**asdict(asked), "plugins": list(asked.plugins)}})
        libraries = [worker.answer() for worker in workers]
        if task.threads == 1 and task.device == "cpu" and hasattr(os, "sched_setaffinity"):
            cores = sorted(os.sched_getaffinity(0))
            for worker in workers:
                worker.keep_to(cores[seed % len(cores)])
        seconds = [timed.pop("seconds") for timed in libraries]
        calls = [max(1, round(rule.turn_seconds / each)) for each in seconds]
        taken = Rounds([], [], [], 0.0, (libraries[0], libraries[1]))
        run = waited = 0.0
        start = time.monotonic()
        for count in itertools.count(1 - rule.settling):
            interrupts.check()
            first = order.randrange(2)
            turns: tuple[list[float], list[float]] = ([], [])
            for side in (first, 1 - first, 1 - first, first):
                workers[side].ask({"turn": calls[side]})
                spent, held = workers[side].answer()
                turns[side].append(spent / calls[side])
                run, waited = run + spent, waited + held
            if count < 1:
                continue
            for kept, two in zip((taken.base, taken.new), turns, strict=True):
                kept.append(sum(two) / 2)
            (old, old_again), (now, now_again) = turns
            taken.control.append(math.sqrt(old_again * now / (old * now_again)))
            spent = time.monotonic() - start
            bar.update()
            if spent >= rule.max_seconds:
                break
            due = count >= rule.min_rounds and spent >= rule.min_seconds and not count % 10
            if due and _known(taken, rule):
                break
    return taken._replace(waited=waited / (run + waited))


def _known(taken: Rounds, rule: GateRule) -> bool:
    """Whether the ratio's interval is narrow enough."""
    _, low, high = bootstrap_median(np.log(taken.ratios()))
    return high - low <= 2 * rule.precision
