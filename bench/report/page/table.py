"""The table of a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from bench.report.columns import ADAPT, CORE, MEASURED, Numbers, of_metrics
from bench.report.model import Group, Row
from bench.report.summary import DAGGER, DOMINATED, UNGATED
from bench.tables.model import BEST


def table_of(group: Group, anchors: Mapping[int, str]) -> dict[str, Any]:
    """The table of a group; `anchors` has the id of every row's details."""
    shown = [
        column for column in _in_order(group) if any(column.of(row).known for row in group.rows)
    ]
    marks: dict[str, int] = {}

    def marked(notes: Sequence[str]) -> list[int]:
        return [marks.setdefault(note, len(marks) + 1) for note in notes]

    lines = [
        {
            "id": anchors[id(row)],
            "row": row,
            "ungated": row.quality_gate in ("failed", "not checked"),
            "marks": marked(row.notes),
            "cells": [
                _cell(row, column) | {"marks": marked(column.notes(row))} for column in shown
            ],
        }
        for row in group.rows
    ]
    return {
        "columns": [
            {
                "label": column.header[0],
                "unit": " ".join(column.header[1:]),
                "better": column.direction,
                "hint": column.hint,
            }
            for column in shown
        ],
        "best": BEST.removeprefix("* "),
        "parts": Counter(column.part for column in shown),
        "lines": lines,
        "notes": list(marks),
        "signs": [
            *[DAGGER] * any(column.trained_on(row) for row in group.rows for column in shown),
            *[UNGATED] * any(line["ungated"] for line in lines),
            *[DOMINATED] * any(row.dominated for row in group.rows),
        ],
        "rest": group.notes,
    }


def _in_order(group: Group) -> list[Numbers]:
    """The trade-off first, then what else there is."""
    first: list[Numbers] = [ADAPT, CORE, *of_metrics(group.metrics)]
    return [*first, *(column for column in MEASURED if column not in first)]


def _cell(row: Row, column: Numbers) -> dict[str, Any]:
    number = column.of(row)
    return {
        "value": number.value if number.known else None,
        "text": column.text(row, missing="–", exact=True),
        "interval": " – ".join(column.interval(row, exact=True) or ()),
        "best": column.key in row.best,
        "own": number.known and column.trained_on(row),
    }
