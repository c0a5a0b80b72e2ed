"""Two runs against each other: per method, size and scope, whether it has become slower.

No torch here, so that it starts fast.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from bench import difference, formats, results, tidy
from bench.columns import FIXED
from bench.difference import Difference, Verdict
from bench.environment import describe
from bench.errors import BenchError
from bench.results import Frames, MethodRecord, Scope
from bench.rows import Timing
from bench.table import WIDTH, Cell, Marks, Section, Table
from bench.text import clean, digits, short

if TYPE_CHECKING:
    from pandas import DataFrame

THRESHOLD = 0.05
"""The least share that counts as a difference, however quiet the machine was."""

SCOPES: Sequence[str] = get_args(Scope)
FORMATS = (*formats.TEXT, "csv")

_ORDER: Sequence[Verdict] = ("SLOW", "AMBIGUOUS", "FAST", "SAME")
_Key = tuple[str, int, str]  # method, size, scope


@dataclass
class Compared:
    """One method, size and scope in both runs.

    Attributes:
        method, size, scope: of the new run.
        base, new: median seconds of a call.
        result: the verdict and its grounds.
        notes: what differs besides the time.
    """

    method: str
    size: int
    scope: str
    base: float
    new: float
    result: Difference
    notes: list[str] = field(default_factory=list)


@dataclass
class Comparison:
    """Two runs.

    Attributes:
        heading: which they are.
        rows: what is in both, slow ones first.
        notes: what is renamed, missing or new, and how noisy the runs were.
        warnings: one line per file that could not be read.
    """

    heading: list[str]
    rows: list[Compared]
    notes: list[str]
    warnings: Sequence[str]

    @property
    def slow(self) -> bool:
        """Whether anything has become slower."""
        return any(row.result.verdict == "SLOW" for row in self.rows)


def compare(
    base: Path,
    new: Path,
    *,
    threshold: float = THRESHOLD,
    any_environment: bool = False,
    seed: int = 0,
) -> Comparison:
    """Read two run folders and judge every timing that both have.

    The floor of each verdict is the threshold, or the A/A noise of either run at that size where
    that is greater. Timings that differ by less than a table shows of them are the SAME.

    Args:
        base, new: run folders.
        threshold: the least share that counts as a difference.
        any_environment: compare even what was measured on different machines or libraries.
        seed: of the bootstraps.

    Raises:
        BenchError: a run cannot be read, or the environments differ and nobody asked for that.
    """
    runs = [_Run(path, results.load([path])) for path in (base, new)]
    before, after = runs
    notes = []
    told = [describe(run.record["environment"]) for run in runs]
    if before.fingerprint != after.fingerprint:
        differ = _differing(before.record["environment"], after.record["environment"])
        if not any_environment:
            raise BenchError(
                f"{base} and {new} were measured in different environments ({differ}): compare "
                "runs of one machine, or give --any-environment"
            )
        notes.append(f"different environments: {differ}")
    renamed = _renamed(before.record["methods"], after.record["methods"])
    notes += [f"renamed: {old} is now {name}" for name, old in renamed.items()]
    rows, old_names = [], {name: renamed.get(name, name) for name in after.record["methods"]}
    met = set()
    for (method, size, scope), timing in after.timings.items():
        old = (old_names[method], size, scope)
        if old not in before.timings:
            continue
        met.add(old)
        floor = max(threshold, before.noise(size), after.noise(size))
        earlier = before.timings[old]
        rows.append(
            Compared(
                method,
                size,
                scope,
                _median(earlier),
                _median(timing),
                _judge(earlier, timing, floor, FIXED[scope], seed),
                _changes(before, old[0], after, method, size),
            )
        )
    rows.sort(key=lambda row: _ORDER.index(row.result.verdict))
    notes += _one_sided("missing", before, after, before.timings.keys() - met)
    new_keys = {k for k in after.timings if (old_names[k[0]], *k[1:]) not in before.timings}
    notes += _one_sided("new", after, before, new_keys)
    for label, run in (("base", before), ("new", after)):
        notes += run.conditions(label)
    heading = [
        summary("bench compare", rows),
        f"base {before.record['id']} · commit {before.commit} · {told[0]}",
        f"new {after.record['id']} · commit {after.commit}"
        + f" · {told[1]}" * (before.fingerprint != after.fingerprint),
    ]
    return Comparison(heading, rows, notes, [*before.frames.warnings, *after.frames.warnings])


class _Run:
    """A run's timings by method, size and scope, and how noisy they are."""

    def __init__(self, path: Path, frames: Frames) -> None:
        (self.record,) = frames.records.values()
        self.frames = frames
        self.timings: dict[_Key, Timing] = {}
        by: Any = ["method", "size", "scope"]
        for (method, size, scope), taken in frames.samples.groupby(by, sort=False):
            self.timings[method, int(size), scope] = Timing(
                taken["seconds"].to_numpy(), taken["round"].to_numpy()
            )
        done = frames.cells[frames.cells["status"] == "ok"]
        for (method, size), cells in done.groupby(by[:2], sort=False):
            adapted = Timing(cells["adapt_seconds"].to_numpy(), None)
            self.timings.setdefault((method, int(size), "adapt"), adapted)
        place = {name: n for n, name in enumerate(self.record["methods"])}
        self.timings = dict(
            sorted(
                self.timings.items(),
                key=lambda item: (place[item[0][0]], item[0][1], SCOPES.index(item[0][2])),
            )
        )

    @property
    def fingerprint(self) -> str:
        return str(self.record["environment"]["fingerprint"])

    @property
    def commit(self) -> str:
        environment = self.record["environment"]
        dirty = "-dirty" * bool(environment.get("dirty"))
        return (environment.get("commit") or "unknown")[:12] + dirty

    def noise(self, size: int) -> float:
        """The A/A noise at a size; 0 where there was no control."""
        controls = self.frames.controls
        return float(max(controls.loc[controls["size"] == size, "noise"], default=0.0))

    def conditions(self, label: str) -> Iterator[str]:
        """What must be said about how it was measured."""
        for size in sorted({size for _, size, _ in self.timings}):
            if size in set(self.frames.controls["size"]):
                yield f"A/A noise of {label} at {size} px: {100 * self.noise(size):.1f} %"
            else:
                yield f"no A/A control of {label} at {size} px: its noise is not known"
        speeds = self.frames.speeds
        for reason in dict.fromkeys(speeds.loc[speeds["noisy"] != "", "noisy"]):
            yield f"{label} is noisy: {reason}"

    def precision(self, method: str, size: int) -> str:
        speeds = self.frames.speeds
        found = speeds[(speeds["method"] == method) & (speeds["size"] == size)]
        return str(found["precision"].iloc[0]) if len(found) else ""

    def failure(self, method: str, size: int) -> str:
        """Why a method has no timing at a size, where it was tried."""
        for frame in (self.frames.speeds, self.frames.cells):
            found = frame[(frame["method"] == method) & (frame["size"] == size)]
            failed = found[found["status"] != "ok"]
            if len(failed):
                return f"{failed['status'].iloc[0]}: {failed['reason'].iloc[0]}"
        return ""


