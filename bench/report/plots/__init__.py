"""Plots of a report, for print and for the page: vectors that are the same for the same numbers.

Colours are Okabe and Ito's, which colour-blind people can tell apart; markers, line styles and
labels beside the lines say the same without colour. Names are never read as mathematics.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from bench import files
from bench.errors import BenchError
from bench.report import amortised, curves, frontier, rows
from bench.report.model import Group
from bench.report.plots.axes import judges_of
from bench.report.plots.lines import adaptation_figure, amortised_figure, speed_figure
from bench.report.plots.strengths import frontier_figure
from bench.report.plots.style import Look, looks_of, styled
from bench.report.plots.styles import styles_figure
from bench.report.plots.tradeoff import tradeoff_figure
from bench.results import Frames
from bench.results.environment import describe

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame


def figures(
    frames: Frames,
    groups: Sequence[Group] | None = None,
    *,
    all_metrics: bool = False,
    seed: int = 0,
) -> dict[str, Figure]:
    """Every plot that the runs have numbers for, by a name that can be a file's.

    Args:
        frames: what `bench.results.load` gives.
        groups: the rows of these, where they are there already.
        all_metrics: show every metric, not just those of judges.
        seed: of the bootstraps.

    Returns:
        Per environment and dataset, and per size where the name ends in one: `tradeoff-256px`
        (speed, quality and flexibility), `adaptation-256px` (quality over time),
        `frontier-256px` (style over content error, of a sweep), `amortised-256px` (cost over
        pictures), `styles-256px` (spread over styles), and `speed`
        (over sizes). Of a second environment or dataset names end in `-2`. A figure's label
        (`get_label()`) says in words what it shows.
    """
    if groups is None:
        groups = rows.groups(frames, all_metrics=all_metrics, seed=seed)
    drawn: dict[str, Figure] = {}
    with styled():
        ways = curves.curves(frames, seed) if len(frames.observed) else None
        for number, group in enumerate(groups, 1):
            suffix = f"-{number}" * (number > 1)
            where = f"{describe(group.environment)}; dataset {group.dataset.name}"
            looks = looks_of(group.rows)
            drawings = chain(_of_group(group, looks, ways, seed), _frontiers(group, looks, seed))
            for name, figure in drawings:
                figure.set_label(f"{figure.get_label()} ({where})")
                drawn[name + suffix] = figure
    return drawn


def _of_group(
    group: Group, looks: Mapping[str, Look], ways: DataFrame | None, seed: int
) -> Iterator[tuple[str, Figure]]:
    everything = amortised.costs(group, seed)
    judges = judges_of(group)
    for size in sorted({row.size for row in group.rows}):
        here = [row for row in group.rows if row.size == size]
        timed = [row for row in here if not row.anchor and row.core.known]
        if judges and any(judge.of(row).known for row in timed for judge in judges):
            yield f"tradeoff-{size}px", tradeoff_figure(here, judges, size)
        if ways is not None and (figure := adaptation_figure(here, judges, ways, looks, size)):
            yield f"adaptation-{size}px", figure
        if costs := [cost for cost in everything if cost.row.size == size]:
            yield f"amortised-{size}px", amortised_figure(costs, looks, size)
        if judges and any(len(row.quality[judges[0].id].by_style) > 1 for row in here):
            yield f"styles-{size}px", styles_figure(here, judges, size)
    if len({row.size for row in group.rows if row.core.known}) > 1:
        yield "speed", speed_figure(group.rows, looks)


def _frontiers(group: Group, looks: Mapping[str, Look], seed: int) -> Iterator[tuple[str, Figure]]:
    """The curves of sizes that have any, where the anchors and the judges give a scale."""
    try:
        for size, scale, found in frontier.of_group(group, seed):
            if any(len(curve.points) > 1 for curve in found):
                yield f"frontier-{size}px", frontier_figure(found, scale, looks, size)
    except BenchError:
        return


def svg(figure: Figure) -> str:
    """A figure as SVG text, byte for byte the same for the same figure; letters are outlines."""
    text = io.StringIO()
    with styled():
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": "bench"})
    return text.getvalue()


def png(figure: Figure, dpi: int = 300) -> bytes:
    """A figure as PNG, on white."""
    data = io.BytesIO()
    with styled():
        figure.savefig(data, format="png", dpi=dpi, metadata={"Software": "bench"})
    return data.getvalue()


def write(drawn: Mapping[str, Figure], folder: Path) -> list[Path]:
    """Save every figure as `NAME.svg` and `NAME.png`, and return the paths.

    Raises:
        BenchError: there is no figure, or (`StorageError`) a file cannot be written.
    """
    if not drawn:
        raise BenchError("nothing to plot in these runs: finish one with bench run --resume")
    paths = []
    for name, figure in drawn.items():
        paths += [folder / f"{name}.svg", folder / f"{name}.png"]
        files.write(paths[-2], svg(figure))
        files.write(paths[-1], png(figure))
    return paths
