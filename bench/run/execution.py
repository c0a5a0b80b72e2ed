"""A run: a grid of method × style × size, then speed in interleaved rounds, then the metrics.

Everything that is finished is on disk at once, one file per result, so a run that is killed goes
on where it was. Metrics read the stored pictures, never a live method.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

from bench import files, progress, results
from bench.contract import Context
from bench.run import apart, batches, cells, scores, speeds
from bench.run.blocks import Grid
from bench.run.distribution import remaining, work_off
from bench.run.engines import Engine
from bench.run.isolation import Say, worker_lock
from bench.run.plan import Plan
from bench.run.sharing import families
from bench.run.worker import Worker

Away = tuple[Worker, Engine]
"""Who does what of a run may be done elsewhere."""


def execute(
    run: Path, plan: Plan, context: Context, quiet: bool = False, away: Away | None = None
) -> None:
    """Do what of the run is not done yet, each result written as soon as it is there.

    Failures of a method or a metric become rows; only what concerns the whole run is raised.

    Args:
        run: the folder.
        plan: what is to be done.
        context: device and precision.
        quiet: no progress bar.
        away: who does what may move (see `bench.run.blocks`); None: it is done here too.

    Raises:
        BenchError: another process works on the run, the disk refuses, or the device failed.
    """
    busy = f"another process works on {run}: wait for it, or start a new run"
    with files.held(run / ".lock", busy):
        with worker_lock(run):
            pass  # what a killed process had begun has ended
        _execute(run, plan, context, quiet, away)


def _execute(run: Path, plan: Plan, context: Context, quiet: bool, away: Away | None) -> None:
    record = results.read_run(run)
    make_cells, make_speeds, make_batches, make_scores = (
        (cells.make_cells, speeds.make_speeds, batches.make_batches, scores.make_scores)
        if plan.reopen is None
        else (apart.make_cells, apart.make_speeds, apart.make_batches, apart.make_scores)
    )
    grid = list(cells.grid_of(record, plan.methods))
    staying = grid if away is None else Grid.of(record).staying
    parts, missing_parts = scores.missing_scores(run, plan)
    forecast = progress.Forecast(
        [
            *(("cell", name) for _, _, name in grid),
            *(("speed", size) for size in record.sizes),
            *(("batches", name) for _, name in batches.batches_of(plan)),
            *((kind, name) for kind, _, _, name in parts),
        ]
    )
    shown = "{desc}{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]"
    total = len(grid) + len(record.sizes) * len(plan.methods) + len(parts)
    total += len(batches.batches_of(plan))
    with progress.bar(total=total, disable=quiet, unit="step", bar_format=shown) as bar:

        def say(_: str, what: str, detail: str) -> None:
            bar.set_postfix_str(detail, refresh=False)
            bar.set_description(f"{forecast}: {what}", refresh=False)

        def finished(part: tuple[str, str | int], worked: bool, count: int = 1) -> None:
            forecast.done(part, worked)
            bar.update(count)

        places = cells.missing_cells(run, itertools.chain(*families(plan)))
        for _, _, name in set(grid) - set(places):
            finished(("cell", name), False)
        here = set(staying)
        for name in make_cells(run, plan, context, [p for p in places if p in here], say):
            finished(("cell", name), True)
        done = results.completed(run, "speed")
        for size in record.sizes:
            untimed = [name for name in plan.methods if results.key(name, size) not in done]
            if untimed:
                make_speeds(run, plan, context, size, untimed, say)
            finished(("speed", size), bool(untimed), len(plan.methods))
        unbatched = batches.missing_batches(run, plan)
        for _, name in set(batches.batches_of(plan)) - set(unbatched):
            finished(("batches", name), False)
        for name in make_batches(run, plan, context, unbatched, say):
            finished(("batches", name), True)
        if away is not None:
            _distribute(run, plan, context, away, say)
            for _, _, name in set(places) - here:
                finished(("cell", name), False)
            parts, missing_parts = scores.missing_scores(run, plan)
        for kind, _, _, name in set(parts) - set(missing_parts):
            finished((kind, name), False)
        if missing_parts:
            for kind, _, _, name in make_scores(run, plan, context, missing_parts, say):
                finished((kind, name), True)
        bar.set_description("done")


def _distribute(run: Path, plan: Plan, context: Context, away: Away, say: Say) -> None:
    """Have others make and score what may move, and make here what they died in."""
    worker, engine = away
    blocks = remaining(run, engine.workers)
    say("", f"elsewhere · {len(blocks)} blocks", "")
    for done, block in enumerate(work_off(worker, engine, blocks), 1):
        text = f"{done} of {len(blocks)} blocks, {block.method} · {block.size} px"
        say("", f"elsewhere · {len(blocks)} blocks", text)
    suspects = cells.missing_cells(run, plan.methods)
    for _ in apart.make_cells(run, replace(plan, reopen=worker.reopen), context, suspects, say):
        pass
