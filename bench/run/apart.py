"""The parts of a run made by other processes: as `cells`, `speeds` and `scores` make them here.

A process that dies takes nothing with it: what it was at becomes a row, and another one goes on.
Times are taken as here, in turns and by one process; a method whose pictures are not there has
none, so that one which crashes hardly ever gets that far.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from bench import progress, results
from bench.contract import Context
from bench.errors import BenchError
from bench.results import CellRecord
from bench.run import batches, cells, scores, speeds
from bench.run.blocks import Place
from bench.run.isolation import Piece, Say, apart
from bench.run.plan import Plan, Reopen, precision_label
from bench.run.scores import Part
from bench.run.sharing import families


def make_cells(
    run: Path, plan: Plan, context: Context, places: Sequence[Place], say: Say
) -> Iterator[str]:
    """As `cells.make_cells`, with a process for each method, or family (`bench.run.sharing`)."""
    for place in places:  # what is there is damaged, and would count as made
        _cell(run, place).unlink(missing_ok=True)
    for names in families(plan):
        left = [place for place in places if place[2] in names]
        while left:
            work = _Work(functools.partial(_cells, _reopen(plan), tuple(left)), run, plan, say)
            for _ in itertools.chain(work, [None]):  # and once more at the end
                while left and _cell(run, left[0]).exists():
                    yield left.pop(0)[2]
            if left:
                size, style, name = left.pop(0)
                cell = CellRecord(
                    method=name,
                    style=style,
                    size=size,
                    status="error",
                    reason=work.death,
                    precision=precision_label(plan.methods[name].cls, context),
                )
                results.write_record(run, cell)
                yield name


def make_speeds(
    run: Path, plan: Plan, context: Context, size: int, names: Sequence[str], say: Say
) -> None:
    """As `speeds.make_speeds`."""
    left = list(names)
    while left:
        work = _Work(functools.partial(_speeds, _reopen(plan), size, tuple(left)), run, plan, say)
        for _ in work:
            pass
        there = results.completed(run, "speed")
        left = [name for name in left if results.key(name, size) not in there]
        if left:
            name = work.blamed(left, "times the methods")
            speed = speeds.untimed(plan, context, name, size)
            results.write_record(run, replace(speed, status="error", reason=work.death))
            left.remove(name)


def make_batches(
    run: Path, plan: Plan, context: Context, places: Sequence[batches.Place], say: Say
) -> Iterator[str]:
    """As `batches.make_batches`, with a process for each method and size."""
    for size, name in places:
        path = results.record_path(run, "batches", name, size)
        path.unlink(missing_ok=True)  # what is there is damaged, and would count as made
        work = _Work(functools.partial(_batches, _reopen(plan), size, name), run, plan, say)
        for _ in work:
            pass
        if not path.exists():
            record = batches.unbatched(plan, context, size, name)
            results.write_record(run, replace(record, status="error", reason=work.death))
        yield name


def make_scores(
    run: Path, plan: Plan, context: Context, parts: Sequence[Part], say: Say
) -> Iterator[Part]:
    """As `scores.make_scores`; a metric that ends the process is left out from there on."""
    left, broken = list(parts), dict[str, str]()
    for part in parts:
        scores.record_of(run, part).unlink(missing_ok=True)
    while left:
        piece = functools.partial(_scores, _reopen(plan), tuple(left), dict(broken))
        work = _Work(piece, run, plan, say)
        for _ in itertools.chain(work, [None]):  # and once more at the end
            while left and scores.record_of(run, left[0]).exists():
                yield left.pop(0)
        if left:
            usable = {metric.id for metric in plan.metrics} - set(broken)
            broken[work.blamed(usable, "computes metrics")] = work.death


def _reopen(plan: Plan) -> Reopen:
    assert plan.reopen is not None
    return plan.reopen


def _cells(reopen: Reopen, places: Sequence[Place], run: Path, say: Say) -> None:
    plan, context = reopen(run)
    for _ in cells.make_cells(run, plan, context, places, say):
        pass


def _speeds(reopen: Reopen, size: int, names: Sequence[str], run: Path, say: Say) -> None:
    plan, context = reopen(run)
    speeds.make_speeds(run, plan, context, size, names, say)


def _batches(reopen: Reopen, size: int, name: str, run: Path, say: Say) -> None:
    plan, context = reopen(run)
    for _ in batches.make_batches(run, plan, context, [(size, name)], say):
        pass


def _scores(
    reopen: Reopen, parts: Sequence[Part], broken: dict[str, str], run: Path, say: Say
) -> None:
    plan, context = reopen(run)
    for _ in scores.make_scores(run, plan, context, parts, say, broken):
        pass


def _cell(run: Path, place: Place) -> Path:
    size, style, name = place
    return results.record_path(run, "cells", name, style, size)


class _Work:
    """A piece of work under way in another process; a step of it passes on what that has said.

    Attributes:
        death: how the process died; known at the end, and empty where it finished.
    """

    def __init__(self, piece: Piece, run: Path, plan: Plan, say: Say) -> None:
        self.death = ""
        self._run, self._say, self._who = run, say, ""
        self._said = apart(piece, run, plan.hang_seconds)

    def __iter__(self) -> Iterator[None]:
        while True:
            try:
                who, what, detail = next(self._said)
            except StopIteration as stop:
                self.death, left_processes = stop.value
                if left_processes:
                    progress.write(f"bench: {self._who} left processes behind, which were ended")
                return
            if who:
                self._who = who
                self._say(who, what, detail)
            yield

    def blamed(self, suspects: Sequence[str] | set[str], work: str) -> str:
        """Who of the suspects the process was at when it died.

        Raises:
            BenchError: none of them.
        """
        if self._who in suspects:
            return self._who
        raise BenchError(
            f"the process that {work} has died ({self.death}): go on with "
            f"bench run --resume {self._run}"
        )