def _median(timing: Timing) -> float:
    from bench.statistics import bootstrap_median

    return bootstrap_median(timing.seconds, rounds=timing.rounds).value


def _judge(base: Timing, new: Timing, floor: float, column: Any, seed: int) -> Difference:
    found = difference.unpaired(base.seconds, new.seconds, floor, base.rounds, new.rounds, seed)
    unit = 1e-3 if column.unit == "ms" else 1.0
    if abs(_median(new) - _median(base)) < column.floor * unit:
        return found._replace(verdict="SAME")
    return found


def _renamed(base: Mapping[str, MethodRecord], new: Mapping[str, MethodRecord]) -> dict[str, str]:
    """New name to old name of what is run alike under another name, where that is unambiguous."""

    def alike(one: MethodRecord, other: MethodRecord) -> bool:
        same_source = one["source_sha256"] and one["source_sha256"] == other["source_sha256"]
        return bool(
            one["options"] == other["options"] and (one["method"] == other["method"] or same_source)
        )

    gone, come = ([name for name in a if name not in b] for a, b in ((base, new), (new, base)))
    found = {name: [old for old in gone if alike(base[old], new[name])] for name in come}
    claims = Counter(old for olds in found.values() for old in olds)
    return {
        name: olds[0] for name, olds in found.items() if len(olds) == 1 and claims[olds[0]] == 1
    }


