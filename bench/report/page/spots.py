"""The points of the trade-off plots, so that a page can say what each is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.report.columns import ADAPT, CORE, Numbers, of_metrics
from bench.report.model import Row
from bench.results import MetricRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def spots_of(
    figure: Figure, rows: Mapping[str, Row], metrics: Mapping[str, MetricRecord]
) -> list[dict[str, Any]]:
    """Where each row stands in a drawn figure, with its numbers in words.

    Args:
        figure: a trade-off, whose points are labelled with the labels of their rows.
        rows: those of one size, by the ids of their details.
        metrics: id to metric, of those that are shown.

    Returns:
        For each point `x` and `y`, percent of the figure from its left and from its top; `href`,
        the address of the row's details; `label`; and `facts`, names and numbers in words.
    """
    by_label = {row.label: (id_, row) for id_, row in rows.items()}
    columns: Sequence[Numbers] = [ADAPT, CORE, *of_metrics(metrics)]
    found = []
    for label, x, y in _points(figure):
        if label in by_label:
            id_, row = by_label[label]
            place = {"label": label, "x": round(100 * x, 2), "y": round(100 * y, 2)}
            found.append(place | {"href": f"#{id_}", "facts": list(_facts(row, columns))})
    return found


def _points(figure: Figure) -> Iterator[tuple[str, float, float]]:
    """The label of every single marker, and its share of the figure from the left and the top."""
    width, height = figure.bbox.size
    for axes in figure.axes:
        for line in axes.lines:
            data = np.asarray(line.get_xydata())
            if len(data) == 1:
                x, y = axes.transData.transform(data)[0]
                yield str(line.get_label()), float(x / width), float(1 - y / height)


def _facts(row: Row, columns: Sequence[Numbers]) -> Iterator[tuple[str, str]]:
    for column in columns:
        if not column.of(row).known:
            continue
        text = column.text(row, exact=True)
        unit = f" {column.unit}" if column.unit != "1" else ""
        ends = column.interval(row, exact=True)
        yield column.header[0], text + unit + (f" ({ends[0]} – {ends[1]})" if ends else "")
