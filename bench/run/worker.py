"""Work on a run far from the process that began it: cells of a block, made and scored.

A worker opens the run from its folder, which it must reach by the same path, and refuses it where
code, weights, pictures, plugins or software differ from what the run was begun with. It writes the
records that the run itself would, each whole, and leaves out those that are there: a block may be
done twice, or by two workers at once, without harm.
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench import results
from bench.contract import Context
from bench.errors import BenchError, cause_of
from bench.files import storage_errors
from bench.machine import environment
from bench.results import WorkerRecord
from bench.results.environment import fingerprint
from bench.run.blocks import Block, Place
from bench.run.cells import run_cell
from bench.run.plan import Plan, Reopen
from bench.run.scores import Loaded, load_metrics, score_record
from bench.weights import sha256

SUSPECT = 2
"""Workers that a cell was begun by and that ended in it; then nobody far away takes it again."""


@dataclass(frozen=True)
class Opened:
    """A run as this process has opened it."""

    token: tuple[Path, str]
    plan: Plan
    context: Context
    metrics: Loaded
    me: WorkerRecord


_opened: Opened | None = None  # of this process: to open a run takes seconds


@dataclass(frozen=True)
class Worker:
    """Does blocks of a run; it can be pickled.

    Attributes:
        run: the folder.
        record_sha256: of its `run.json`.
        reopen: see `bench.run.plan.Plan`.
    """

    run: Path
    record_sha256: str
    reopen: Reopen

    @classmethod
    def of(cls, run: Path, reopen: Reopen) -> Worker:
        """One for a run that has begun."""
        return cls(run.absolute(), sha256(run / "run.json"), reopen)

    def __call__(self, block: Block) -> Block:
        """Make and score the cells of the block that lack, and give it back.

        Raises:
            BenchError: this worker refuses the run, or the disk or the device failed.
        """
        opened = self.open()
        for style in block.styles:
            with _attempt(self.run, results.key(block.method, style, block.size)) as good:
                if good:
                    self._finish(opened, (block.size, style, block.method))
        return block

    def open(self) -> Opened:
        """Open the run, once for a process.

        Raises:
            BenchError: this worker refuses it.
        """
        global _opened
        token = self.run, self.record_sha256
        if _opened is None or _opened.token != token:
            try:
                if sha256(self.run / "run.json") != self.record_sha256:
                    raise BenchError(f"{self.run} is another run here")
                plan, context = self.reopen(self.run)
            except (BenchError, OSError) as error:
                where = "" if isinstance(error, BenchError) else f"{error.filename or self.run}: "
                raise BenchError(
                    f"the worker on {platform.node()} refuses: {where}{cause_of(error)}"
                ) from None
            now = environment.capture(context.device, context.precision)
            me = WorkerRecord(host=platform.node(), environment=fingerprint(now))
            _opened = Opened(
                token, plan, context, load_metrics(plan.metrics, context, _silent, {}), me
            )
        return _opened

    def _finish(self, opened: Opened, place: Place) -> None:
        (size, style, name), plan, context = place, opened.plan, opened.context
        if not results.record_path(self.run, "cells", name, style, size).exists():
            cell = run_cell(self.run, plan, context, place, _silent)
            results.write_record(self.run, replace(cell, worker=opened.me))
        if not results.record_path(self.run, "scores", name, style, size).exists():
            scores = score_record(self.run, opened.metrics, context, plan, place, _silent)
            results.write_record(self.run, replace(scores, worker=opened.me))


def _silent(*_: str) -> None:
    """Nobody hears how far a worker is."""


def attempts(run: Path) -> Path:
    """Where a run keeps, for each cell that a worker is at, how many have begun it."""
    return run / ".attempts"


def forget_attempts(run: Path) -> None:
    """What an earlier session's workers began says nothing about this one's."""
    shutil.rmtree(attempts(run), ignore_errors=True)
    with storage_errors(attempts(run)):
        attempts(run).mkdir(exist_ok=True)


def begun(run: Path) -> int:
    """How often cells were begun that are not finished."""
    with os.scandir(attempts(run)) as entries:
        return sum(_begun(Path(entry)) for entry in entries)


def _begun(attempt: Path) -> int:
    """How often one cell was begun; another worker may finish it at any moment."""
    try:
        return attempt.stat().st_size
    except FileNotFoundError:
        return 0


@contextmanager
def _attempt(run: Path, key: str) -> Iterator[bool]:
    """Note that a cell is begun, for as long as it is; whether it is to be done at all."""
    path = attempts(run) / key
    with storage_errors(path):
        suspect = _begun(path) >= SUSPECT
        if not suspect:
            with path.open("ab") as file:
                file.write(b".")
    try:
        yield not suspect
    finally:  # an exception, such as at a pre-emption, is no crash
        if not suspect:
            path.unlink(missing_ok=True)
