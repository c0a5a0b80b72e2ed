"""`bench gate`: two versions side by side on one machine, judged by the ratios of their turns.

Each version is a process of its own. They take turns of some milliseconds, in rounds of four: old,
new, new, old, or the other way round, drawn by lot, so that a drift hits both alike. The seconds
of a round's two turns of each version make one ratio: how fast the machine is, and what else it
does, cancels out. The same turns, with the two versions' halves exchanged, are the A/A control:
its noise is the least floor of the verdict.

What other processes take is not charged: on Linux the kernel tells how long a thread was kept
waiting for a core, which on a busy machine is most of the noise. Processes of one thread share one
core: on a virtual machine two are as fast as each other only as far as their other tenants leave
them so.

Two processes with the same code may differ a little in how their memory happens to lie. So an
effect of half the floor is looked at again in a second pair of fresh processes: it counts where the
two together are above the floor, and each of them above half of it.

No torch here: it is the workers that import it.
"""

from __future__ import annotations

import functools
import itertools
import json
import math
import os
import random
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any, NamedTuple

import numpy as np

from bench import difference, environment, progress, results
from bench.compare import THRESHOLD, Compared, Comparison, summary
from bench.difference import Difference
from bench.errors import BenchError
from bench.revisions import Side, resolve
from bench.statistics import aa_noise, bootstrap_median

SCOPES = ("core", "adapt")
REFERENCE = "reference"
"""The scope of the workload that baselines are measured in units of."""
BASELINE = 1
"""The format of baseline files."""


@dataclass(frozen=True)
class Rule:
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
class Task:
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

    method: str
    options: Mapping[str, str]
    scope: str = "core"
    size: int = 128
    device: str = "cpu"
    precision: str = "float32"
    threads: int | None = 1
    plugins: Sequence[str] = ()
    seed: int = 0


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


@dataclass
class Gated(Compared):
    """A verdict of the gate.

    Attributes:
        noise: what the A/A control says, a share.
        rounds: how many were measured.
        launches: by how many pairs of processes.
        waited: the share of time that the calls were kept waiting for a core.
        libraries: what the new version ran on.
    """

    noise: float = math.nan
    rounds: int = 0
    launches: int = 0
    waited: float = 0.0
    libraries: Mapping[str, Any] = field(default_factory=dict)


class _Process:
    """A worker process."""

    def __init__(self, side: Side, task: Task, script: Path) -> None:
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
        told = json.loads(line) if line else {"error": "it ended"}
        if isinstance(told, dict) and "error" in told:
            self._fail(told["error"])
        return told

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


