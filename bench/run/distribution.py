"""Blocks of a run done by an engine's workers, until each is done or nobody can do it.

Where workers die, what they had not given back goes to others. A cell that two of them died in is
left to the run's own process, which makes it last, in a process by itself; if that dies too, the
cell is a row that says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from bench import results
from bench.errors import BenchError
from bench.run.blocks import Block, Grid, moving
from bench.run.engines import Engine, WorkersLostError
from bench.run.worker import Worker, begun, forget_attempts

KINDS: Sequence[results.Kind] = ("cells", "scores")
PATIENCE = 10
"""So often workers may die in a row without having begun a cell."""


def remaining(run: Path, workers: int) -> list[Block]:
    """The blocks of a run that so many workers may do, and room for them to begin."""
    whole = {kind: results.completed(run, kind) for kind in KINDS}
    grid = Grid.of(results.read_run(run))
    blocks = moving(grid, whole["scores"] & whole["cells"], workers)
    for block in blocks:  # what is there and not whole would count as made
        for style, key in zip(block.styles, block.keys, strict=True):
            for kind in KINDS:
                if key not in whole[kind]:
                    path = results.record_path(run, kind, block.method, style, block.size)
                    path.unlink(missing_ok=True)
    forget_attempts(run)
    return blocks


def work_off(worker: Worker, engine: Engine, blocks: Sequence[Block]) -> Iterator[Block]:
    """Have blocks of `remaining` done; each is given as soon as it is.

    Raises:
        BenchError: a worker refuses the run, the scheduler is gone, or workers die before they
            begin. What is finished is kept.
    """
    futile, seen = 0, (0, 0)
    while blocks:
        left = dict.fromkeys(blocks)
        try:
            for block in engine.work(worker, blocks, worker.run):
                left.pop(block, None)
                yield block
            return
        except WorkersLostError as error:
            blocks = list(left)
            progress = len(blocks), begun(worker.run)
            futile = futile + 1 if progress == seen else 0
            seen = progress
            if futile == PATIENCE:
                raise BenchError(
                    f"workers end before they have begun a cell ({error}): look at what they say,"
                    f" then go on with bench run --resume {worker.run}"
                ) from None
