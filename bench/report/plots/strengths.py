"""The plot of quality at equal content: each method's curve from weak to strong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bench.report.frontier import Curve
from bench.report.plots.labels import label_points
from bench.report.plots.style import COLUMN, GREY, Look, new_figure
from bench.report.plots.tradeoff import pareto
from bench.report.scale import Scale
from bench.statistics import percentile_bounds
from bench.tables.text import short

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def frontier_figure(
    found: Sequence[Curve], scale: Scale, looks: Mapping[str, Look], size: int
) -> Figure:
    """Style error over content error; lower and further left is better."""
    label = f"Style error over content error at {size} px, from weak to strong"
    figure, (axes,) = new_figure(COLUMN, 3.2, 1, label)
    spots = []
    for curve in found:
        look = looks[curve.points[-1].row.label]
        xs = [float(point.content.mean()) for point in curve.points]
        ys = [float(point.style.mean()) for point in curve.points]
        for x, y, point in zip(xs, ys, curve.points, strict=True):
            (left, right), (low, high) = (
                percentile_bounds(scale.resampled(errors))
                for errors in (point.content, point.style)
            )
            bars = [[y - low], [high - y]], [[x - left], [right - x]]
            axes.errorbar(x, y, *bars, fmt="none", ecolor=look.color, elinewidth=0.5, alpha=0.5)
        axes.plot(xs, ys, color=look.color, linestyle=look.dashes, marker=look.marker)
        spots.append((xs[-1], ys[-1], short(curve.name, 20)))
    points = [(float(p.content.mean()), float(p.style.mean())) for c in found for p in c.points]
    front = pareto(points)
    axes.plot(
        [x for x, _ in front],
        [y for _, y in front],
        color=GREY,
        linewidth=0.8,
        drawstyle="steps-post",
        zorder=1,
    )
    axes.margins(x=0.15, y=0.12)
    axes.set_xlabel("content error: 0 as the photograph, 1 as the style")
    axes.set_ylabel("style error: 0 as the style, 1 as the photograph")
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    label_points(axes, spots, points)
    return figure
