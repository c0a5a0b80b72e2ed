"""Two runs against each other: per method, size and scope, whether it has become slower.

No torch here, so that it starts fast.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from bench import results
from bench.compare import difference
from bench.compare.comparison import ORDER, THRESHOLD, Compared, Comparison, summary
from bench.compare.difference import Difference
from bench.errors import BenchError
from bench.report.columns import MEASURED
from bench.report.model import Timing
from bench.results import Environment, Frames, MethodRecord, Scope
from bench.results.environment import FINGERPRINT_KEYS, describe
from bench.tables.text import clean

SCOPES: Sequence[str] = get_args(Scope)
_LEAST_SECONDS = {column.name: column.least_seconds for column in MEASURED if column.time}
_Key = tuple[str, int, str]  # method, size, scope


def compare(
    base: Path,
    new: Path,
    *,
    threshold: float = THRESHOLD,
    any_environment: bool = False,
    seed: int = 0,
) -> Comparison:
    """Read two run folders and give a verdict on every timing that both have.

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
    runs = [_MeasuredRun(path, results.load([path])) for path in (base, new)]
    before, after = runs
    notes = []
    machines = [describe(run.record.environment) for run in runs]
    if before.fingerprint != after.fingerprint:
        differ = _differing(before.record.environment, after.record.environment)
        if not any_environment:
            raise BenchError(
                f"{base} and {new} were measured in different environments ({differ}): compare "
                "runs of one machine, or give --any-environment"
            )
        notes.append(f"different environments: {differ}")
    renamed = _renamed(before.record.methods, after.record.methods)
    notes += [f"renamed: {old} is now {name}" for name, old in renamed.items()]
    old_names = {name: renamed.get(name, name) for name in after.record.methods}
    old_keys = {key: (old_names[key[0]], *key[1:]) for key in after.timings}
    common = {key: old for key, old in old_keys.items() if old in before.timings}
    rows = [_compared(before, old, after, key, threshold, seed) for key, old in common.items()]
    rows.sort(key=lambda row: ORDER.index(row.result.verdict))
    notes += _one_sided("missing", before, after, before.timings.keys() - set(common.values()))
    notes += _one_sided("new", after, before, after.timings.keys() - common.keys())
    for label, run in (("base", before), ("new", after)):
        notes += run.conditions(label)
    heading = [
        summary("bench compare", rows),
        f"base {before.record.id} · commit {before.commit} · {machines[0]}",
        f"new {after.record.id} · commit {after.commit}"
        + f" · {machines[1]}" * (before.fingerprint != after.fingerprint),
    ]
    return Comparison(heading, rows, notes, [*before.frames.warnings, *after.frames.warnings])


class _MeasuredRun:
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
            adaptation = Timing(cells["adapt_seconds"].to_numpy(), None)
            self.timings.setdefault((method, int(size), "adapt"), adaptation)
        place = {name: n for n, name in enumerate(self.record.methods)}
        self.timings = dict(
            sorted(
                self.timings.items(),
                key=lambda item: (place[item[0][0]], item[0][1], SCOPES.index(item[0][2])),
            )
        )

    @property
    def fingerprint(self) -> str:
        return self.record.environment.fingerprint

    @property
    def commit(self) -> str:
        environment = self.record.environment
        return (environment.commit or "unknown")[:12] + "-dirty" * bool(environment.dirty)

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


def _compared(
    before: _MeasuredRun, old: _Key, after: _MeasuredRun, key: _Key, threshold: float, seed: int
) -> Compared:
    """The verdict on one method at one size in one scope."""
    method, size, scope = key
    base, new = before.timings[old], after.timings[key]
    floor = max(threshold, before.noise(size), after.noise(size))
    return Compared(
        method,
        size,
        scope,
        _median(base),
        _median(new),
        _difference(base, new, floor, scope, seed),
        _changes(before, old[0], after, method, size),
    )


def _median(timing: Timing) -> float:
    from bench.statistics import bootstrap_median

    return bootstrap_median(timing.seconds, rounds=timing.rounds).value


def _difference(base: Timing, new: Timing, floor: float, scope: str, seed: int) -> Difference:
    found = difference.unpaired(base.seconds, new.seconds, floor, base.rounds, new.rounds, seed)
    if abs(_median(new) - _median(base)) < _LEAST_SECONDS[scope]:
        return found._replace(verdict="SAME")
    return found


def _renamed(base: Mapping[str, MethodRecord], new: Mapping[str, MethodRecord]) -> dict[str, str]:
    """New name to old name of what is run alike under another name, where that is unambiguous."""

    def alike(one: MethodRecord, other: MethodRecord) -> bool:
        same_source = one.source_sha256 and one.source_sha256 == other.source_sha256
        return bool(one.options == other.options and (one.method == other.method or same_source))

    gone, come = ([name for name in a if name not in b] for a, b in ((base, new), (new, base)))
    found = {name: [old for old in gone if alike(base[old], new[name])] for name in come}
    claims = Counter(old for olds in found.values() for old in olds)
    return {
        name: olds[0] for name, olds in found.items() if len(olds) == 1 and claims[olds[0]] == 1
    }


def _changes(base: _MeasuredRun, old: str, new: _MeasuredRun, method: str, size: int) -> list[str]:
    """What else is not the same about a method."""
    before, after = base.record.methods[old], new.record.methods[method]
    notes = [
        f"option {name}: {before.options.get(name)} in base, {after.options.get(name)} in new"
        for name in dict.fromkeys([*before.options, *after.options])
        if before.options.get(name) != after.options.get(name)
    ]
    precisions = [run.precision(name, size) for run, name in ((base, old), (new, method))]
    if precisions[0] != precisions[1]:
        notes.append(f"precision {precisions[0]} in base, {precisions[1]} in new")
    return notes


def _one_sided(word: str, here: _MeasuredRun, there: _MeasuredRun, keys: Any) -> Iterator[str]:
    """One line per method and size that only one run has timings of."""
    grouped: dict[tuple[str, int], list[str]] = {}
    for method, size, scope in here.timings:
        if (method, size, scope) in keys:
            grouped.setdefault((method, size), []).append(scope)
    for (method, size), scopes in grouped.items():
        why = there.failure(method, size)
        yield f"{word}: {method} {size} px ({', '.join(scopes)})" + f" · {why}" * bool(why)


def _differing(base: Environment, new: Environment) -> str:
    one, other = base.facts, new.facts
    differ = [
        f"{key} {json.dumps(one.get(key))} and {json.dumps(other.get(key))}"
        for key in FINGERPRINT_KEYS
        if one.get(key) != other.get(key)
    ]
    return clean("; ".join(differ) or "another fingerprint")
