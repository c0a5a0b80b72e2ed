"""The table of a page."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from bench.report.columns import DEFAULT, SETS, Column, choose
from bench.report.model import Group, Row
from bench.report.summary import DAGGER, DOMINATED, GATE
from bench.tables.model import BEST
from bench.tables.text import digits


def _part(column: Column) -> str:
    """The heading over a column."""
    parts = {"adapt": "Flexibility", "core": "Speed"}
    parts |= dict.fromkeys(_TIMES, "Further times") | dict.fromkeys(SETS["cost"], "Cost")
    return parts.get(column.name, "Quality")


_TIMES = [name for name in SETS["speed"] if name not in DEFAULT]


_HINTS = {
    "adapt": "What a new style costs",
    "core": "A picture, in a style that is ready",
    "pair": "A new style and a picture",
    "e2e": "From a file to a file, in a style that is ready",
    "first-call": "A picture, not warmed up",
    "params": "Learned numbers that stylizing uses",
    "style-params": "Those kept for each style",
    "peak": "Memory while stylizing, above what was held before",
    "gflop": "Of stylizing one picture",
    "peak-share": "Of the machine's measured peak: the plain network's operations over core",
}


def table_of(group: Group, anchors: Mapping[int, str]) -> dict[str, Any]:
    """The table of a group; `anchors` has the id of every row's details."""
    shown = [
        column
        for column in choose([*DEFAULT, *_TIMES, *SETS["cost"]], [group.metrics])[0]
        if any(math.isfinite(row.values[column.key]) for row in group.rows)
    ]
    marks: dict[str, int] = {}

    def marked(notes: Sequence[str]) -> list[int]:
        return [marks.setdefault(note, len(marks) + 1) for note in notes]

    lines = [
        {
            "id": anchors[id(row)],
            "row": row,
            "gate": row.values["gate"] in ("failed", "not checked"),
            "marks": marked(row.notes),
            "cells": [
                {
                    "value": _finite(row.values[column.key]),
                    "text": number_text(row.values[column.key], column.floor)
                    or row.words.get(column.key, "–"),
                    "interval": _interval(row, column),
                    "best": column.key in row.best,
                    "own": column.key in row.own and math.isfinite(row.values[column.key]),
                    "marks": marked(row.metric_notes.get(column.key, [])),
                }
                for column in shown
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
                "hint": _HINTS.get(column.name, column.key),
            }
            for column in shown
        ],
        "best": BEST.removeprefix("* "),
        "parts": Counter(map(_part, shown)),
        "lines": lines,
        "notes": list(marks),
        "signs": [
            *[DAGGER] * any(row.own & {column.key for column in shown} for row in group.rows),
            *[GATE] * any(line["gate"] for line in lines),
            *[DOMINATED] * any(row.dominated for row in group.rows),
        ],
        "rest": group.notes,
    }


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value


def number_text(value: float | None, floor: float = 0.0) -> str:
    """Three digits, or nothing where there is no number."""
    if value is None or not math.isfinite(value):
        return ""
    return f"<{floor:g}" if 0 <= value < floor else digits(value)


def _interval(row: Row, column: Column) -> str:
    value = row.values[column.key]
    low, high = (row.values.get(f"{column.interval}{end}", math.nan) for end in ("low", "high"))
    if not math.isfinite(low) or 0 <= value < column.floor:
        return ""
    return f"{digits(low, value)} – {digits(high, value)}"