def _changes(base: _Run, old: str, new: _Run, method: str, size: int) -> list[str]:
    """What else is not the same about a method."""
    before, after = base.record["methods"][old], new.record["methods"][method]
    notes = [
        f"option {name}: {before['options'].get(name)} in base, {after['options'].get(name)} in new"
        for name in dict.fromkeys([*before["options"], *after["options"]])
        if before["options"].get(name) != after["options"].get(name)
    ]
    told = [run.precision(name, size) for run, name in ((base, old), (new, method))]
    if told[0] != told[1]:
        notes.append(f"precision {told[0]} in base, {told[1]} in new")
    return notes


def _one_sided(word: str, here: _Run, there: _Run, keys: Any) -> Iterator[str]:
    """One line per method and size that only one run has timings of."""
    grouped: dict[tuple[str, int], list[str]] = {}
    for method, size, scope in here.timings:
        if (method, size, scope) in keys:
            grouped.setdefault((method, size), []).append(scope)
    for (method, size), scopes in grouped.items():
        why = there.failure(method, size)
        yield f"{word}: {method} {size} px ({', '.join(scopes)})" + f" · {why}" * bool(why)


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    from bench.environment import FINGERPRINT_KEYS

    differ = [
        f"{key} {json.dumps(one.get(key))} and {json.dumps(other.get(key))}"
        for key in FINGERPRINT_KEYS
        if one.get(key) != other.get(key)
    ]
    return clean("; ".join(differ) or "another fingerprint")


def summary(command: str, rows: Sequence[Compared]) -> str:
    """How many verdicts of each kind there are."""
    counts = Counter(row.result.verdict for row in rows)
    told = [f"{counts[verdict]} {verdict}" for verdict in _ORDER if counts[verdict]]
    return f"{command}: {', '.join(told) or 'nothing is in both runs'}"


def render(
    comparison: Comparison, format: str = "plain", *, width: int = WIDTH, color: bool = False
) -> str:
    """A table of the verdicts, or `frame` as csv; `github` is Markdown for a pull request."""
    if format == "csv":
        return tidy.csv(frame(comparison))
    return formats.write([section(comparison)], comparison.warnings, format, width, color)


def frame(comparison: Comparison) -> DataFrame:
    """One row per method, size and scope.

    Returns:
        Columns method, size, scope, base and new (median seconds), ratio, low, high, p, floor,
        verdict, notes.
    """
    from pandas import DataFrame

    made: DataFrame = DataFrame(
        [
            {
                **{name: getattr(row, name) for name in ("method", "size", "scope", "base", "new")},
                **row.result._asdict(),
                "notes": "; ".join(row.notes),
            }
            for row in comparison.rows
        ]
    )
    return made


def section(comparison: Comparison) -> Section:
    """The verdicts as a table."""
    marks = Marks()
    table = Table(
        "Medians of times, and their ratio with its 95 % interval; above 1 is slower",
        [["verdict"], ["method"], ["scope"], ["size"], ["base"], ["new"], ["ratio"], ["floor"]],
        [],
        [row.result.verdict == "SAME" for row in comparison.rows],
        left=3,
    )
    for row in comparison.rows:
        found = row.result
        interval = None
        if math.isfinite(found.low):
            interval = (f"{found.low:.3f}", f"{found.high:.3f}")
        mark = marks.of(row.notes, table.notes)
        table.lines.append(
            [
                Cell(found.verdict),
                Cell(short(row.method), marks=mark),
                Cell(row.scope),
                Cell(str(row.size)),
                Cell(seconds(row.base)),
                Cell(seconds(row.new)),
                Cell(f"{found.ratio:.3f}", interval),
                Cell(f"{100 * found.floor:.1f} %"),
            ]
        )
    tables = [table] if comparison.rows else []
    heading = [clean(line) for line in comparison.heading]
    return Section(heading, tables, [clean(note) for note in comparison.notes])


def seconds(value: float) -> str:
    """A time with its unit."""
    for unit, scale in (("s", 1.0), ("ms", 1e3)):
        if value * scale >= 1:
            return f"{digits(value * scale)} {unit}"
    return f"{digits(value * 1e6)} µs"