def _threads(task: Task) -> dict[str, str]:
    """Libraries read their number of threads when they are loaded."""
    if task.threads is None:
        return {}
    return {name: str(task.threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}


def gate(
    base: str,
    new: str,
    tasks: Sequence[Task],
    rule: Rule | None = None,
    *,
    seed: int = 0,
    quiet: bool = True,
) -> Comparison:
    """Measure two versions side by side, and judge every task.

    Args:
        base, new: see `bench.revisions.resolve`.
        tasks: what to time.
        rule: how long, and what counts.
        seed: of the order of turns.
        quiet: no progress bar.

    Raises:
        BenchError: a version is not there, or cannot run a task.
    """
    rule = rule or Rule()
    rows: list[Compared] = []
    with _folder() as folder:
        sides = [resolve(text, folder / name) for text, name in ((base, "base"), (new, "new"))]
        for task in tasks:
            runs = [(side, task) for side in sides]
            verdict = functools.partial(_paired, rule=rule)
            rows.append(_judged(task, runs, verdict, folder, rule, seed, quiet))
    labels = [f"base {sides[0].label}", f"new {sides[1].label}"]
    return Comparison([summary("bench gate", rows), *labels, _setting(tasks)], rows, [], [])


def save_baseline(
    new: str,
    tasks: Sequence[Task],
    path: Path,
    rule: Rule | None = None,
    *,
    seed: int = 0,
    quiet: bool = True,
) -> None:
    """Measure a version in units of the reference workload, and store that.

    Args: as of `gate`; `path` is the file to write.

    Raises:
        BenchError: as `gate`, or the file cannot be written.
    """
    rule = rule or Rule()
    entries = []
    with _folder() as folder:
        side = resolve(new, folder / "new")
        for task in tasks:
            runs = [(side, replace(task, scope=REFERENCE)), (side, task)]
            taken = [_measure(runs, folder, rule, seed + n, quiet) for n in range(2)]
            entries.append(
                {
                    "task": asdict(task),
                    "seconds": float(np.median([s for rounds in taken for s in rounds.new])),
                    "ratios": [ratio for rounds in taken for ratio in rounds.ratios()],
                    "noise": _noise(taken),
                    "libraries": taken[0].libraries[1],
                }
            )
    results.write_json(
        path,
        {
            "schema": BASELINE,
            "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "version": side.label,
            "cpu": environment.cpu()["cpu"],
            "entries": entries,
        },
    )


def against_baseline(
    path: Path,
    new: str,
    rule: Rule | None = None,
    *,
    seed: int = 0,
    quiet: bool = True,
) -> Comparison:
    """Measure what a baseline holds, in units of the reference workload, and judge it.

    The reference workload takes turns with the method, so that the speed of the machine cancels
    out as far as both depend on it alike; so the least threshold is that of `bench compare`.

    Args: as of `gate`; `path` is the file that `save_baseline` wrote.

    Raises:
        BenchError: as `gate`, or the file is no baseline.
    """
    rule = rule or Rule()
    rule = replace(rule, threshold=max(rule.threshold, THRESHOLD))
    stored = results.read_json(path)
    if not isinstance(stored, dict) or stored.get("schema") != BASELINE:
        raise BenchError(f"{path} is no baseline of this version: make one with --save-baseline")
    rows: list[Compared] = []
    tasks = [Task(**entry["task"]) for entry in stored["entries"]]
    with _folder() as folder:
        side = resolve(new, folder / "new")
        for task, entry in zip(tasks, stored["entries"], strict=True):
            runs = [(side, replace(task, scope=REFERENCE)), (side, task)]

            def verdict(taken: Sequence[Rounds], entry: Any = entry) -> Difference:
                floor = max(rule.threshold, entry["noise"], _noise(taken))
                now = [ratio for rounds in taken for ratio in rounds.ratios()]
                return difference.unpaired(entry["ratios"], now, floor)

            row = _judged(task, runs, verdict, folder, rule, seed, quiet)
            row.base = entry["seconds"]
            for name, before in entry["libraries"].items():
                if name != "seconds" and row.libraries[name] != before:
                    row.notes.append(f"{name} {before} in the baseline, {row.libraries[name]} now")
            rows.append(row)
    cpu = environment.cpu()["cpu"]
    heading = [
        summary("bench gate", rows),
        f"baseline {path}: {stored['version']}, {stored['created']}, {stored['cpu']}",
        f"new {side.label}" + f", {cpu}" * (cpu != stored["cpu"]),
        _setting(tasks),
    ]
    told = "ratios are of times in units of the reference workload"
    return Comparison(heading, rows, [told], [])


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder with the worker's script, alone: a script's folder comes first on its path."""
    with TemporaryDirectory(prefix="bench-gate-") as name:
        folder = Path(name)
        (folder / "worker").mkdir()
        shutil.copy(Path(__file__).with_name("worker.py"), folder / "worker")
        yield folder


def _setting(tasks: Sequence[Task]) -> str:
    """What all tasks share."""
    task = tasks[0]
    threads = "torch's threads" if task.threads is None else f"threads: {task.threads}"
    return f"{task.device} · {task.precision} · {threads}"


def _judged(
    task: Task,
    runs: Sequence[tuple[Side, Task]],
    verdict: Callable[[Sequence[Rounds]], Difference],
    folder: Path,
    rule: Rule,
    seed: int,
    quiet: bool,
) -> Gated:
    """Time two workers in turn, and once more in fresh processes where they may differ.

    What the first pair of processes shows is off by what they owe to their own memory's layout: of
    an effect of 5 % it may show 3. So half the floor is enough to look again; both together must
    then be above the floor, and each above its half.
    """
    taken = [_measure(runs, folder, rule, seed, quiet)]
    result = verdict(taken)
    if result.exceeds(result.floor / 2):
        taken.append(_measure(runs, folder, rule, seed + 1, quiet))
        result, each = verdict(taken), [verdict([rounds]) for rounds in taken]
        agreed = all(
            one.exceeds(result.floor / 2) and (one.ratio > 1) == (result.ratio > 1) for one in each
        )
        if not agreed and any(one.beyond for one in (result, *each)):
            result = result._replace(verdict="AMBIGUOUS")
    waited = float(np.mean([rounds.waited for rounds in taken]))
    rounds_ = sum(len(rounds.base) for rounds in taken)
    noise = _noise(taken)
    notes = [
        f"{rounds_} rounds in {len(taken)} pair{'s' * (len(taken) > 1)} of processes; A/A noise"
        f" {100 * noise:.1f} %"
        + f"; other processes held the core {100 * waited:.0f} % of the time"
        * (waited > 0.02)
    ]
    return Gated(
        task.method,
        task.size,
        task.scope,
        float(np.median([s for rounds in taken for s in rounds.base])),
        float(np.median([s for rounds in taken for s in rounds.new])),
        result,
        notes,
        noise,
        rounds_,
        len(taken),
        waited,
        taken[0].libraries[1],
    )


def _paired(taken: Sequence[Rounds], rule: Rule) -> Difference:
    ratios = [ratio for rounds in taken for ratio in rounds.ratios()]
    return difference.paired(ratios, max(rule.threshold, _noise(taken)), rule.bias)


def _noise(taken: Sequence[Rounds]) -> float:
    control = [ratio for rounds in taken for ratio in rounds.control]
    return aa_noise(control, np.ones(len(control)))


def _measure(
    runs: Sequence[tuple[Side, Task]], folder: Path, rule: Rule, seed: int, quiet: bool
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
        workers = [stack.enter_context(closing(_Process(*run, script))) for run in runs]
        for worker, (_, asked) in zip(workers, runs, strict=True):
            worker.ask({"prepare": {**asdict(asked), "plugins": list(asked.plugins)}})
        libraries = [worker.answer() for worker in workers]
        if task.threads == 1 and task.device == "cpu" and hasattr(os, "sched_setaffinity"):
            cores = sorted(os.sched_getaffinity(0))
            for worker in workers:
                worker.keep_to(cores[seed % len(cores)])
        seconds = [told.pop("seconds") for told in libraries]
        calls = [max(1, round(rule.turn_seconds / each)) for each in seconds]
        taken = Rounds([], [], [], 0.0, (libraries[0], libraries[1]))
        run = waited = 0.0
        start = time.monotonic()
        for count in itertools.count(1 - rule.settling):
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


def _known(taken: Rounds, rule: Rule) -> bool:
    """Whether the ratio's interval is narrow enough."""
    _, low, high = bootstrap_median(np.log(taken.ratios()))
    return high - low <= 2 * rule.precision
