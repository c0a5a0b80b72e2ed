"""How often `bench gate` is wrong on this machine: many gates whose answer is known.

    python tools/gate_trial.py trial.csv --aa 200 --slow 100

One version against itself must not be SLOW; one whose core was made 5 % or 10 % slower must be.
The slow-down is real work of the processor: after every picture the method keeps computing until
it has used so much more of the processor's time. Every gate is a line of the file; a trial that is
interrupted goes on where it was. Kinds take turns, so that a part of a trial tells something too.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from scipy.stats import beta
from tabulate import tabulate

from bench import options
from bench.compare import gate, tasks
from bench.errors import BenchError

ROOT = Path(__file__).parents[1]
FIELDS = (
    *("kind", "number", "verdict", "ratio", "low", "high", "p", "floor", "noise"),
    *("rounds", "launches", "waited", "base_ms", "load", "seconds"),
)
SLOWER = """

def _slower(stylize):
    import time

    def slow(self, content):
        start = time.thread_time()
        made = stylize(self, content)
        until = start + {factor} * (time.thread_time() - start)
        while time.thread_time() < until:
            pass
        return made

    return slow


for _cls in bench_methods():
    _cls.stylize = _slower(_cls.stylize)
"""


def sources(folder: Path, method: str, percent: int) -> Path:
    """A copy of this checkout, with a method that is so much slower."""
    for part in ("bench", "methods", "metrics", "datasets"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    if percent:
        file = folder / "methods" / f"{method.replace('-', '_')}.py"
        file.write_text(file.read_text() + SLOWER.format(factor=1 + percent / 100))
    return folder


def read(path: Path) -> list[dict[str, str]]:
    """The gates so far."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def trial(base: Path, new: Path, task: tasks.TimedTask, seed: int) -> Mapping[str, object]:
    """One gate."""
    start, load = time.monotonic(), os.getloadavg()[0]
    (row,) = gate.compare_versions(str(base), str(new), [task], seed=seed).rows
    assert isinstance(row, gate.Gated)
    return {
        **row.result._asdict(),
        "noise": row.noise,
        "rounds": row.rounds,
        "launches": row.launches,
        "waited": row.waited,
        "base_ms": 1e3 * row.base,
        "load": load,
        "seconds": time.monotonic() - start,
    }


def table(rows: Sequence[Mapping[str, str]]) -> str:
    """What came of each kind; the bounds are exact (Clopper and Pearson 1934)."""
    lines = []
    for kind in sorted({int(row["kind"]) for row in rows}):
        mine = [row for row in rows if int(row["kind"]) == kind]
        verdicts = [row["verdict"] for row in mine]
        slow, count = verdicts.count("SLOW"), len(mine)
        low = beta.ppf(0.025, slow, count - slow + 1) if slow else 0.0
        high = beta.ppf(0.975, slow + 1, count - slow) if slow < count else 1.0
        seconds = [float(row["seconds"]) for row in mine]
        ratios = [float(row["ratio"]) for row in mine]
        lines.append(
            [
                f"{kind} % slower" if kind else "itself",
                count,
                f"{slow / count:.1%} [{low:.1%}, {high:.1%}]",
                *(verdicts.count(word) for word in ("SLOW", "AMBIGUOUS", "SAME", "FAST")),
                f"{np.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})",
                f"{np.median(seconds):.0f} ({max(seconds):.0f})",
            ]
        )
    head = ["new is", "gates", "found SLOW", "SLOW", "AMBIGUOUS", "SAME", "FAST"]
    return tabulate(
        lines, [*head, "ratio, median (range)", "seconds, median (most)"], "github",
        disable_numparse=True,
    )  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the gates that are missing, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, help="CSV file to add to")
    parser.add_argument("--aa", type=int, default=200, help="gates of a version against itself")
    parser.add_argument("--slow", type=int, default=100, help="gates of each slow-down")
    parser.add_argument("--percent", type=int, nargs="*", default=[5, 10])
    parser.add_argument("--method", default="metastyle")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument(
        "--option", nargs="*", default=["metastyle.inference=fused"], help="of the method"
    )
    args = parser.parse_args(arguments)
    given = options.parse_pairs(args.option).get(args.method, {})
    task = tasks.TimedTask(args.method, given, size=args.size)
    kinds = {0: args.aa, **dict.fromkeys(args.percent, args.slow)}
    rows = read(args.out)
    done = {kind: sum(int(row["kind"]) == kind for row in rows) for kind in kinds}
    with TemporaryDirectory(prefix="gate-trial-") as name:
        versions = {
            kind: sources(Path(name) / str(kind), args.method, kind) for kind in {0, *kinds}
        }
        while left := {kind: 1 - done[kind] / n for kind, n in kinds.items() if done[kind] < n}:
            kind = max(left, key=lambda kind: left[kind])
            number = done[kind]
            try:
                verdict = trial(versions[0], versions[kind], task, 1000 * kind + number)
            except BenchError as error:
                raise SystemExit(str(error)) from None
            with args.out.open("a", newline="") as file:
                writer = csv.DictWriter(file, FIELDS)
                if not file.tell():
                    writer.writeheader()
                writer.writerow({"kind": kind, "number": number, **verdict})
            done[kind] += 1
            print(
                f"{kind} % {number}: {verdict['verdict']} {verdict['ratio']:.3f} in "
                f"{verdict['seconds']:.0f} s",
                flush=True,
            )
    print(table(read(args.out)))


if __name__ == "__main__":
    main()
