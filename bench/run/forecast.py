"""What a run will take: a cost model fitted to earlier runs, and a simulation of many workers.

Seconds and bytes of a picture, and seconds of an adaptation, are each `a + b · pixels` with
a, b ≥ 0, fitted by least squares to the sizes that were measured; of one size alone, `b · pixels`.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import nnls

from bench import results
from bench.results import CellRecord, DamagedFileError, ScoreRecord
from bench.run.blocks import Block, Grid

WORKER_START = 10.0
"""Seconds until a worker has imported torch and opened the run (assumed)."""
DISPATCH = 0.005
"""Seconds that a scheduler is busy with one block (assumed)."""

Kind = tuple[str, str]
"""A method and its options, as text."""


@dataclass(frozen=True)
class Cost:
    """What cells of one method and size take, in seconds and bytes."""

    adapt: float  # of a cell, whatever its contents
    picture: float  # to stylize and store it
    score: float  # of one picture, all metrics
    size_bytes: float  # of one picture's file and of its part of the records

    def cell(self, contents: int) -> float:
        """Seconds of a cell with its scores."""
        return self.adapt + contents * (self.picture + self.score)


Costs = Mapping[Kind, Mapping[int, Cost]]
"""What was measured: kind to size to cost."""


def kind_of(method: str, options: Mapping[str, Any]) -> Kind:
    """What tells two rows apart whose costs differ."""
    return method, json.dumps(options, sort_keys=True, default=str)


def measured(runs: Iterable[Path]) -> Costs:
    """The mean costs in runs, a later one's instead of an earlier one's; damaged ones left out."""
    costs: dict[Kind, dict[int, Cost]] = {}
    for run in runs:
        try:
            record = results.read_run(run)
        except DamagedFileError:
            continue
        sums: dict[tuple[str, int], list[list[float]]] = {}
        scored = {score.place: score.seconds for score in results.whole(run, ScoreRecord)}
        for cell in results.whole(run, CellRecord):
            if (cost := _of_cell(run, cell, scored.get(cell.place))) is not None:
                sums.setdefault((cell.method, cell.size), []).append(list(cost))
        for (name, size), each in sums.items():
            method = record.methods[name]
            kind = kind_of(method.method, method.options)
            costs.setdefault(kind, {})[size] = Cost(*np.mean(each, axis=0).tolist())
    return costs


def _of_cell(
    run: Path, cell: CellRecord, scoring: float | None
) -> tuple[float, float, float, float] | None:
    """The fields of the cost of one cell; None where it says too little."""
    if cell.status != "ok" or cell.seconds is None or scoring is None or cell.adapt is None:
        return None
    contents = len(cell.contents)
    files = [results.picture_path(run, picture.image) for picture in cell.contents]
    records = [results.record_path(run, kind, *cell.place) for kind in ("cells", "scores")]
    size_bytes = sum(file.stat().st_size for file in [*filter(None, files), *records])
    picture = max(0.0, cell.seconds - cell.adapt.seconds) / contents
    return cell.adapt.seconds, picture, scoring / contents, size_bytes / contents


def cost_at(by_size: Mapping[int, Cost], size: int) -> Cost:
    """The cost at any size, from those that were measured."""
    if size in by_size:
        return by_size[size]
    pixels = np.array([side * side for side in by_size], float)
    rows = np.array([list(asdict(cost).values()) for cost in by_size.values()])
    # the constant's column is nothing where one size cannot tell it from the slope
    design = np.stack([np.full_like(pixels, len(by_size) > 1), pixels / pixels.max()], 1)
    fits = [nnls(design, column)[0] for column in rows.T]
    return Cost(*(float(a + b * size * size / pixels.max()) for a, b in fits))


@dataclass(frozen=True)
class Simulated:
    """A plan on so many workers: seconds from begin to end, and the share that workers worked."""

    seconds: float
    busy: float


def simulate(
    blocks: Sequence[float],
    workers: int,
    start: float = WORKER_START,
    dispatch: float = DISPATCH,
) -> Simulated:
    """Blocks in their order, each to the worker that is free first, by a scheduler that is serial.

    Args:
        blocks: seconds of each.
        workers: how many.
        start: seconds until a worker takes its first block.
        dispatch: seconds that the scheduler is busy with each block.
    """
    free = [start] * min(workers, max(1, len(blocks)))
    scheduler = end = 0.0
    for seconds in blocks:
        scheduler = max(scheduler, heapq.heappop(free)) + dispatch
        heapq.heappush(free, scheduler + seconds)
        end = max(end, scheduler + seconds)
    return Simulated(end, sum(blocks) / (workers * end) if end else 0.0)


@dataclass(frozen=True)
class Forecast:
    """What a plan takes.

    Attributes:
        staying: seconds of what is done on the run's own host, one cell after the other; the
            sampling of speed is not among them.
        moving: seconds of each block that may be anywhere.
        size_bytes: of all pictures and records.
        unknown: rows of which no run has said what they take; they count nothing.
    """

    staying: float
    moving: Sequence[float]
    size_bytes: float
    unknown: Sequence[str]


def forecast(
    grid: Grid, kinds: Mapping[str, Kind], costs: Costs, blocks: Sequence[Block]
) -> Forecast:
    """Put the costs to a plan.

    Args:
        grid: the run's.
        kinds: a row's name to what it is.
        costs: what was measured.
        blocks: what may move and is left.
    """
    known = {
        (name, size): cost_at(costs[kind], size)
        for name, kind in kinds.items()
        for size in grid.sizes
        if kind in costs
    }
    left = {key for block in blocks for key in block.keys}
    stay = [
        (name, size, style)
        for size, style, name in grid.staying
        if results.key(name, style, size) in left and (name, size) in known
    ]
    at_home = {(name, size, style) for name, size, style in stay}

    def of_block(block: Block) -> float:
        cost = known.get((block.method, block.size))
        if cost is None:
            return 0.0
        scores = grid.contents * cost.score
        return sum(
            scores if (block.method, block.size, style) in at_home else cost.cell(grid.contents)
            for style in block.styles
        )

    making = (known[name, size] for name, size, _ in stay)
    return Forecast(
        staying=sum(cost.adapt + grid.contents * cost.picture for cost in making),
        moving=[of_block(block) for block in blocks],
        size_bytes=sum(
            len(grid.styles) * grid.contents * cost.size_bytes for cost in known.values()
        ),
        unknown=[name for name, kind in kinds.items() if kind not in costs],
    )
