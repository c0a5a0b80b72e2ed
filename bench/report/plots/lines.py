"""Plots of curves: cost over pictures, time over size, quality over adaptation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bench.report import amortised
from bench.report.columns import MetricColumn
from bench.report.model import Row
from bench.report.plots.axes import anchor_line, axis_name, error_bars, time_axis
from bench.report.plots.labels import label_ends, label_points
from bench.report.plots.style import COLUMN, GREY, PAGE, SIZE, Look, new_figure
from bench.tables.text import short

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame


def amortised_figure(
    costs: Sequence[amortised.Cost], looks: Mapping[str, Look], size: int
) -> Figure:
    """Seconds for K pictures, and where the cheapest method changes."""
    label = f"Time for K pictures in one new style at {size} px, adaptation included"
    figure, (axes,) = new_figure(COLUMN, 3.0, 1, label, None)
    images = np.geomspace(1, 10_000, 81)
    for cost in costs:
        look = looks[cost.row.label]
        axes.plot(
            images,
            cost.total(images),  # type: ignore[arg-type]
            color=look.color,
            linestyle=look.dashes,
            marker=look.marker,
            markevery=20,
            clip_on=False,
        )
        if cost.draws is not None:
            bounds = np.array([cost.interval(count) for count in images])
            axes.fill_between(
                images, bounds[:, 0], bounds[:, 1], color=look.color, alpha=0.12, lw=0
            )
    axes.set(xscale="log", yscale="log", xlim=(1, 10_000), xlabel="K: pictures in one new style")
    axes.set_ylabel("adapt + K · core")
    axes.set_xticks([1, 10, 100, 1000, 10_000], ["1", "10", "100", "1,000", "10,000"])
    axes.set_xticks([], minor=True)
    time_axis(axes, "y")
    bottom, top = axes.get_ylim()
    axes.set_ylim(bottom, top)
    for place, (count, total) in enumerate(_changes(costs)):
        axes.plot([count, count], [bottom, total], color=GREY, lw=0.8, ls=(0, (1, 2)))
        axes.annotate(
            f"K = {count:,.0f}",
            (count, bottom),
            xytext=(2, 3 + 9 * (place % 3)),
            textcoords="offset points",
            color=GREY,
            size=SIZE - 1,
        )
    label_ends(
        figure, axes, [(10_000, cost.total(10_000), cost.row.label) for cost in costs], looks
    )
    return figure


def _changes(costs: Sequence[amortised.Cost]) -> list[tuple[float, float]]:
    """The break-even points at which the cheapest of all changes, and what it then costs."""
    found = set()
    for pair in amortised.pairs(costs):
        total = pair.later.total(pair.images)
        if 1 < pair.images <= 10_000 and total <= min(cost.total(pair.images) for cost in costs):
            found.add((pair.images, total))
    return sorted(found)


def speed_figure(group_rows: Sequence[Row], looks: Mapping[str, Look]) -> Figure:
    """Core time over picture size."""
    label = "Time per picture over the size of the picture"
    figure, (axes,) = new_figure(COLUMN, 3.0, 1, label, None)
    ends = []
    for label, look in looks.items():
        mine = [row for row in group_rows if row.label == label and row.core.known]
        mine.sort(key=lambda row: row.where)
        if not mine:
            continue
        sizes = [row.size for row in mine]
        times = [row.core.value for row in mine]
        bars = [error_bars(row.core) or [[0], [0]] for row in mine]
        axes.errorbar(
            sizes,
            times,
            np.hstack([np.array(bar, float) for bar in bars]),
            color=look.color,
            linestyle=look.dashes,
            marker=look.marker,
            elinewidth=0.8,
            capsize=2,
        )
        ends.append((sizes[-1], times[-1], label))
    every = sorted({row.size for row in group_rows})
    axes.set(xscale="log", yscale="log", xlabel="side of the picture in pixels")
    axes.set_ylabel("core: time per picture")
    axes.set_xticks(every, [str(size) for size in every])
    axes.set_xticks([], minor=True)
    time_axis(axes, "y", 1e3)
    label_ends(figure, axes, ends, looks)
    return figure


def adaptation_figure(
    here: Sequence[Row],
    judges: Sequence[MetricColumn],
    ways: DataFrame,
    looks: Mapping[str, Look],
    size: int,
) -> Figure | None:
    """Quality over the time of adaptation; methods that do not iterate are points."""
    runs = {(row.run, row.method): row.label for row in here if not row.anchor}
    mine = ways[(ways["size"] == size) & ways["metric"].isin([judge.id for judge in judges])]
    labels = [runs.get(key, "") for key in zip(mine["run"], mine["method"], strict=True)]
    mine = mine.assign(label=labels)
    mine = mine[mine["label"] != ""]
    if not (mine.groupby("label")["step"].nunique() > 1).any():
        return None
    label = f"Quality over the time spent on a new style at {size} px, medians over styles"
    figure, panels = new_figure(PAGE, 3.0, len(judges), label)
    first = float(mine["seconds"][mine["seconds"] > 1e-3].min())
    for axes, judge in zip(panels, judges, strict=True):
        for name, way in mine[mine["metric"] == judge.id].groupby("label"):
            look = looks[str(name)]
            seconds, values = way["seconds"].to_numpy(), way["value"].to_numpy()
            axes.plot(seconds, values, color=look.color, linestyle=look.dashes, marker=look.marker)
            if way["low"].notna().all():
                low, high = way["low"].to_numpy(), way["high"].to_numpy()
                if len(way) > 1:
                    axes.fill_between(seconds, low, high, color=look.color, alpha=0.12, lw=0)
                else:
                    axes.errorbar(
                        seconds, values, [values - low, high - values], color=look.color, fmt="none"
                    )
        axes.set_xscale("symlog", linthresh=first, linscale=0.4)
        axes.margins(y=0.1)
        axes.set_xlim(-0.2 * first, 2 * float(mine["seconds"].max()))
        time_axis(axes, "x", least=first)
        axes.set_xlabel("adapt: time spent on a new style")
        axes.set_ylabel(axis_name(judge))
        anchor_line(axes, here, judge, "h")
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes, judge in zip(panels, judges, strict=True):
        judged = mine[mine["metric"] == judge.id]
        last = judged.groupby("label").tail(1)
        spots = [
            (float(x), float(y), short(str(name), 20))
            for x, y, name in zip(last.seconds, last.value, last.label, strict=True)
        ]
        label_points(axes, spots, judged[["seconds", "value"]].to_numpy())
    return figure
