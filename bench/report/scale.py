"""How far pictures are from the style and from the content, on a scale between the anchors.

On each style judge 0 is the style's own picture and 1 the photograph unchanged, on each content
judge the other way round; an error is the mean over the judges of its axis. So judges of different
units speak together, and a reader knows what 0.5 is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.anchors import IDENTITY, STYLE_COPY
from bench.errors import BenchError
from bench.report.columns import MetricColumn, of_metrics
from bench.report.model import Group, Row

RESAMPLES = 2_000
"""Of the styles."""


class Scale:
    """Each style's errors between the anchors, and the same resamples of styles for all rows."""

    def __init__(self, group: Group, rows: Sequence[Row], seed: int) -> None:
        anchors = {row.method: row for row in rows if row.anchor}
        if not {IDENTITY, STYLE_COPY} <= anchors.keys():
            raise BenchError(
                f"{IDENTITY} and {STYLE_COPY} are not in the run: quality has no scale"
            )
        competing = [row for row in rows if not row.anchor]
        self.judges: dict[str, list[tuple[str, float, float]]] = {"style": [], "content": []}
        for column in of_metrics(group.metrics):
            if column.axis not in self.judges or not column.metric.judge:
                continue
            if any(column.trained_on(row) for row in competing):
                continue  # a method's own exam would be another scale for it alone
            self._add(column, anchors)
        missing = [axis for axis, judges in self.judges.items() if not judges]
        if missing:
            raise BenchError(
                f"no judge of {' and '.join(missing)} in the run: bench score RUN computes them"
            )
        first = self.judges["style"][0][0]
        self.styles = sorted(anchors[IDENTITY].quality[first].by_style)
        rng = np.random.default_rng(seed)
        self._drawn = rng.integers(len(self.styles), size=(RESAMPLES, len(self.styles)))

    def _add(self, column: MetricColumn, anchors: Mapping[str, Row]) -> None:
        """The judge with its two ends, the good one first, where they are apart."""
        good, bad = (STYLE_COPY, IDENTITY) if column.axis == "style" else (IDENTITY, STYLE_COPY)
        ends = [anchors[name].quality[column.id].estimate.value for name in (good, bad)]
        if all(map(math.isfinite, ends)) and ends[0] != ends[1]:
            self.judges[column.axis].append((column.id, ends[0], ends[1]))

    def of(self, row: Row) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """Style and content error of each style, (styles,) each; None where a number lacks."""
        errors = []
        for judges in self.judges.values():
            shares = [
                [(by_style.get(style, math.nan) - good) / (bad - good) for style in self.styles]
                for id_, good, bad in judges
                for by_style in [row.quality[id_].by_style]
            ]
            errors.append(np.asarray(shares, float).mean(0))
        if not all(np.isfinite(error).all() for error in errors):
            return None
        return errors[0], errors[1]

    def resampled(self, errors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Means over the drawn styles, (RESAMPLES,)."""
        means: NDArray[np.float64] = errors[self._drawn].mean(1)
        return means
