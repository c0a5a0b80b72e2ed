"""Plots of a report, for print and for the page: vectors that are the same for the same numbers.

Colours are Okabe and Ito's, which colour-blind people can tell apart; markers, line styles and
labels beside the lines say the same without colour. Names are never read as mathematics.
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from bench import amortised, curves, rows
from bench.columns import Column, of_metrics
from bench.environment import describe
from bench.errors import BenchError
from bench.results import Frames
from bench.rows import Group, Row
from bench.text import digits, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from pandas import DataFrame

COLUMN, PAGE = 3.5, 7.2
"""Inches: the widths of one and of two columns of a journal."""

_SIZE = 7.5  # points: readable at that width
_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "*")
_DASHES = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (5, 1.5, 1, 1.5)), (0, (3, 1, 1, 1, 1, 1)))
_FAMILIES = {
    "optimisation": "s",
    "per-style": "^",
    "meta-learned": "*",
    "multi-style": "D",
    "arbitrary": "o",
}
_GREY = "#666666"

_STYLE: dict[Any, Any] = {
    "font.size": _SIZE,
    "axes.titlesize": _SIZE,
    "axes.labelsize": _SIZE,
    "xtick.labelsize": _SIZE,
    "ytick.labelsize": _SIZE,
    "legend.fontsize": _SIZE,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.2,
    "lines.markersize": 4.5,
    "legend.frameon": False,
    "text.parse_math": False,
    "svg.hashsalt": "bench",
    "svg.fonttype": "path",
}


class _Look(NamedTuple):
    color: str
    marker: str
    dashes: str | tuple[int, tuple[float, ...]]


def figures(frames: Frames, *, all_metrics: bool = False, seed: int = 0) -> dict[str, Figure]:
    """Every plot that the runs have numbers for, by a name that can be a file's.

    Args:
        frames: what `bench.results.load` gives.
        all_metrics: show every metric, not just those of judges.
        seed: of the bootstraps.

    Returns:
        Per environment and dataset, and per size where the name ends in one: `tradeoff-256px`
        (speed, quality and flexibility), `adaptation-256px` (quality over time),
        `amortised-256px` (cost over pictures), `styles-256px` (spread over styles), and `speed`
        (over sizes). Of a second environment or dataset names end in `-2`. A figure's label
        (`get_label()`) says in words what it shows.
    """
    groups = rows.groups(frames, all_metrics=all_metrics, seed=seed)
    made: dict[str, Figure] = {}
    with _styled():
        ways = curves.curves(frames, seed) if len(frames.observed) else None
        for number, group in enumerate(groups, 1):
            suffix = f"-{number}" * (number > 1)
            where = f"{describe(group.environment)}; dataset {group.dataset['name']}"
            looks = _looks(group.rows)
            for name, figure in _of_group(group, looks, ways, seed):
                figure.set_label(f"{figure.get_label()} ({where})")
                made[name + suffix] = figure
    return made


def _of_group(
    group: Group, looks: Mapping[str, _Look], ways: DataFrame | None, seed: int
) -> Iterator[tuple[str, Figure]]:
    everything = amortised.costs(group, seed)
    judges = _judges(group)
    for size in sorted({row.values["size"] for row in group.rows}):
        here = [row for row in group.rows if row.values["size"] == size]
        timed = [row for row in here if not row.anchor and _has(row, "core_ms")]
        if judges and any(_has(row, judge.key) for row in timed for judge in judges):
            yield f"tradeoff-{size}px", _tradeoff(here, judges, size)
        if ways is not None and (figure := _adaptation(here, judges, ways, looks, size)):
            yield f"adaptation-{size}px", figure
        if costs := [cost for cost in everything if cost.row.values["size"] == size]:
            yield f"amortised-{size}px", _amortised(costs, looks, size)
        if judges and any(len(row.by_style.get(judges[0].key, ())) > 1 for row in here):
            yield f"styles-{size}px", _spread(here, judges, size)
    if len({row.values["size"] for row in group.rows if _has(row, "core_ms")}) > 1:
        yield "speed", _speed(group.rows, looks)


def svg(figure: Figure) -> str:
    """A figure as SVG text, byte for byte the same for the same figure; letters are outlines."""
    made = io.StringIO()
    with _styled():
        figure.savefig(made, format="svg", metadata={"Date": None, "Creator": "bench"})
    return made.getvalue()


def png(figure: Figure, dpi: int = 300) -> bytes:
    """A figure as PNG, on white."""
    made = io.BytesIO()
    with _styled():
        figure.savefig(made, format="png", dpi=dpi, metadata={"Software": "bench"})
    return made.getvalue()


def write(made: Mapping[str, Figure], folder: Path) -> list[Path]:
    """Save every figure as `NAME.svg` and `NAME.png`, and return the paths.

    Raises:
        BenchError: there is no figure, or the folder or a file cannot be written.
    """
    if not made:
        raise BenchError("nothing to plot in these runs: finish one with bench run --resume")
    paths = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, figure in made.items():
            paths += [folder / f"{name}.svg", folder / f"{name}.png"]
            paths[-2].write_text(svg(figure), encoding="utf-8")
            paths[-1].write_bytes(png(figure))
    except OSError as error:
        raise BenchError(
            f"--plots {folder} cannot be written ({error.strerror}): choose another folder"
        ) from None
    return paths


@contextmanager
def _styled() -> Iterator[None]:
    import matplotlib as mpl

    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # of a stranger's name
        yield


def _figure(
    width: float,
    height: float,
    panels: int,
    label: str,
    layout: Literal["constrained"] | None = "constrained",
) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    figure = Figure((width, height), layout=layout, label=label)
    return figure, [figure.add_subplot(1, panels, number + 1) for number in range(panels)]


def _looks(rows: Iterable[Row]) -> dict[str, _Look]:
    labels = sorted({row.label for row in rows if not row.anchor})
    return {
        label: _Look(
            _COLORS[number % len(_COLORS)],
            _MARKERS[number % len(_MARKERS)],
            _DASHES[number % len(_DASHES)],
        )
        for number, label in enumerate(labels)
    }


def _judges(group: Group) -> list[Column]:
    """One metric for style and one for content: a network's rather than one without."""
    found = []
    for axis in ("style", "content"):
        mine = [
            column
            for column in of_metrics(group.metrics)
            if column.axis == axis and group.metrics[column.key]["judge"]
        ]
        found += sorted(mine, key=lambda column: group.metrics[column.key]["encoder"] is None)[:1]
    return found


