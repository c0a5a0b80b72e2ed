"""What style a method gives for how much of the content, at all its strengths.

Rows of one method that differ in one number among their options, as `bench run --sweep` makes
them, are points of one curve. A method that only trades the one for the other stays on its curve;
one that is better has a curve below the others'. Errors are those of `bench.report.scale`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.report import rows
from bench.report.model import Group, Row
from bench.report.scale import Scale
from bench.report.summary import heading
from bench.results import Frames
from bench.statistics import percentile_bounds
from bench.tables import data, formats
from bench.tables.model import WIDTH, Cell, Marks, Section, Table
from bench.tables.text import clean, digits, short

if TYPE_CHECKING:
    from pandas import DataFrame

FORMATS = (*formats.TEXT, "csv")


@dataclass(frozen=True)
class Point:
    """One row on its method's curve.

    Attributes:
        row: of the report.
        strength: the value of the option that differs; NaN for a method's only row.
        style, content: errors of each style, (styles,).
        on_front: whether no other point of its size is better in both means.
    """

    row: Row
    strength: float
    style: NDArray[np.float64]
    content: NDArray[np.float64]
    on_front: bool = False


@dataclass(frozen=True)
class Curve:
    """A method from weak to strong, at one size.

    Attributes:
        name: of the method.
        option: which differs between its points; empty for one point.
        points: the least content error first.
    """

    name: str
    option: str
    points: Sequence[Point]

    def style_at(self, content: float) -> NDArray[np.float64]:
        """Each style's style error at a content error, between the points that enclose it.

        NaN for a style whose points do not reach it: nothing is extrapolated.
        """
        return self._at(content, [point.style for point in self.points])

    def strength_at(self, content: float) -> NDArray[np.float64]:
        """The strength at which each style has a content error, likewise."""
        strengths = [np.full_like(point.style, point.strength) for point in self.points]
        return self._at(content, strengths)

    def _at(self, content: float, of_points: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        contents = np.stack([point.content for point in self.points])
        values = np.stack(of_points)
        found = np.full(contents.shape[1], math.nan)
        for column in range(contents.shape[1]):
            order = np.argsort(contents[:, column], kind="stable")
            xs, ys = contents[order, column], values[order, column]
            if xs[0] <= content <= xs[-1]:
                found[column] = np.interp(content, xs, ys)
        return found


def curves(group: Group, scale: Scale, size: int) -> list[Curve]:
    """The curves of a group at a size.

    Args:
        group: its rows.
        scale: of the same rows.
        size: in pixels.
    """
    own: dict[tuple[str, str], list[Row]] = {}
    for row in group.rows:
        if row.size == size and not row.anchor and scale.of(row) is not None:
            own.setdefault((row.behind, row.run), []).append(row)
    found = [curve for (name, _), some in own.items() for curve in _of_method(name, some, scale)]
    means = [(p.content.mean(), p.style.mean()) for curve in found for p in curve.points]

    def marked(point: Point) -> Point:
        x, y = point.content.mean(), point.style.mean()
        beaten = any(a <= x and b <= y and (a, b) != (x, y) for a, b in means)
        return replace(point, on_front=not beaten)

    return [replace(curve, points=[marked(point) for point in curve.points]) for curve in found]


def _of_method(name: str, own: Sequence[Row], scale: Scale) -> Iterator[Curve]:
    """One curve of the rows that differ in one number alone, else one of each row."""
    options: list[dict[str, Any]] = [json.loads(row.variant.options) for row in own]
    keys = {key for values in options for key in values}
    differing = [k for k in keys if len({json.dumps(values.get(k)) for values in options}) > 1]
    if len(differing) != 1 or not all(_is_number(values.get(differing[0])) for values in options):
        for row in own:
            yield Curve(row.label, "", [_point(row, math.nan, scale)])
        return
    (option,) = differing
    points = [_point(r, float(o[option]), scale) for r, o in zip(own, options, strict=True)]
    yield Curve(name, option, sorted(points, key=lambda point: float(point.content.mean())))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _point(row: Row, strength: float, scale: Scale) -> Point:
    errors = scale.of(row)
    assert errors is not None
    return Point(row, strength, *errors)


def of_group(group: Group, seed: int = 0) -> Iterator[tuple[int, Scale, list[Curve]]]:
    """Every size of a group with its scale and its curves.

    Raises:
        BenchError: quality has no scale: anchors or judges are missing.
    """
    for size in sorted({row.size for row in group.rows}):
        scale = Scale(group, [row for row in group.rows if row.size == size], seed)
        yield size, scale, curves(group, scale, size)


def every(frames: Frames, seed: int = 0) -> Iterator[tuple[Group, int, Scale, list[Curve]]]:
    """Every size of every group; see `of_group`."""
    for group in rows.groups(frames, seed=seed):
        for found in of_group(group, seed):
            yield group, *found


def frame(frames: Frames, seed: int = 0) -> DataFrame:
    """Every point as long data.

    Returns:
        Columns environment, dataset_fingerprint, size, method, row, option, strength, style_error,
        style_low, style_high, content_error, content_low, content_high, on_front.
    """
    lines = []
    for group, size, scale, found in every(frames, seed):
        for curve in found:
            for point in curve.points:
                line: dict[str, Any] = {
                    "environment": group.environment.fingerprint,
                    "dataset_fingerprint": group.dataset.fingerprint,
                    "size": size,
                    "method": curve.name,
                    "row": point.row.label,
                    "option": curve.option,
                    "strength": point.strength,
                }
                for name, errors in (("style", point.style), ("content", point.content)):
                    line[f"{name}_error"] = float(errors.mean())
                    ends = percentile_bounds(scale.resampled(errors))
                    line[f"{name}_low"], line[f"{name}_high"] = ends
                lines.append({**line, "on_front": point.on_front})
    return data.frame(lines)


def render(
    frames: Frames,
    format: str = "plain",
    *,
    width: int = WIDTH,
    color: bool = False,
    seed: int = 0,
) -> str:
    """The points as tables, or `frame` as csv.

    Args:
        frames: what `bench.results.load` gives.
        format: one of `FORMATS`.
        width, color: of plain text.
        seed: of the resamples of styles.

    Raises:
        BenchError: another format; or quality has no scale.
    """
    if format not in FORMATS:
        raise BenchError(f"--frontier goes with --format {', '.join(FORMATS)}, not {format}")
    if format == "csv":
        return data.csv(frame(frames, seed))
    sections = [
        Section(heading(group), [_points_table(found, scale, size)], [])
        for group, size, scale, found in every(frames, seed)
    ]
    return formats.write(sections, frames.warnings, format, width, color)


def _points_table(found: Sequence[Curve], scale: Scale, size: int) -> Table:
    marks, notes = Marks(), list[str]()
    lines = []
    for curve in found:
        for point in curve.points:
            strength = "" if math.isnan(point.strength) else f"{curve.option} {point.strength:g}"
            mark = "" if curve.option else marks.of(point.row.notes, notes)
            lines.append(
                [
                    Cell(short(curve.name), marks=mark),
                    Cell(clean(strength)),
                    error_cell(point.style, scale),
                    error_cell(point.content, scale),
                    Cell("yes" if point.on_front else ""),
                ]
            )
    return Table(
        f"Errors at {size} px: style 0 as the style itself, 1 as the photograph; content the"
        " other way round",
        [["method"], ["strength"], ["style", "error"], ["content", "error"], ["front"]],
        lines,
        [False] * len(lines),
        2,
        [*notes, "front: no other point is better in both errors; 95 % intervals over styles"],
    )


def error_cell(errors: NDArray[np.float64], scale: Scale) -> Cell:
    """The mean over styles, with its interval where there are several."""
    low, high = percentile_bounds(scale.resampled(errors))
    interval = (digits(low), digits(high)) if len(errors) > 1 else None
    return Cell(digits(float(errors.mean())), interval)
