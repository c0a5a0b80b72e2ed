"""The plot of the spread over styles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.report.columns import MetricColumn
from bench.report.model import Row
from bench.report.plots.axes import anchor_line, axis_name, error_bars
from bench.report.plots.style import COLORS, PAGE, new_figure
from bench.tables.text import short

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def styles_figure(here: Sequence[Row], judges: Sequence[MetricColumn], size: int) -> Figure:
    """Every style's mean as a dot, the mean over all with its interval."""
    shown = [row for row in here if not row.anchor]
    shown.sort(key=lambda row: judges[0].of(row).value, reverse=judges[0].better < 0)
    label = f"Quality style by style at {size} px: a dot is a style, the diamond the mean"
    figure, panels = new_figure(PAGE, 0.9 + 0.22 * len(shown), len(judges), label)
    for axes, judge in zip(panels, judges, strict=True):
        for place, row in enumerate(shown):
            quality = row.quality[judge.id]
            values = sorted(quality.by_style.values())
            axes.plot(
                values,
                [place] * len(values),
                "o",
                markersize=4,
                markerfacecolor="none",
                markeredgecolor=COLORS[0],
                markeredgewidth=0.7,
                alpha=0.8,
            )
            if quality.estimate.known:
                axes.errorbar(
                    quality.estimate.value,
                    place,
                    xerr=error_bars(quality.estimate),
                    fmt="D",
                    color="black",
                    markersize=3.5,
                    elinewidth=1.5,
                    zorder=3,
                )
        anchor_line(axes, here, judge, "v")
        axes.set_xlabel(axis_name(judge))
        first = axes is panels[0]
        axes.set_yticks(range(len(shown)), [short(row.label, 28) if first else "" for row in shown])
        axes.set_ylim(-0.6, len(shown) - 0.4)
        axes.grid(axis="y", linewidth=0.3, color="#cccccc")
        axes.set_axisbelow(True)
    return figure
