"""The rows of a frame as they come in, kept column by column: a run may have millions."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pandas import DataFrame

Values = tuple[Any, ...]

_WHOLE = frozenset(("size", "step", "round", "seed"))
_REAL = frozenset(
    (
        "adapt_seconds",
        "adapt_steps",
        "first_call",
        "params_shared",
        "params_per_style",
        "peak_memory_bytes",
        "allocated_bytes",
        "reserved_bytes",
        "device_bytes",
        "joules",
        "flops",
        "seconds",
        "noise",
        "value",
    )
)
_OWN = frozenset(("contents", "parts", "samples", "rounds", "device_samples"))
"""Lists and such: each row has one of its own."""
BLOCK = 4096


def keep_texts() -> None:
    """Have pandas keep texts as Python's own from now on, in the whole process.

    Arrow's, which pandas 3 takes where pyarrow is installed, hold no name that is not UTF-8; pandas
    makes them not only of new frames, but of every index of names. Who has chosen keeps the choice.
    """
    from pandas import get_option, set_option

    if get_option("mode.string_storage") == "auto":
        set_option("mode.string_storage", "python")


class Columns:
    """The rows of a frame.

    Numbers are held as such, and a text that comes back is held once.

    Args:
        names: of the columns.
        texts: those that were met, each to itself; shared by frames.
    """

    def __init__(self, names: Sequence[str], texts: dict[Any, Any]) -> None:
        self._columns: dict[str, list[Any] | array[Any]] = {
            name: array("q") if name in _WHOLE else array("d") if name in _REAL else []
            for name in names
        }
        self._texts = texts
        self._rows: list[Values] = []

    def append(self, row: Values) -> None:
        """One more row."""
        self.extend((row,))

    def extend(self, rows: Iterable[Values]) -> None:
        """More rows."""
        self._rows.extend(rows)
        if len(self._rows) >= BLOCK:
            self._turn()

    def _turn(self) -> None:
        for (name, column), values in zip(self._columns.items(), zip(*self._rows, strict=True)):  # noqa: B905
            if name in _REAL:
                column.extend([math.nan if value is None else value for value in values])
            elif name in _WHOLE or name in _OWN:
                column.extend(values)
            else:
                kept = self._texts.setdefault  # of texts alone: True would stand for 1
                column.extend([kept(v, v) if v.__class__ is str else v for v in values])
        self._rows.clear()

    def frame(self) -> DataFrame:
        """The rows so far, which are forgotten.

        What is no number stays Python's own: pandas' texts take twice the memory.
        """
        from pandas import DataFrame, Series

        keep_texts()
        self._turn()
        columns = {}
        for name in list(self._columns):
            column = self._columns.pop(name)
            kind = int if name in _WHOLE else float if name in _REAL else object
            columns[name] = Series(column, dtype=kind)
        frame: DataFrame = DataFrame(columns)
        return frame
