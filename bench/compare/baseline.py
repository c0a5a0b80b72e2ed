"""A stored baseline of the gate: a version's times in units of a reference workload."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta

from bench import results
from bench.compare import difference
from bench.compare.comparison import THRESHOLD, Compared, Comparison, summary
from bench.compare.difference import Difference
from bench.compare.gate import look_twice
from bench.compare.revisions import resolve
from bench.compare.tasks import REFERENCE, GateRule, TimedTask, setting_of
from bench.compare.turns import Rounds, measure_pair, noise_of, worker_folder
from bench.errors import BenchError
from bench.machine import processor
from bench.plugins.discovery import name_of, require_named
from bench.results.values import Open, Text, check_open

SCHEMA: Literal[1] = 1
"""The format of baseline files."""

Ratio = Annotated[float, Meta(gt=0, le=1e9)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What was measured of one task.

    Attributes:
        task: what was timed.
        seconds: of a call, the median.
        ratios: its times in units of the reference workload's, a number for each turn.
        noise: of the turns' A/A control, a share.
        libraries: what else the worker told of itself, such as the versions of libraries.
    """

    task: TimedTask
    seconds: Annotated[float, Meta(gt=0, le=1e9)]
    ratios: Annotated[Sequence[Ratio], Meta(min_length=1)]
    noise: Annotated[float, Meta(ge=0, le=1e9)]
    libraries: Mapping[str, Open]

    def __post_init__(self) -> None:
        check_open(self.libraries)


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """A baseline file."""

    schema: Literal[1]
    created: Text  # ISO 8601, UTC
    version: Text  # of the code
    cpu: Text | None
    entries: Annotated[Sequence[Entry], Meta(min_length=1)]


def read_baseline(path: Path) -> Baseline:
    """A stored baseline.

    Raises:
        BenchError: the file cannot be read, or is no baseline.
    """
    try:
        return results.checked(results.parse_json(results.read_bytes(path)), Baseline)
    except ValueError as error:
        raise BenchError(
            f"{path} is no baseline of this version ({results.brief(error)}): make one with"
            " --save-baseline"
        ) from None


def save_baseline(
    new: str,
    tasks: Sequence[TimedTask],
    path: Path,
    rule: GateRule | None = None,
    *,
    seed: int = 0,
    quiet: bool = True,
) -> None:
    """Measure a version in units of the reference workload, and store that.

    Args: as of `gate`; `path` is the file to write.

    Raises:
        BenchError: as `gate`, or the file cannot be written.
    """
    rule = rule or GateRule()
    entries = []
    with worker_folder() as folder:
        side = resolve(new, folder / "new")
        for task in tasks:
            runs = [(side, replace(task, scope=REFERENCE)), (side, task)]
            taken = [measure_pair(runs, folder, rule, seed + n, quiet) for n in range(2)]
            entries.append(
                Entry(
                    task=task,
                    seconds=float(np.median([s for rounds in taken for s in rounds.new])),
                    ratios=[ratio for rounds in taken for ratio in rounds.ratios()],
                    noise=noise_of(taken),
                    libraries=taken[0].libraries[1],
                )
            )
    baseline = Baseline(
        schema=SCHEMA,
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        version=side.label,
        cpu=processor.cpu()["cpu"],
        entries=entries,
    )
    results.write_json(path, asdict(baseline))


def against_baseline(
    path: Path,
    new: str,
    rule: GateRule | None = None,
    *,
    plugins: Sequence[str] = (),
    seed: int = 0,
    quiet: bool = True,
) -> Comparison:
    """Measure what a baseline holds, in units of the reference workload, and give it its verdict.

    The reference workload takes turns with the method, so that the speed of the machine cancels
    out as far as both depend on it alike; so the least threshold is that of `bench compare`.

    Args: as of `gate`; `path` is the file that `save_baseline` wrote, `plugins` are to be loaded:
        the file's own plugins are not, for a record never names code to load.

    Raises:
        BenchError: as `gate`, or the file is no baseline, or a plugin of its is not named.
    """
    rule = rule or GateRule()
    rule = replace(rule, threshold=max(rule.threshold, THRESHOLD))
    stored = read_baseline(path)
    rows: list[Compared] = []
    recorded = [entry.task for entry in stored.entries]
    recorded_plugins = [plugin for task in recorded for plugin in task.plugins]
    require_named(path, recorded_plugins, map(name_of, plugins))
    tasks = [replace(task, plugins=tuple(plugins)) for task in recorded]
    with worker_folder() as folder:
        side = resolve(new, folder / "new")
        for task, entry in zip(tasks, stored.entries, strict=True):
            runs = [(side, replace(task, scope=REFERENCE)), (side, task)]

            def verdict(taken: Sequence[Rounds], entry: Entry = entry) -> Difference:
                floor = max(rule.threshold, entry.noise, noise_of(taken))
                now = [ratio for rounds in taken for ratio in rounds.ratios()]
                return difference.unpaired(entry.ratios, now, floor)

            row = look_twice(task, runs, verdict, folder, rule, seed, quiet)
            row.base = entry.seconds
            for name, before in entry.libraries.items():
                if name != "seconds" and (now := row.libraries.get(name)) != before:
                    row.notes.append(f"{name} {before} in the baseline, {now} now")
            rows.append(row)
    cpu = processor.cpu()["cpu"]
    heading = [
        summary("bench gate", rows),
        f"baseline {path}: {stored.version}, {stored.created}, {stored.cpu}",
        f"new {side.label}" + f", {cpu}" * (cpu != stored.cpu),
        setting_of(tasks),
    ]
    unit = "ratios are of times in units of the reference workload"
    return Comparison(heading, rows, [unit], [])
