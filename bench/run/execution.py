"""A run: a grid of method × style × size, then speed in interleaved rounds, then the metrics.

Everything that is finished is on disk at once, one file per result, so a run that is killed goes
on where it was. Metrics read the stored pictures, never a live method.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import files, progress, results
from bench.contract import Context, SetMetric
from bench.results import ScoreRecord, SetRecord
from bench.run.cells import Place, grid_of, make_cells, make_cells_apart, missing_cells
from bench.run.isolation import worker_lock
from bench.run.plan import Plan
from bench.run.scores import Loaded, load_metrics, score_cell, score_sets
from bench.run.speeds import run_speed


def execute(run: Path, plan: Plan, context: Context, quiet: bool = False) -> None:
    """Do what of the run is not done yet, each result written as soon as it is there.

    Failures of a method or a metric become rows; only what concerns the whole run is raised.

    Raises:
        BenchError: another process works on the run, the disk refuses, or the device failed.
    """
    busy = f"another process works on {run}: wait for it, or start a new run"
    with files.held(run / ".lock", busy):
        with worker_lock(run):
            pass  # what a killed process had begun has ended
        _execute(run, plan, context, quiet)


def _execute(run: Path, plan: Plan, context: Context, quiet: bool) -> None:
    record = results.read_run(run)
    grid = list(grid_of(record, plan.methods))
    scored = list(grid_of(record, record.methods))
    of_sets = any(isinstance(metric, SetMetric) for metric in plan.metrics)
    sets = list(itertools.product(record.sizes, record.methods)) if of_sets else []
    forecast = progress.Forecast(
        [
            *(("cell", name) for _, _, name in grid),
            *(("speed", size) for size in record.sizes),
            *(("scores", name) for _, _, name in scored),
            *(("sets", name) for _, name in sets),
        ]
    )
    shown = "{desc}{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]"
    total = len(grid) + len(record.sizes) * len(plan.methods) + len(scored) + len(sets)
    with progress.bar(total=total, disable=quiet, unit="step", bar_format=shown) as bar:
        work = _Work(run, plan, context, forecast, bar)
        work.make_cells(grid)
        work.time(record.sizes)
        metrics = load_metrics(plan.metrics, context)
        work.score(metrics, scored)
        work.score_sets(metrics, sets)
        bar.set_description("done")


@dataclass(frozen=True)
class _Work:
    """Does the parts of a run that are not there yet, and keeps its bar."""

    run: Path
    plan: Plan
    context: Context
    forecast: progress.Forecast
    bar: Any

    def make_cells(self, grid: Iterable[Place]) -> None:
        places = missing_cells(self.run, self.plan.methods)
        for _, _, name in set(grid) - set(places):
            self._finished(("cell", name), False)
        make = make_cells if self.plan.isolate is None else make_cells_apart
        for name in make(self.run, self.plan, self.context, places, self._begin, self.bar):
            self._finished(("cell", name), True)

    def time(self, sizes: Iterable[int]) -> None:
        done = results.completed(self.run, "speed")
        for size in sizes:
            untimed = [name for name in self.plan.methods if results.key(name, size) not in done]
            if untimed:
                self._begin(f"speed · {size} px")
                for speed in run_speed(self.run, self.plan, self.context, untimed, size, self.bar):
                    results.write_record(self.run, speed)
            self._finished(("speed", size), bool(untimed), len(self.plan.methods))

    def score(self, metrics: Loaded, places: Iterable[Place]) -> None:
        done = results.completed(self.run, "scores")
        for size, style, name in places:
            missing = results.key(name, style, size) not in done
            if missing:
                self._begin(f"metrics · {name} · {style} · {size} px")
                entries = score_cell(self.run, metrics, self.context, name, style, size, self.bar)
                record = ScoreRecord(method=name, style=style, size=size, scores=entries)
                results.write_record(self.run, record)
            self._finished(("scores", name), missing)

    def score_sets(self, metrics: Loaded, places: Iterable[tuple[int, str]]) -> None:
        done = results.completed(self.run, "sets")
        for size, name in places:
            missing = results.key(name, size) not in done
            if missing:
                self._begin(f"metrics of sets · {name} · {size} px")
                entries = score_sets(self.run, metrics, self.context, name, size)
                results.write_record(self.run, SetRecord(method=name, size=size, scores=entries))
            self._finished(("sets", name), missing)

    def _begin(self, what: str) -> None:
        self.bar.set_postfix_str("", refresh=False)
        self.bar.set_description(f"{self.forecast}: {what}", refresh=False)

    def _finished(self, part: tuple[str, str | int], worked: bool, count: int = 1) -> None:
        self.forecast.done(part, worked)
        self.bar.update(count)
