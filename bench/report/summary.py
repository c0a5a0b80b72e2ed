"""From the rows of a report to tables of text: columns that fit a width, marks, and footnotes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.report import batches
from bench.report.columns import FAMILY, PAIRS, QUALITY_GATE, Column, MetricColumn, Numbers, Words
from bench.report.model import Group, Row
from bench.results.environment import describe
from bench.tables.model import BEST, WIDTH, Cell, Marks, Section, Table, plain
from bench.tables.text import clean, short

DAGGER = "† this method is trained on this metric or on its network's features"
UNGATED = (
    "‡ no passed quality gate (better than identity on every style judge and better than"
    " style-copy on every content judge that it is not trained on)"
)
DOMINATED = (
    "§ dominated: another method is at least as good in adaptation, core time and every judge,"
    " and better in one"
)


@dataclass
class _Filled:
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
        f"environment {environment.fingerprint}: {describe(environment)}",
        f"dataset {dataset.name} ({dataset.fingerprint})",
    ]
    return [clean(line) for line in lines]


def section(group: Group, columns: Sequence[Column], width: int = WIDTH) -> Section:
    """The three-way table of a group, in as many parts as its columns need, and that of batches.

    Args:
        group: see `bench.report.rows.groups`.
        columns: see `bench.report.columns.choose`; rows of one size have it in the title.
            Where a metric is among them and the rows differ in how many pictures they judge, the
            column of pairs goes before it.
        width: characters that a part may take.
    """
    rows, marks = group.rows, Marks()
    heads = [_names(group, marks)]
    if any(row.style for row in rows):
        heads.append(_Filled(["style"], [Cell(short(row.style)) for row in rows]))
    words = [column for column in columns if column in (FAMILY, QUALITY_GATE)]
    heads += [_column(rows, column, marks) for column in words]
    left = len(heads)
    sizes = {row.size for row in rows}
    where = f" at {sizes.pop()} px" if len(sizes) == 1 else ""
    if not where:
        heads.append(_Filled(["size"], [Cell(str(row.size)) for row in rows]))
    shown = [column for column in columns if column not in words]
    title = f"Medians of times{where}; 95 % bootstrap intervals below"
    first = next((n for n, column in enumerate(shown) if isinstance(column, MetricColumn)), None)
    if first is not None:
        counts = {PAIRS.text(row) for row in rows if row.pairs}
        over = f" {counts.pop()}" if len(counts) == 1 else ""
        title = (
            f"Medians of times, means over{over} style-content pairs{where};"
            " 95 % bootstrap intervals below"
        )
        if not over and PAIRS not in shown:
            shown.insert(first, PAIRS)
    elif not group.metrics:
        heads[0].notes.append("no metric of a judge was run")
    filled = [_column(rows, column, marks) for column in shown]
    faded = [bool(row.dominated) for row in rows]
    return Section(
        heading(group),
        [*_fit(title, heads, filled, left, faded, width), *batches.tables(group, marks)],
        [clean(note) for note in group.notes],
    )


def _names(group: Group, marks: Marks) -> _Filled:
    """The column of the methods' names, with the marks of what is said about whole rows."""
    names = _Filled(["method"], [])
    ungated: dict[str, list[str]] = {"failed": [], "not checked": []}
    dominated: dict[str, None] = {}
    for row in group.rows:
        name, symbols = short(row.method), ""
        where = " ".join(map(str, filter(None, (name, *row.where))))
        if (quality_gate := row.quality_gate) in ungated:
            ungated[quality_gate].append(where)
            symbols += "‡"
        if row.dominated:
            others = [short(label, 2 * 24) for label in row.dominated]
            more = f" and {len(others) - 1} more" if len(others) > 1 else ""
            dominated[f"{where} by {others[0]}{more}"] = None
            symbols += "§"
        names.cells.append(
            Cell(name, None, f" {symbols}" * bool(symbols) + marks.of(row.notes, names.notes))
        )
    if any(ungated.values()):
        verdicts = {"failed": "failed", "not checked": "gate not checked"}
        named = (f"{verdicts[quality]} for {_some(who)}" for quality, who in ungated.items() if who)
        names.notes.append(f"{UNGATED}: {'; '.join(named)}")
    if dominated:
        names.notes.append(f"{DOMINATED}: {_some(list(dominated))}")
    return names


def _some(texts: Sequence[str], most: int = 24) -> str:
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


def _column(rows: Sequence[Row], column: Column, marks: Marks) -> _Filled:
    filled = _Filled([short(line, 16) for line in column.header], [])
    if isinstance(column, Words):
        filled.cells = [Cell(column.text(row)) for row in rows]
    elif isinstance(column, Numbers):
        filled.cells = [_number(row, column, marks, filled.notes) for row in rows]
    if any(cell.best for cell in filled.cells):
        filled.notes.append(BEST)
    return filled


def _number(row: Row, column: Numbers, marks: Marks, notes: list[str]) -> Cell:
    symbols = ""
    if column.trained_on(row) and column.of(row).known:
        symbols = " †"
        notes.append(DAGGER)
    if row.pairs:  # otherwise the row's own notes say why
        symbols += marks.of(column.notes(row), notes)
    return Cell(column.text(row), column.interval(row), symbols, column.key in row.best)


def _fit(
    title: str,
    heads: Sequence[_Filled],
    columns: Sequence[_Filled],
    left: int,
    faded: list[bool],
    width: int,
) -> list[Table]:
    """Tables that begin with the same columns, as few as fit into the width."""
    parts: list[list[_Filled]] = [[]]
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
