"""Methods side by side at one content error: the style error between the strengths around it.

A method that gave up more of the content has had an easier time with the style. Here each stands
where its curve of strengths (`bench.report.frontier`) crosses the same content error, style by
style; nothing is extrapolated, and who cannot get there is a row that says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.report.frontier import FORMATS, Curve, error_cell, every
from bench.report.model import Group
from bench.report.scale import Scale
from bench.report.summary import heading
from bench.results import Frames
from bench.statistics import percentile_bounds
from bench.tables import data, formats
from bench.tables.model import WIDTH, Cell, Section, Table
from bench.tables.text import clean, digits, short

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class Crossing:
    """A method at the common content error.

    Attributes:
        curve: of the method.
        style: the style error of each style, (styles,); NaN where its points do not reach it.
        strength: the mean over styles of the option's value there; NaN where one is not reached.
    """

    curve: Curve
    style: NDArray[np.float64]
    strength: float

    @property
    def reached(self) -> int:
        """In how many styles it gets there."""
        return int(np.isfinite(self.style).sum())

    @property
    def whole(self) -> bool:
        """Whether it gets there in every style."""
        return self.reached == len(self.style)


def crossings(found: Sequence[Curve], content: float) -> list[Crossing]:
    """Every curve at a content error: the least style error first, then those that lack styles."""
    each = [
        Crossing(curve, curve.style_at(content), float(curve.strength_at(content).mean()))
        for curve in found
    ]
    return sorted(each, key=lambda c: (-c.reached, float(c.style.mean()) if c.whole else 0.0))


def common_content(found: Sequence[Curve]) -> float | None:
    """A content error that curves reach: the median of their points' means; None without one."""
    swept = [curve for curve in found if len(curve.points) > 1]
    means = [float(point.content.mean()) for curve in swept for point in curve.points]
    return float(np.median(means)) if means else None


def frame(frames: Frames, at: float | None = None, seed: int = 0) -> DataFrame:
    """Every method at the common content error as long data.

    Returns:
        Columns environment, dataset_fingerprint, size, method, option, strength, content_error,
        style_error, style_low, style_high, styles_reached, styles.
    """
    lines = []
    for group, size, scale, content, compared in _compared(frames, at, seed):
        for crossing in compared:
            known = crossing.whole
            ends = (
                percentile_bounds(scale.resampled(crossing.style))
                if known
                else (math.nan, math.nan)
            )
            lines.append(
                {
                    "environment": group.environment.fingerprint,
                    "dataset_fingerprint": group.dataset.fingerprint,
                    "size": size,
                    "method": crossing.curve.name,
                    "option": crossing.curve.option,
                    "strength": crossing.strength,
                    "content_error": content,
                    "style_error": float(crossing.style.mean()),
                    "style_low": ends[0],
                    "style_high": ends[1],
                    "styles_reached": crossing.reached,
                    "styles": len(crossing.style),
                }
            )
    return data.frame(lines)


def render(
    frames: Frames,
    format: str = "plain",
    *,
    at: float | None = None,
    width: int = WIDTH,
    color: bool = False,
    seed: int = 0,
) -> str:
    """The style errors at equal content as tables, or `frame` as csv.

    Args:
        frames: what `bench.results.load` gives.
        format: one of `bench.report.frontier.FORMATS`.
        at: the content error to compare at, on each group's scale; None for `common_content`.
        width, color: of plain text.
        seed: of the resamples of styles.

    Raises:
        BenchError: another format; quality has no scale; or no method has two strengths.
    """
    if format not in FORMATS:
        raise BenchError(
            f"--at-equal-content goes with --format {', '.join(FORMATS)}, not {format}"
        )
    if format == "csv":
        return data.csv(frame(frames, at, seed))
    sections = [
        Section(heading(group), [_table(compared, scale, size, content, at is None)], [])
        for group, size, scale, content, compared in _compared(frames, at, seed)
    ]
    return formats.write(sections, frames.warnings, format, width, color)


def _compared(
    frames: Frames, at: float | None, seed: int
) -> Iterator[tuple[Group, int, Scale, float, list[Crossing]]]:
    """Every size that has curves, with its scale, the content error and the methods there."""
    swept = False
    for group, size, scale, found in every(frames, seed):
        usual = common_content(found)
        if usual is not None:
            swept = True
            content = usual if at is None else at
            yield group, size, scale, content, crossings(found, content)
    if not swept:
        raise BenchError("no method was run at several strengths: bench run --sweep does that")


def _table(
    compared: Sequence[Crossing], scale: Scale, size: int, content: float, chosen: bool
) -> Table:
    notes = ["each between its strengths around that content error, style by style; 95 % intervals"]
    if chosen:
        notes.append("the content error is the median of the swept rows; another with --at ERROR")
    if not all(crossing.whole for crossing in compared):
        notes.append("not reached: of no strength that was run, in some style or in all")
    return Table(
        f"Style error at content error {content:.2f}, {size} px",
        [["method"], ["strength", "there"], ["reached in", "styles"], ["style", "error"],
         ["content error", "from weak to strong"]],
        [_line(crossing, scale) for crossing in compared],
        [not crossing.whole for crossing in compared],
        3,
        notes,
    )  # fmt: skip


def _line(crossing: Crossing, scale: Scale) -> list[Cell]:
    curve = crossing.curve
    strength = f"{curve.option} {digits(crossing.strength)}" if crossing.whole else ""
    if not curve.option:
        strength = "one only"
    ends = [digits(float(curve.points[n].content.mean())) for n in (0, -1)]
    return [
        Cell(short(curve.name)),
        Cell(clean(strength)),
        Cell(f"{crossing.reached} of {len(crossing.style)}"),
        error_cell(crossing.style, scale) if crossing.whole else Cell("not reached"),
        Cell("–".join(dict.fromkeys(ends))),
    ]
