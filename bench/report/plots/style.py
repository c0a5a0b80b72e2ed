"""How plots look: sizes, colours, markers, and the figure to draw in."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from bench.report.model import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMN, PAGE = 3.5, 7.2
"""Inches: the widths of one and of two columns of a journal."""

SIZE = 7.5  # points: readable at that width
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "*")
_DASHES = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (5, 1.5, 1, 1.5)), (0, (3, 1, 1, 1, 1, 1)))
FAMILIES = {
    "optimisation": "s",
    "per-style": "^",
    "meta-learned": "*",
    "multi-style": "D",
    "arbitrary": "o",
}
GREY = "#666666"

_STYLE: dict[Any, Any] = {
    "font.size": SIZE,
    "axes.titlesize": SIZE,
    "axes.labelsize": SIZE,
    "xtick.labelsize": SIZE,
    "ytick.labelsize": SIZE,
    "legend.fontsize": SIZE,
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


class Look(NamedTuple):
    """How a method looks in every plot."""

    color: str
    marker: str
    dashes: str | tuple[int, tuple[float, ...]]


@contextmanager
def styled() -> Iterator[None]:
    """Draw inside of this, whatever the user's own settings are."""
    import matplotlib as mpl

    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # of a stranger's name
        yield


def new_figure(
    width: float,
    height: float,
    panels: int,
    label: str,
    layout: Literal["constrained"] | None = "constrained",
) -> tuple[Figure, list[Axes]]:
    """A figure of this size in inches with its panels, side by side."""
    from matplotlib.figure import Figure

    figure = Figure((width, height), layout=layout, label=label)
    return figure, [figure.add_subplot(1, panels, number + 1) for number in range(panels)]


def looks_of(rows: Iterable[Row]) -> dict[str, Look]:
    """A look for every row's label, the same in all plots."""
    labels = sorted({row.label for row in rows if not row.anchor})
    return {
        label: Look(
            COLORS[number % len(COLORS)],
            _MARKERS[number % len(_MARKERS)],
            _DASHES[number % len(_DASHES)],
        )
        for number, label in enumerate(labels)
    }