def _has(row: Row, key: str) -> bool:
    return math.isfinite(row.values[key])


def _errors(row: Row, column: str, prefix: str) -> list[list[float]] | None:
    """The interval as matplotlib's error bars; None without one."""
    value, low, high = (row.values[name] for name in (column, f"{prefix}low", f"{prefix}high"))
    if not math.isfinite(low):
        return None
    return [[max(value - low, 0)], [max(high - value, 0)]]


def _axis_name(column: Column) -> str:
    network = f" ({short(column.header[1])})" if len(column.header) > 2 else ""
    return f"{short(column.name)}{network}, {column.axis}: {column.direction} is better"


def _seconds(value: float) -> str:
    """A duration on an axis: 20 ms, 3 s, 5 min, 2 h."""
    for factor, unit in ((3600, "h"), (60, "min"), (1, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if value >= factor * 0.9999:
            return f"{float(f'{value / factor:.3g}'):,g} {unit}"
    return "0" if value == 0 else f"{value:.0e} s"


_TIMES = [1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1, 10, 60, 600, 3600, 36000, 360000, 3600000]


def _time_axis(axes: Axes, which: str, scale: float = 1.0, least: float = 0.0) -> None:
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


# the trade-off


def _tradeoff(here: Sequence[Row], judges: Sequence[Column], size: int) -> Figure:
    """Speed × quality, one panel for each axis of quality, flexibility as colour."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LogNorm

    label = f"Quality over time per picture at {size} px; colour is the cost of a new style"
    figure, panels = _figure(PAGE, 3.3, len(judges), label)
    shown = [
        row for row in here if not row.anchor and _has(row, "core_ms") and _has(row, "adapt_s")
    ]
    costs = [max(row.values["adapt_s"], 1e-3) for row in shown] or [1.0]
    colors = ScalarMappable(LogNorm(min(costs) / 1.01, max(costs) * 1.01), "cividis_r")
    for axes, judge in zip(panels, judges, strict=True):
        points = [row for row in shown if _has(row, judge.key)]
        for row in points:
            _point(axes, row, judge, colors)
        axes.set_xscale("log")
        axes.margins(x=0.3, y=0.12)  # room for the names on both sides
        _front(axes, points, judge)
        _anchor_line(axes, here, judge, "h")
        _time_axis(axes, "x", 1e3)
        axes.set_xlabel("core: time per picture")
        axes.set_ylabel(_axis_name(judge))
    bar = figure.colorbar(colors, ax=panels, pad=0.02, aspect=30)
    bar.set_label("adapt: time per new style")
    bar.outline.set_visible(False)
    _time_axis(bar.ax, "y")
    families = dict.fromkeys(row.values["family"] for row in shown)
    handles = [
        panels[0].plot([], [], _FAMILIES.get(name, "o"), color=_GREY, label=name)[0]
        for name in families
    ]
    handles += panels[0].plot([], [], "-", color=_GREY, linewidth=0.8, label="Pareto front")
    if any(row.dominated for row in shown):
        handles += panels[0].plot(
            [], [], "o", markerfacecolor="white", color=_GREY, label="dominated on all axes"
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
            (row.values["core_ms"], row.values[judge.key], short(row.label, 20))
            for row in shown
            if _has(row, judge.key)
        ]
        _label_points(axes, spots)
    return figure


def _point(axes: Axes, row: Row, judge: Column, colors: ScalarMappable) -> None:
    x, y = row.values["core_ms"], row.values[judge.key]
    color = colors.to_rgba(np.asarray(max(row.values["adapt_s"], 1e-3)))
    axes.errorbar(
        x,
        y,
        _errors(row, judge.key, judge.interval),
        _errors(row, "core_ms", "core_ms_"),
        fmt="none",
        ecolor=_GREY,
        elinewidth=0.6,
        zorder=2,
    )
    marker = _FAMILIES.get(row.values["family"], "o")
    axes.plot(
        x,
        y,
        marker,
        markersize=9 if marker == "*" else 6,
        markerfacecolor="white" if row.dominated else color,
        markeredgecolor=color if row.dominated else "black",
        markeredgewidth=1.2 if row.dominated else 0.5,
        zorder=3,
    )


def pareto(points: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points that no other is below in both coordinates, by the first one."""
    front: list[tuple[float, float]] = []
    for x, y in sorted(points):
        if not front or y < front[-1][1]:
            front.append((x, y))
    return front


def _front(axes: Axes, points: Iterable[Row], judge: Column) -> None:
    sign = -judge.better
    front = pareto((row.values["core_ms"], sign * row.values[judge.key]) for row in points)
    axes.plot(
        [x for x, _ in front],
        [sign * y for _, y in front],
        color=_GREY,
        linewidth=0.8,
        drawstyle="steps-post",
        zorder=1,
    )


def _anchor_line(axes: Axes, here: Sequence[Row], judge: Column, kind: str) -> None:
    """Where the anchor lies that a method has to beat on this axis.

    One that lies far off is named at the edge, since a line would squeeze the methods together.
    """
    name = "identity" if judge.axis == "style" else "style-copy"
    values = [row.values[judge.key] for row in here if row.method == name and _has(row, judge.key)]
    upright = kind == "h"
    limits = axes.dataLim.intervaly if upright else axes.dataLim.intervalx
    low, high = (float(limit) for limit in limits)
    room = max(high - low, abs(high) / 2)
    for value in values[:1]:
        text = name
        if low - room <= value <= high + room or low > high:  # or nothing is drawn
            line = axes.axhline if upright else axes.axvline
            line(value, color=_GREY, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
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
        axes.text(
            x, y, text, transform=transform, color=_GREY, size=_SIZE - 1, ha=side, va="bottom"
        )


# curves


def _amortised(costs: Sequence[amortised.Cost], looks: Mapping[str, _Look], size: int) -> Figure:
    """Seconds for K pictures, and where the cheapest method changes."""
    label = f"Time for K pictures in one new style at {size} px, adaptation included"
    figure, (axes,) = _figure(COLUMN, 3.0, 1, label, None)
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
    _time_axis(axes, "y")
    bottom, top = axes.get_ylim()
    axes.set_ylim(bottom, top)
    for place, (count, total) in enumerate(_changes(costs)):
        axes.plot([count, count], [bottom, total], color=_GREY, lw=0.8, ls=(0, (1, 2)))
        axes.annotate(
            f"K = {count:,.0f}",
            (count, bottom),
            xytext=(2, 3 + 9 * (place % 3)),
            textcoords="offset points",
            color=_GREY,
            size=_SIZE - 1,
        )
    _label_ends(
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


def _speed(group_rows: Sequence[Row], looks: Mapping[str, _Look]) -> Figure:
    """Core time over picture size."""
    label = "Time per picture over the size of the picture"
    figure, (axes,) = _figure(COLUMN, 3.0, 1, label, None)
    ends = []
    for label, look in looks.items():
        mine = [row for row in group_rows if row.label == label and _has(row, "core_ms")]
        mine.sort(key=lambda row: row.where)
        if not mine:
            continue
        sizes = [row.values["size"] for row in mine]
        times = [row.values["core_ms"] for row in mine]
        bars = [_errors(row, "core_ms", "core_ms_") or [[0], [0]] for row in mine]
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
    every = sorted({row.values["size"] for row in group_rows})
    axes.set(xscale="log", yscale="log", xlabel="side of the picture in pixels")
    axes.set_ylabel("core: time per picture")
    axes.set_xticks(every, [str(size) for size in every])
    axes.set_xticks([], minor=True)
    _time_axis(axes, "y", 1e3)
    _label_ends(figure, axes, ends, looks)
    return figure


def _adaptation(
    here: Sequence[Row],
    judges: Sequence[Column],
    ways: DataFrame,
    looks: Mapping[str, _Look],
    size: int,
) -> Figure | None:
    """Quality over the time of adaptation; methods that do not iterate are points."""
    runs = {(row.values["run"], row.method): row.label for row in here if not row.anchor}
    mine = ways[(ways["size"] == size) & ways["metric"].isin([judge.key for judge in judges])]
    labels = [runs.get(key, "") for key in zip(mine["run"], mine["method"], strict=True)]
    mine = mine.assign(label=labels)
    mine = mine[mine["label"] != ""]
    if not (mine.groupby("label")["step"].nunique() > 1).any():
        return None
    label = f"Quality over the time spent on a new style at {size} px, medians over styles"
    figure, panels = _figure(PAGE, 3.0, len(judges), label)
    first = float(mine["seconds"][mine["seconds"] > 1e-3].min())
    for axes, judge in zip(panels, judges, strict=True):
        for name, way in mine[mine["metric"] == judge.key].groupby("label"):
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
        _time_axis(axes, "x", least=first)
        axes.set_xlabel("adapt: time spent on a new style")
        axes.set_ylabel(_axis_name(judge))
        _anchor_line(axes, here, judge, "h")
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes, judge in zip(panels, judges, strict=True):
        told = mine[mine["metric"] == judge.key]
        last = told.groupby("label").tail(1)
        spots = [
            (float(x), float(y), short(str(name), 20))
            for x, y, name in zip(last["seconds"], last["value"], last["label"], strict=True)
        ]
        _label_points(axes, spots, told[["seconds", "value"]].to_numpy())
    return figure


# spread


def _spread(here: Sequence[Row], judges: Sequence[Column], size: int) -> Figure:
    """Every style's mean as a dot, the mean over all with its interval."""
    shown = [row for row in here if not row.anchor]
    shown.sort(key=lambda row: row.values[judges[0].key], reverse=judges[0].better < 0)
    label = f"Quality style by style at {size} px: a dot is a style, the diamond the mean"
    figure, panels = _figure(PAGE, 0.9 + 0.22 * len(shown), len(judges), label)
    for axes, judge in zip(panels, judges, strict=True):
        for place, row in enumerate(shown):
            values = sorted(row.by_style.get(judge.key, {}).values())
            axes.plot(
                values,
                [place] * len(values),
                "o",
                markersize=4,
                markerfacecolor="none",
                markeredgecolor=_COLORS[0],
                markeredgewidth=0.7,
                alpha=0.8,
            )
            if _has(row, judge.key):
                axes.errorbar(
                    row.values[judge.key],
                    place,
                    xerr=_errors(row, judge.key, judge.interval),
                    fmt="D",
                    color="black",
                    markersize=3.5,
                    elinewidth=1.5,
                    zorder=3,
                )
        _anchor_line(axes, here, judge, "v")
        axes.set_xlabel(_axis_name(judge))
        first = axes is panels[0]
        axes.set_yticks(range(len(shown)), [short(row.label, 28) if first else "" for row in shown])
        axes.set_ylim(-0.6, len(shown) - 0.4)
        axes.grid(axis="y", linewidth=0.3, color="#cccccc")
        axes.set_axisbelow(True)
    return figure


# labels that do not overlap


def _label_ends(
    figure: Figure,
    axes: Axes,
    ends: Sequence[tuple[float, float, str]],
    looks: Mapping[str, _Look],
) -> None:
    """Names to the right of the axes, at the height of their lines' ends or as near as they fit."""
    names = [short(label, 20) for _, _, label in ends]
    room = max([_text_width(name) for name in names], default=0) + 16  # points
    width = figure.get_figwidth() * 72
    figure.subplots_adjust(left=54 / width, right=1 - room / width, bottom=0.15, top=0.97)
    figure.draw_without_rendering()
    box = axes.get_window_extent()
    points = 72 / figure.dpi
    heights = [float(axes.transData.transform((x, y))[1] - box.y0) * points for x, y, _ in ends]
    spread = spread_out(heights, _SIZE * 1.2, box.height * points)
    for (x, y, label), name, height in zip(ends, names, spread, strict=True):
        axes.annotate(
            name,
            (x, y),
            xytext=(box.width * points + 10, height),
            textcoords=("axes points", "axes points"),
            va="center",
            arrowprops={
                "arrowstyle": "-",
                "color": looks[label].color,
                "linewidth": 0.5,
                "relpos": (0, 0.5),
                "shrinkA": 1,
                "shrinkB": 2,
            },
            annotation_clip=False,
        )


def spread_out(places: Sequence[float], gap: float, end: float) -> list[float]:
    """Places on a line from 0 to `end`, moved as little as it takes to lie `gap` apart.

    Neighbours that are too near are joined into a block about the middle of where they belong.
    Where there is no room for all they lie nearer.
    """
    gap = float(min(gap, end / max(len(places) - 1, 1)))
    order = sorted(range(len(places)), key=lambda number: places[number])
    blocks: list[tuple[float, list[int]]] = []  # the least place, and who is there
    for number in order:
        start, members = places[number], [number]
        while True:
            start = min(max(start, 0.0), end - gap * (len(members) - 1))
            if not blocks or blocks[-1][0] + gap * len(blocks[-1][1]) <= start + 1e-9:
                break
            members = blocks.pop()[1] + members
            middles = [places[member] - gap * rank for rank, member in enumerate(members)]
            start = sum(middles) / len(middles)
        blocks.append((start, members))
    made = [0.0] * len(places)
    for start, members in blocks:
        for rank, member in enumerate(members):
            made[member] = start + gap * rank
    return made


def _text_width(text: str) -> float:
    """About how wide a text is, in points."""
    return 0.58 * _SIZE * len(text)


def _label_points(
    axes: Axes,
    spots: Sequence[tuple[float, float, str]],
    others: Iterable[tuple[float, float]] = (),
) -> None:
    """Names beside points, where they cover neither each other nor a point, nor others."""
    points = 72 / axes.get_figure(root=True).dpi  # type: ignore[union-attr]
    frame = axes.get_window_extent()
    edges = np.array([frame.x0, frame.y0, frame.x1, frame.y1]) * points
    places = [axes.transData.transform((x, y)) * points for x, y, _ in spots]
    crowd = [*places, *(axes.transData.transform((x, y)) * points for x, y in others)]
    taken = [np.array([x - 4, y - 4, x + 4, y + 4]) for x, y in crowd]
    for (x, y, name), place in zip(spots, places, strict=True):
        choices = list(_around(place, _text_width(name), _SIZE))
        # a reader takes a name for the nearest point's
        strays = [
            min(_distance(box, other) for other in crowd) < _distance(box, place) - 0.1
            for box, _ in choices
        ]
        penalties = [
            sum(_overlap(box, other) for other in taken)
            + 4 * (_area(box) - _overlap(box, edges))
            + 40 * stray
            for (box, _), stray in zip(choices, strays, strict=True)
        ]
        # the nearest of the best; a place further out has to be worth it
        best = min(range(len(choices)), key=lambda n: penalties[n] + 2.0 * choices[n][1])
        box, distance = choices[best]
        taken.append(box)
        axes.annotate(
            name,
            (x, y),
            xytext=(
                float((box[0] + box[2]) / 2 - place[0]),
                float((box[1] + box[3]) / 2 - place[1]),
            ),
            textcoords="offset points",
            ha="center",
            va="center",
            size=_SIZE - 0.5,
            zorder=4,
            bbox={"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.3},
            arrowprops={"arrowstyle": "-", "linewidth": 0.4, "color": _GREY, "shrinkA": 0}
            if distance > 6 or strays[best]
            else None,
        )


def _around(
    place: NDArray[np.float64], width: float, height: float
) -> Iterator[tuple[NDArray[np.float64], float]]:
    """Boxes (x0, y0, x1, y1) around a point, the nearest first, with their distance from it."""
    for distance in (6.0, 12.0, 20.0, 30.0, 42.0):
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1)):
            x = place[0] + dx * (distance + width / 2)
            y = place[1] + dy * (distance + height / 2)
            yield np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2]), distance


def _distance(box: NDArray[np.float64], place: NDArray[np.float64]) -> float:
    """From a box to a point outside of it."""
    return float(np.hypot(*np.maximum(np.maximum(box[:2] - place, place - box[2:]), 0)))


def _area(box: NDArray[np.float64]) -> float:
    return float((box[2] - box[0]) * (box[3] - box[1]))


def _overlap(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    """The area that two boxes share."""
    low, high = np.maximum(one[:2], two[:2]), np.minimum(one[2:], two[2:])
    return float(np.prod(np.maximum(high - low, 0)))
