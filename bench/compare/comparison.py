"""Verdicts on what has become slower, as a table, csv and text."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.tables import data, formats
from bench.tables.model import WIDTH, Cell, Marks, Section, Table
from bench.tables.text import clean, digits, short

if TYPE_CHECKING:
    from pandas import DataFrame

    from bench.compare.difference import Difference, Verdict

THRESHOLD = 0.05
"""The least share that counts as a difference, however quiet the machine was."""
FORMATS = (*formats.TEXT, "csv")

ORDER: Sequence[Verdict] = ("SLOW", "AMBIGUOUS", "FAST", "SAME")


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


def summary(command: str, rows: Sequence[Compared]) -> str:
    """How many verdicts of each kind there are."""
    counts = Counter(row.result.verdict for row in rows)
    counted = [f"{counts[verdict]} {verdict}" for verdict in ORDER if counts[verdict]]
    return f"{command}: {', '.join(counted) or 'nothing is in both runs'}"


def render(
    comparison: Comparison, format: str = "plain", *, width: int = WIDTH, color: bool = False
) -> str:
    """A table of the verdicts, or `frame` as csv; `github` is Markdown for a pull request."""
    if format == "csv":
        return data.csv(frame(comparison))
    return formats.write([section(comparison)], comparison.warnings, format, width, color)


def numbers(comparison: Comparison) -> str:
    """The verdicts as JSON, for programs: the worst one, and a row each; what is no number is null.

    Rows have the columns of `frame`.
    """
    rows = data.json_lines(frame(comparison))
    verdicts = {row.result.verdict for row in comparison.rows}
    worst = next((verdict for verdict in ORDER if verdict in verdicts), None)
    return json.dumps({"verdict": worst, "rows": rows}, indent=2) + "\n"


def frame(comparison: Comparison) -> DataFrame:
    """One row per method, size and scope.

    Returns:
        Columns method, size, scope, base and new (median seconds), ratio, low, high, p, floor,
        verdict, notes.
    """
    return data.frame(
        [
            {
                **{name: getattr(row, name) for name in ("method", "size", "scope", "base", "new")},
                **row.result._asdict(),
                "notes": "; ".join(row.notes),
            }
            for row in comparison.rows
        ]
    )


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
