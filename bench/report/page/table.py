"""The tables of a page: the trade-off, which fits a window, and what else was measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from bench.report.columns import ADAPT, CORE, MEASURED, Numbers, of_metrics
from bench.report.model import Group, Row
from bench.report.summary import DAGGER, DOMINATED, UNGATED
from bench.tables.model import BEST


def tables_of(group: Group, anchors: Mapping[int, str]) -> list[dict[str, Any]]:
    """The tables of a group; `anchors` has the id of every row's details.

    The first has the three axes of the trade-off, the second what else is known, if anything is.
    """
    further: list[Numbers] = [column for column in MEASURED if column not in (ADAPT, CORE)]
    parts: dict[str, list[Numbers]] = {
        "The trade-off": [ADAPT, CORE, *of_metrics(group.metrics)],
        "Further times, and what it takes": further,
    }
    shown = {
        title: [column for column in columns if any(column.of(row).known for row in group.rows)]
        for title, columns in parts.items()
    }
    return [
        _table(group, anchors, title, columns)
        for number, (title, columns) in enumerate(shown.items())
        if columns or not number
    ]


def _table(
    group: Group, anchors: Mapping[int, str], title: str, shown: Sequence[Numbers]
) -> dict[str, Any]:
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
        "title": title,
        "columns": [heading_of(column) for column in shown],
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


def heading_of(column: Numbers) -> dict[str, Any]:
    """The heading of a column: its name, its unit, which end is better, what it is."""
    return {
        "label": column.header[0],
        "unit": " ".join(column.header[1:]),
        "better": column.direction,
        "hint": column.hint,
    }


def _cell(row: Row, column: Numbers) -> dict[str, Any]:
    number = column.of(row)
    return {
        "value": number.value if number.known else None,
        "text": column.text(row, missing="–", exact=True),
        "interval": " – ".join(column.interval(row, exact=True) or ()),
        "best": column.key in row.best,
        "own": number.known and column.trained_on(row),
    }
