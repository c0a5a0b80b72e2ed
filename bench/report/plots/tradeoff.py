"""The plot of the trade-off: speed × quality, flexibility as colour."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bench.report.columns import MetricColumn
from bench.report.model import Row
from bench.report.plots.axes import anchor_line, axis_name, error_bars, time_axis
from bench.report.plots.labels import label_points
from bench.report.plots.style import FAMILIES, GREY, PAGE, new_figure
from bench.tables.text import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure


def tradeoff_figure(here: Sequence[Row], judges: Sequence[MetricColumn], size: int) -> Figure:
    """Speed × quality, one panel for each axis of quality, flexibility as colour."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LogNorm

    label = f"Quality over time per picture at {size} px; colour is the cost of a new style"
    figure, panels = new_figure(PAGE, 3.3, len(judges), label)
    shown = [row for row in here if not row.anchor and row.core.known and row.adapt.known]
    costs = [max(row.adapt.value, 1e-3) for row in shown] or [1.0]
    colors = ScalarMappable(LogNorm(min(costs) / 1.01, max(costs) * 1.01), "cividis_r")
    for axes, judge in zip(panels, judges, strict=True):
        points = [row for row in shown if judge.of(row).known]
        for row in points:
            _point(axes, row, judge, colors)
        axes.set_xscale("log")
        axes.margins(x=0.3, y=0.12)  # room for the names on both sides
        _front(axes, points, judge)
        anchor_line(axes, here, judge, "h")
        time_axis(axes, "x", 1e3)
        axes.set_xlabel("core: time per picture")
        axes.set_ylabel(axis_name(judge))
    bar = figure.colorbar(colors, ax=panels, pad=0.02, aspect=30)
    bar.set_label("adapt: time per new style")
    bar.outline.set_visible(False)
    time_axis(bar.ax, "y")
    families = dict.fromkeys(row.family for row in shown)
    handles = [
        panels[0].plot([], [], FAMILIES.get(name, "o"), color=GREY, label=name)[0]
        for name in families
    ]
    handles += panels[0].plot([], [], "-", color=GREY, linewidth=0.8, label="Pareto front")
    if any(row.dominated for row in shown):
        handles += panels[0].plot(
            [], [], "o", markerfacecolor="white", color=GREY, label="dominated on all axes"
        )
    lines = 1 + (len(handles) > 4)
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=math.ceil(len(handles) / lines),
        columnspacing=1.5,
    )
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes, judge in zip(panels, judges, strict=True):
        spots = [
            (row.core.value, judge.of(row).value, short(row.label, 20))
            for row in shown
            if judge.of(row).known
        ]
        label_points(axes, spots)
    return figure


def _point(axes: Axes, row: Row, judge: MetricColumn, colors: ScalarMappable) -> None:
    x, y = row.core.value, judge.of(row).value
    color = colors.to_rgba(np.asarray(max(row.adapt.value, 1e-3)))
    axes.errorbar(
        x,
        y,
        error_bars(judge.of(row)),
        error_bars(row.core),
        fmt="none",
        ecolor=GREY,
        elinewidth=0.6,
        zorder=2,
    )
    marker = FAMILIES.get(row.family, "o")
    axes.plot(
        x,
        y,
        marker,
        markersize=9 if marker == "*" else 6,
        markerfacecolor="white" if row.dominated else color,
        markeredgecolor=color if row.dominated else "black",
        markeredgewidth=1.2 if row.dominated else 0.5,
        label=row.label,  # which nobody reads in the plot: a page asks for it
        zorder=3,
    )


def pareto(points: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points that no other is below in both coordinates, by the first one."""
    front: list[tuple[float, float]] = []
    for x, y in sorted(points):
        if not front or y < front[-1][1]:
            front.append((x, y))
    return front


def _front(axes: Axes, points: Iterable[Row], judge: MetricColumn) -> None:
    sign = -judge.better
    front = pareto((row.core.value, sign * judge.of(row).value) for row in points)
    axes.plot(
        [x for x, _ in front],
        [sign * y for _, y in front],
        color=GREY,
        linewidth=0.8,
        drawstyle="steps-post",
        zorder=1,
    )
