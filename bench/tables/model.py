"""A table of text: cells, marks, footnotes; no format yet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from bench.tables.text import clean

WIDTH = 100
BEST = "* best of its column and size, among methods that did not fail the gate"


class Cell(NamedTuple):
    """What stands in one place.

    Attributes:
        text: the number or word.
        interval: its bounds, where there is an interval.
        marks: of footnotes, with the space before them.
        best: whether no other method has a better number.
    """

    text: str
    interval: tuple[str, str] | None = None
    marks: str = ""
    best: bool = False


@dataclass
class Table:
    """Cells under headers.

    Attributes:
        title: without a full stop.
        headers: the lines of each column's header.
        lines: the cells of each row.
        faded: whether each row matters less.
        left: so many columns, from the first on, are words.
        notes: those whose marks are in the table.
    """

    title: str
    headers: list[Sequence[str]]
    lines: list[list[Cell]]
    faded: list[bool]
    left: int
    notes: list[str] = field(default_factory=list)


@dataclass
class Section:
    """The tables of one environment and dataset, with what describes them."""

    heading: list[str]
    tables: list[Table]
    notes: list[str]  # those without a mark

    def all_notes(self) -> list[str]:
        """Every note once: the marked ones, symbols before numbers, then the rest."""
        marked = dict.fromkeys(note for table in self.tables for note in table.notes)
        return [*sorted(marked, key=mark_order), *self.notes]


def mark_order(note: str) -> tuple[bool, int]:
    """Sorts footnotes: symbols first, then by number."""
    number = re.match(r"\[(\d+)\]", note)
    return (True, int(number[1])) if number else (False, "*§‡†".find(note[0]))


class Marks:
    """Numbers for footnotes, in the order in which they are met; equal notes share one."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def of(self, notes: Iterable[str], used: list[str]) -> str:
        """The marks of some notes; the notes as they are printed are added to `used`."""
        numbers = []
        for note in map(clean, notes):
            numbers.append(self._numbers.setdefault(note, len(self._numbers) + 1))
            used.append(f"[{numbers[-1]}] {note}")
        return f" [{','.join(_ranges(sorted(set(numbers))))}]" if numbers else ""


def _ranges(numbers: Sequence[int]) -> Iterator[str]:
    """1, 2, 4, 5, 6 as "1", "2", "4–6": so a row with many notes stays narrow."""
    for _, group in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):
        run = [number for _, number in group]
        yield from [f"{run[0]}–{run[-1]}"] if len(run) > 2 else map(str, run)


def plain(cell: Cell) -> list[str]:
    """A cell's lines as plain text; the interval is a line of its own."""
    line = "*" * cell.best + cell.text + cell.marks
    if cell.interval is None:
        return [line]
    low, high = cell.interval
    return [line, f"{low}–{high}" if not low.startswith("-") else f"{low} to {high}"]
