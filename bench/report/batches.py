"""The table of batches: how speed grows with the pictures in a call, as far as memory goes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from bench.report.model import Batch, Group
from bench.tables.model import Cell, Marks, Table
from bench.tables.text import digits, interval_text, short

TITLE = (
    "Batches: milliseconds of a whole one and pictures per second, 95 % bootstrap intervals below;"
    " caches as warm as repeated calls leave them"
)
FURTHER: Sequence[tuple[Sequence[str], Callable[[Batch], float]]] = (
    (("tensors", "MB"), lambda batch: batch.allocated),
    (("torch", "MB"), lambda batch: batch.reserved),
    (("GPU", "MB"), lambda batch: batch.device),
    (("energy", "J/picture"), lambda batch: batch.joules),
    (("outside", "events %"), lambda batch: batch.outside),
)
"""What a GPU tells: columns that are left out where nobody does."""


def tables(group: Group, marks: Marks) -> list[Table]:
    """The table of a group; none where no row has batches."""
    lines = [(row, batch) for row in group.rows for batch in row.batches]
    if not lines:
        return []
    notes: list[str] = []
    shown = [
        (header, value)
        for header, value in FURTHER
        if any(math.isfinite(value(batch)) for _, batch in lines)
    ]
    cells = []
    for row, batch in lines:
        said = [batch.reason] if batch.reason else []
        name = Cell(short(row.label), None, marks.of(said, notes))
        what = [name, Cell(str(row.size)), Cell(str(batch.pictures or "-"))]
        if batch.status != "ok":
            what += [Cell(batch.status), Cell("-")]
        else:
            for number in (batch.call, batch.per_second):
                ends = interval_text(number.low, number.high, number.value)
                what.append(Cell(digits(number.value), ends))
        cells.append(what + [Cell(digits(value(batch))) for _, value in shown])
    headers: list[Sequence[str]] = [["method"], ["size"], ["batch"], ["core", "ms"]]
    headers += [["pictures", "/s"], *(header for header, _ in shown)]
    return [Table(TITLE, headers, cells, [False] * len(cells), 1, notes)]
