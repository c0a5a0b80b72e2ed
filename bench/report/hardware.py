"""One time of every method on every machine: a table over hardware, which ranks nothing.

Times of two environments stand beside each other and are compared with none but those of their own
column; see `bench.report.rows` for what a row is.
"""

from __future__ import annotations

from collections.abc import Sequence

from bench.errors import BenchError
from bench.report import rows
from bench.report.model import Estimate, Group, Row
from bench.results import Frames
from bench.results.environment import describe
from bench.tables import data, formats
from bench.tables.model import WIDTH, Cell, Marks, Section, Table
from bench.tables.text import clean, digits, interval_text, short

FORMATS = (*formats.TEXT, "csv")
TIMES = {"core": "ms", "pair": "ms", "e2e": "ms", "adapt": "s"}
"""A row's time to its unit."""


def sections(frames: Frames, seed: int = 0) -> list[Section]:
    """A section for each dataset, with a table for each time; columns are environments."""
    groups = rows.groups(frames, seed=seed)
    by_dataset: dict[str, list[Group]] = {}
    for group in groups:
        by_dataset.setdefault(group.dataset.fingerprint, []).append(group)
    return [_section(some) for some in by_dataset.values()]


def _section(groups: Sequence[Group]) -> Section:
    columns = list(dict.fromkeys(group.environment.fingerprint for group in groups))
    dataset = groups[0].dataset
    heads = [f"dataset {dataset.name} ({dataset.fingerprint})"]
    heads += [f"{g.environment.fingerprint}: {describe(g.environment)}" for g in groups]
    placed: dict[tuple[str, str, int], dict[str, Row]] = {}  # labels tell rows of a group apart
    for group in groups:
        for row in group.rows:
            place = placed.setdefault((row.label, row.variant.options, row.size), {})
            place[group.environment.fingerprint] = row
    tables, marks = [], Marks()
    for time, unit in TIMES.items():
        notes: list[str] = []
        lines = []
        for (label, _, size), found in placed.items():
            said = dict.fromkeys(note for row in found.values() for note in row.notes)
            name = Cell(short(label), None, marks.of(list(said), notes))
            lines.append([name, Cell(str(size)), *(_cell(found.get(e), time) for e in columns)])
        title = f"{time}, {unit}, by environment (95 % intervals below; compare down a column)"
        headers: list[Sequence[str]] = [["method"], ["size"], *([e] for e in columns)]
        tables.append(Table(title, headers, lines, [False] * len(lines), 1, notes))
    return Section([clean(head) for head in heads], tables, [])


def _cell(row: Row | None, time: str) -> Cell:
    if row is None:
        return Cell("")
    taken: Estimate = getattr(row, time)
    if not taken.samples:
        return Cell("–")
    return Cell(digits(taken.value), interval_text(taken.low, taken.high, taken.value))


def render(
    frames: Frames, format: str = "plain", *, width: int = WIDTH, color: bool = False, seed: int = 0
) -> str:
    """The tables of `sections`, or as csv a line for each method, size, environment and time.

    Raises:
        BenchError: not one of `FORMATS`.
    """
    if format not in FORMATS:
        raise BenchError(f"--by environment goes with --format {', '.join(FORMATS)}, not {format}")
    if format != "csv":
        found = sections(frames, seed)
        return formats.write(found, frames.warnings, format, width, color)
    from pandas import DataFrame

    lines = [
        {
            "dataset_fingerprint": row.variant.dataset,
            "method": row.label,
            "options": row.variant.options,
            "size": row.size,
            "environment": group.environment.fingerprint,
            "machine": describe(group.environment),
            "time": time,
            "unit": unit,
            "value": taken.value,
            "low": taken.low,
            "high": taken.high,
            "samples": taken.samples,
        }
        for group in rows.groups(frames, seed=seed)
        for row in group.rows
        for time, unit in TIMES.items()
        if (taken := getattr(row, time)).samples
    ]
    return data.csv(DataFrame(lines))
