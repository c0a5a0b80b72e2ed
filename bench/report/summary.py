"""From the rows of a report to tables of text: columns that fit a width, marks, and footnotes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.report.columns import FIXED, Column
from bench.report.model import Group, Row
from bench.results.environment import describe
from bench.tables.model import BEST, WIDTH, Cell, Marks, Section, Table, plain
from bench.tables.text import clean, digits, short

DAGGER = "† this method is trained on this metric or on its network's features"
GATE = (
    "‡ no passed quality gate (better than identity on every style judge and better than"
    " style-copy on every content judge that it is not trained on)"
)
DOMINATED = (
    "§ dominated: another method is at least as good in adaptation, core time and every judge,"
    " and better in one"
)


@dataclass
class _Made:
    """A column with its cells."""

    header: Sequence[str]
    cells: list[Cell]
    notes: list[str] = field(default_factory=list)

    @property
    def width(self) -> int:
        texts = [plain(cell) for cell in self.cells]
        return max(map(len, [*self.header, *(line for text in texts for line in text)]))


def heading(group: Group) -> list[str]:
    """What the numbers were measured on."""
    environment, dataset = group.environment, group.dataset
    lines = [
        f"environment {environment['fingerprint']}: {describe(environment)}",
        f"dataset {dataset['name']} ({dataset['fingerprint']})",
    ]
    return [clean(line) for line in lines]


def section(group: Group, columns: Sequence[Column], width: int = WIDTH) -> Section:
    """The three-way table of a group, in as many parts as its columns need.

    Args:
        group: see `bench.report.rows.groups`.
        columns: see `bench.report.columns.choose`; where a metric is among them and the rows
            differ in how many pictures they judge, the column of pairs goes before it.
        width: characters that a part may take.
    """
    rows, marks = group.rows, Marks()
    heads = [_names(group, marks)]
    if any(row.values["style"] for row in rows):
        heads.append(_Made(["style"], [Cell(short(row.values["style"])) for row in rows]))
    words = [column for column in columns if column.key in ("family", "gate")]
    heads += [_column(rows, column, marks) for column in words]
    left = len(heads)
    heads.append(_Made(["size"], [Cell(str(row.values["size"])) for row in rows]))
    shown = [column for column in columns if column not in words]
    title = "Medians of times, with 95 % bootstrap intervals below"
    measured = {column.key for column in shown} & group.metrics.keys()
    if measured:
        counts = {_pairs(row) for row in rows if row.values["pairs"]}
        over = f" over {counts.pop()} pairs (styles × contents)" if len(counts) == 1 else ""
        title = f"Medians of times and means{over or ' over pairs'}, 95 % bootstrap intervals below"
        if not over and FIXED["pairs"] not in shown:
            first = next(n for n, column in enumerate(shown) if column.key in measured)
            shown.insert(first, FIXED["pairs"])
    elif not group.metrics:
        heads[0].notes.append("no metric of a judge was run")
    made = [_column(rows, column, marks) for column in shown]
    faded = [bool(row.dominated) for row in rows]
    return Section(
        heading(group),
        _fit(title, heads, made, left, faded, width),
        [clean(note) for note in group.notes],
    )


def _names(group: Group, marks: Marks) -> _Made:
    """The column of the methods' names, with the marks of what is said about whole rows."""
    made = _Made(["method"], [])
    ungated: dict[str, list[str]] = {"failed": [], "not checked": []}
    dominated: dict[str, None] = {}
    for row in group.rows:
        name, symbols = short(row.method), ""
        where = " ".join(map(str, filter(None, (name, *row.where))))
        if (gate := row.values["gate"]) in ungated:
            ungated[gate].append(where)
            symbols += "‡"
        if row.dominated:
            others = [short(label, 2 * 24) for label in row.dominated]
            more = f" and {len(others) - 1} more" if len(others) > 1 else ""
            dominated[f"{where} by {others[0]}{more}"] = None
            symbols += "§"
        made.cells.append(
            Cell(name, None, f" {symbols}" * bool(symbols) + marks.of(row.notes, made.notes))
        )
    if any(ungated.values()):
        verdicts = {"failed": "failed", "not checked": "gate not checked"}
        told = (f"{verdicts[gate]} for {_some(who)}" for gate, who in ungated.items() if who)
        made.notes.append(f"{GATE}: {'; '.join(told)}")
    if dominated:
        made.notes.append(f"{DOMINATED}: {_some(list(dominated))}")
    return made


def _some(texts: Sequence[str], most: int = 24) -> str:
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


def _pairs(row: Row) -> str:
    return "{pairs} ({styles}×{contents})".format(**row.values)


def _column(rows: Sequence[Row], column: Column, marks: Marks) -> _Made:
    made = _Made([short(line, 16) for line in column.header], [])
    if column.key == "pairs":
        made.cells = [Cell(_pairs(row)) for row in rows]
    elif column.interval == f"{column.key} ":
        made.cells = [_quality(row, column, marks, made.notes) for row in rows]
    else:
        made.cells = [_number(row, column) for row in rows]
    if any(cell.best for cell in made.cells):
        made.notes.append(BEST)
    return made


def _quality(row: Row, column: Column, marks: Marks, notes: list[str]) -> Cell:
    cell = _number(row, column)
    if not row.values["pairs"]:  # the row's own notes say why
        return cell
    symbol = ""
    if math.isfinite(row.values[column.key]) and column.key in row.own:
        symbol = " †"
        notes.append(DAGGER)
    return cell._replace(marks=symbol + marks.of(row.metric_notes[column.key], notes))


def _number(row: Row, column: Column) -> Cell:
    value = row.values[column.key]
    best = column.key in row.best
    if isinstance(value, str):
        return Cell(clean(value))
    if not math.isfinite(value):
        return Cell(row.words.get(column.key, "-"))
    if 0 <= value < column.floor:
        return Cell(f"<{column.floor:g}", best=best)
    low, high = (
        digits(row.values.get(f"{column.interval}{end}", math.nan), value, column.floor)
        for end in ("low", "high")
    )
    # one that rounds to a point says nothing
    interval = (low, high) if low != high else None
    return Cell(digits(value, floor=column.floor), interval, best=best)


def _fit(
    title: str,
    heads: Sequence[_Made],
    columns: Sequence[_Made],
    left: int,
    faded: list[bool],
    width: int,
) -> list[Table]:
    """Tables that begin with the same columns, as few as fit into the width."""
    parts: list[list[_Made]] = [[]]
    start = sum(2 + column.width for column in heads) - 2
    room = width - start
    for column in columns:
        if 2 + column.width > room and parts[-1]:
            parts.append([])
            room = width - start
        room -= 2 + column.width
        parts[-1].append(column)
    return [
        Table(
            title,
            [column.header for column in (*heads, *part)],
            [list(line) for line in zip(*(c.cells for c in (*heads, *part)), strict=True)],
            faded,
            left,
            [note for column in (*heads, *part) for note in column.notes],
        )
        for part in parts
    ]
