"""One time of every method on every machine: a table over hardware, which ranks nothing.

Times of two environments stand beside each other and are compared with none but those of their own
column; see `bench.report.rows` for what a row is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.errors import BenchError
from bench.report import rows
from bench.report.model import Estimate, Group, Row
from bench.results import DatasetRecord, Frames
from bench.results.environment import describe
from bench.tables import data, formats
from bench.tables.model import WIDTH, Cell, Marks, Section, Table
from bench.tables.text import clean, digits, interval_text, short

FORMATS = (*formats.TEXT, "csv")
TIMES = {"core": "ms", "pair": "ms", "e2e": "ms", "adapt": "s"}
"""A row's time to its unit."""


@dataclass(frozen=True)
class Line:
    """A method at one size: its row on each machine that it was measured on, by fingerprint."""

    label: str
    size: int
    rows: Mapping[str, Row]


@dataclass(frozen=True)
class Board:
    """All that was measured on one dataset: a line for each method and size.

    Attributes:
        dataset: that they share.
        groups: the rows of each machine, by its fingerprint.
        lines: in the order of the rows.
    """

    dataset: DatasetRecord
    groups: Mapping[str, Group]
    lines: Sequence[Line]


def boards(frames: Frames, seed: int = 0) -> list[Board]:
    """A board for each dataset."""
    by_dataset: dict[str, dict[str, Group]] = {}
    for group in rows.groups(frames, seed=seed):
        of_dataset = by_dataset.setdefault(group.dataset.fingerprint, {})
        of_dataset[group.environment.fingerprint] = group
    return [_board(groups) for groups in by_dataset.values()]


def _board(groups: Mapping[str, Group]) -> Board:
    placed: dict[tuple[str, str, int], dict[str, Row]] = {}  # labels tell rows of a group apart
    for environment, group in groups.items():
        for row in group.rows:
            placed.setdefault((row.label, row.variant.options, row.size), {})[environment] = row
    lines = [Line(label, size, found) for (label, _, size), found in placed.items()]
    return Board(next(iter(groups.values())).dataset, groups, lines)


def sections(frames: Frames, seed: int = 0) -> list[Section]:
    """A section for each dataset, with a table for each time; columns are environments."""
    return [_section(board) for board in boards(frames, seed)]


def _section(board: Board) -> Section:
    heads = [f"dataset {board.dataset.name} ({board.dataset.fingerprint})"]
    heads += [f"{name}: {describe(group.environment)}" for name, group in board.groups.items()]
    tables, marks = [], Marks()
    for time, unit in TIMES.items():
        notes: list[str] = []
        lines = []
        for line in board.lines:
            said = dict.fromkeys(note for row in line.rows.values() for note in row.notes)
            name = Cell(short(line.label), None, marks.of(list(said), notes))
            times = (_cell(line.rows.get(name), time) for name in board.groups)
            lines.append([name, Cell(str(line.size)), *times])
        title = f"{time}, {unit}, by environment (95 % intervals below; compare down a column)"
        headers: list[Sequence[str]] = [["method"], ["size"], *([name] for name in board.groups)]
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
    return data.csv(data.frame(lines))
