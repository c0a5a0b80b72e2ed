"""Names in a plot that do not overlap."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bench.report.plots.style import GREY, SIZE, Look
from bench.tables.text import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray


def label_ends(
    figure: Figure,
    axes: Axes,
    ends: Sequence[tuple[float, float, str]],
    looks: Mapping[str, Look],
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
    spread = spread_out(heights, SIZE * 1.2, box.height * points)
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
    spread = [0.0] * len(places)
    for start, members in blocks:
        for rank, member in enumerate(members):
            spread[member] = start + gap * rank
    return spread


def _text_width(text: str) -> float:
    """About how wide a text is, in points."""
    return 0.58 * SIZE * len(text)


def label_points(
    axes: Axes,
    spots: Sequence[tuple[float, float, str]],
    others: Iterable[tuple[float, float]] = (),
) -> None:
    """Names beside points, where they cover neither each other nor a point, nor others."""
    points = 72 / axes.figure.dpi
    frame = axes.get_window_extent()
    edges = np.array([frame.x0, frame.y0, frame.x1, frame.y1]) * points
    places = [axes.transData.transform((x, y)) * points for x, y, _ in spots]
    crowd = [*places, *(axes.transData.transform((x, y)) * points for x, y in others)]
    taken = [np.array([x - 4, y - 4, x + 4, y + 4]) for x, y in crowd]
    for (x, y, name), place in zip(spots, places, strict=True):
        choices = list(_around(place, _text_width(name), SIZE))
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
            size=SIZE - 0.5,
            zorder=4,
            bbox={"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.3},
            arrowprops={"arrowstyle": "-", "linewidth": 0.4, "color": GREY, "shrinkA": 0}
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
