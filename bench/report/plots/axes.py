"""Axes of a plot: durations, names, error bars, and where the anchors lie."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.anchors import TO_BEAT
from bench.report.columns import MetricColumn, of_metrics
from bench.report.model import Estimate, Group, Row
from bench.report.plots.style import GREY, SIZE
from bench.tables.text import digits, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def judges_of(group: Group) -> list[MetricColumn]:
    """One metric for style and one for content: a network's rather than one without."""
    found = []
    for axis in ("style", "content"):
        mine = [
            column
            for column in of_metrics(group.metrics)
            if column.axis == axis and column.metric.judge
        ]
        found += sorted(mine, key=lambda column: column.metric.encoder is None)[:1]
    return found


def error_bars(number: Estimate) -> list[list[float]] | None:
    """The interval as matplotlib's error bars; None without one."""
    if not math.isfinite(number.low):
        return None
    return [[max(number.value - number.low, 0)], [max(number.high - number.value, 0)]]


def axis_name(column: MetricColumn) -> str:
    """The label of an axis: what it shows, and which end is better."""
    encoder = column.metric.encoder
    network = f" ({short(encoder)})" if encoder else ""
    return f"{short(column.name)}{network}, {column.axis}: {column.direction} is better"


def _seconds(value: float) -> str:
    """A duration on an axis: 20 ms, 3 s, 5 min, 2 h."""
    for factor, unit in ((3600, "h"), (60, "min"), (1, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if value >= factor * 0.9999:
            return f"{float(f'{value / factor:.3g}'):,g} {unit}"
    return "0" if value == 0 else f"{value:.0e} s"


_TIMES = [1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1, 10, 60, 600, 3600, 36000, 360000, 3600000]


def time_axis(axes: Axes, which: str, scale: float = 1.0, least: float = 0.0) -> None:
    """Ticks at 1, 10, 100 ms, 1 s, 10 s, 1 min, ... on an axis where a second is `scale` long.

    With `least` there is none between zero and that many seconds, where the axis is linear.
    """
    axis = axes.xaxis if which == "x" else axes.yaxis
    low, high = sorted(axes.get_xlim() if which == "x" else axes.get_ylim())
    low = max(low, least)
    ticks = [time * scale for time in _TIMES if low <= time * scale <= high]
    if len(ticks) < 2:  # less than two decades: some within
        ticks = [
            step * time * scale
            for time in _TIMES
            for step in (1, 2, 5)
            if low <= step * time * scale <= high
        ]
    if len(ticks) < 2:
        from matplotlib.ticker import MaxNLocator

        ticks = [tick for tick in MaxNLocator(4).tick_values(low, high) if low <= tick <= high]
    ticks = [0.0] * bool(least) + ticks
    axis.set_ticks(ticks, [_seconds(tick / scale) for tick in ticks])
    axis.set_ticks([], minor=True)


def anchor_line(axes: Axes, here: Sequence[Row], judge: MetricColumn, kind: str) -> None:
    """Where the anchor lies that a method has to beat on this axis.

    One that lies far off is named at the edge, since a line would squeeze the methods together.
    """
    name = TO_BEAT[judge.axis]
    numbers = [judge.of(row) for row in here if row.method == name]
    values = [number.value for number in numbers if number.known]
    upright = kind == "h"
    limits = axes.dataLim.intervaly if upright else axes.dataLim.intervalx
    low, high = (float(limit) for limit in limits)
    room = max(high - low, abs(high) / 2)
    for value in values[:1]:
        text = name
        if low - room <= value <= high + room or low > high:  # or nothing is drawn
            line = axes.axhline if upright else axes.axvline
            line(value, color=GREY, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
            spot = (0.99, value) if upright else (value, 1.0)
            transform = axes.get_yaxis_transform() if upright else axes.get_xaxis_transform()
            side = "right" if upright else "center"
        else:
            above = value > high
            text = f"{name} at {digits(value)} " + (("↓", "↑") if upright else ("←", "→"))[above]
            spot = (0.99, 0.93 if above else 0.01) if upright else (float(above), 1.0)
            transform = axes.transAxes
            side = "right" if upright or above else "left"
        x, y = spot
        axes.text(x, y, text, transform=transform, color=GREY, size=SIZE - 1, ha=side, va="bottom")
