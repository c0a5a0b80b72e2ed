"""What of a run may move to another machine, and what must stay together.

Adapting, stylizing for quality and scoring may move: seeds are those of a cell's place, so that its
pictures do not depend on who makes them. What is timed stays: the speed of all methods at one size
is taken by one process on one host, and so are the cells whose adaptation is a number of the
report. Where time decides what a cell holds (a limit of adaptation, or moments that are observed),
every cell stays, and only scoring moves.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from bench import results
from bench.results import RunInfo, by_time

Place = tuple[int, str, str]
"""A cell's size, style and method."""

TIMED_STYLES = 3
"""So many styles of a run are adapted to where its speed is timed."""
MOST_CELLS = 8
"""Of a block."""
BLOCKS_EACH = 4
"""At least so many blocks for a worker, where there are cells for them: the last ones end alike."""


@dataclass(frozen=True)
class Grid:
    """The names that a run's cells are made of.

    Attributes:
        sizes: sides in pixels.
        styles: names, in order.
        methods: names, in order.
        contents: how many each cell stylizes.
        by_time: whether what a cell holds depends on how fast it was made.
    """

    sizes: Sequence[int]
    styles: Sequence[str]
    methods: Sequence[str]
    contents: int
    by_time: bool = False

    @classmethod
    def of(cls, record: RunInfo) -> Grid:
        """That of a run."""
        names = record.sizes, record.styles, list(record.methods)
        return cls(*names, len(record.contents), by_time(record.observe, record.adapt_seconds))

    @property
    def cells(self) -> int:
        """How many there are."""
        return len(self.sizes) * len(self.styles) * len(self.methods)

    @property
    def staying(self) -> Sequence[Place]:
        """The cells that are made where the speed is timed, by the process that times it."""
        styles = self.styles if self.by_time else self.styles[:TIMED_STYLES]
        return list(itertools.product(self.sizes, styles, self.methods))


@dataclass(frozen=True)
class Block:
    """Cells of one method and size that one worker makes and scores, one after the other."""

    size: int
    method: str
    styles: tuple[str, ...]

    @property
    def keys(self) -> Sequence[str]:
        """The keys of its cells' records."""
        return [results.key(self.method, style, self.size) for style in self.styles]


def moving(grid: Grid, scored: Collection[str] = (), workers: int = 1) -> list[Block]:
    """The blocks that may be anywhere, the largest pictures first: long work at the end would wait.

    Args:
        grid: of the run.
        scored: keys of cells that are finished, with their scores.
        workers: how many there are for them.
    """
    left = grid.cells - len(scored)
    most = min(MOST_CELLS, max(1, left // (BLOCKS_EACH * workers)))
    return list(_moving(grid, frozenset(scored), most))


def _moving(grid: Grid, scored: Collection[str], most: int) -> Iterator[Block]:
    for size in sorted(grid.sizes, reverse=True):
        for name in grid.methods:
            left = [s for s in grid.styles if results.key(name, s, size) not in scored]
            for first in range(0, len(left), most):
                yield Block(size, name, tuple(left[first : first + most]))
