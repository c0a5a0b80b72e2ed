"""A run: a grid of method × style × size, then speed in interleaved rounds, then the metrics.

Everything that is finished is on disk at once, one file per result, so a run that is killed goes
on where it was. Metrics read the stored pictures, never a live method.
"""

from __future__ import annotations

import itertools
from pathlib import Path

from bench import files, progress, results
from bench.contract import Context, SetMetric
from bench.run.cells import grid_of, make_cells, make_cells_apart, missing_cells
from bench.run.isolation import worker_lock
from bench.run.plan import Plan
from bench.run.scores import load_metrics, score_cell, score_sets
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
    judged = list(itertools.product(record["sizes"], record["styles"], record["methods"]))
    of_sets = any(isinstance(metric, SetMetric) for metric in plan.metrics)
    sets = list(itertools.product(record["sizes"], record["methods"])) if of_sets else []
    speeds = len(record["sizes"]) * len(plan.methods)
    forecast = progress.Forecast(
        [
            *(("cell", name) for _, _, name in grid),
            *(("speed", size) for size in record["sizes"]),
            *(("scores", name) for _, _, name in judged),
            *(("sets", name) for _, name in sets),
        ]
    )
    shown = "{desc}{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]"
    total = len(grid) + speeds + len(judged) + len(sets)
    with progress.bar(total=total, disable=quiet, unit="step", bar_format=shown) as bar:

        def begin(what: str) -> None:
            bar.set_postfix_str("", refresh=False)
            bar.set_description(f"{forecast}: {what}", refresh=False)

        def finished(part: tuple[str, str | int], worked: bool, count: int = 1) -> None:
            forecast.done(part, worked)
            bar.update(count)

        places = missing_cells(run, plan.methods)
        for _, _, name in set(grid) - set(places):
            finished(("cell", name), False)
        make = make_cells if plan.isolate is None else make_cells_apart
        for name in make(run, plan, context, places, begin, bar):
            finished(("cell", name), True)
        done = results.completed(run, "speed")
        for size in record["sizes"]:
            untimed = [name for name in plan.methods if results.key(name, size) not in done]
            if untimed:
                begin(f"speed · {size} px")
                for speed in run_speed(run, plan, context, untimed, size, bar):
                    name = speed["method"]
                    results.write_json(results.record_path(run, "speed", name, size), speed)
            finished(("speed", size), bool(untimed), len(plan.methods))
        done = results.completed(run, "scores")
        metrics = load_metrics(plan.metrics, context)
        for size, style, name in judged:
            missing = results.key(name, style, size) not in done
            if missing:
                begin(f"metrics · {name} · {style} · {size} px")
                scores = score_cell(run, metrics, context, name, style, size, bar)
                path = results.record_path(run, "scores", name, style, size)
                record_of_scores: results.ScoreRecord = {
                    "schema": results.SCHEMA,
                    "method": name,
                    "style": style,
                    "size": size,
                    "scores": scores,
                }
                results.write_json(path, record_of_scores)
            finished(("scores", name), missing)
        done = results.completed(run, "sets")
        for size, name in sets:
            missing = results.key(name, size) not in done
            if missing:
                begin(f"metrics of sets · {name} · {size} px")
                record_of_sets: results.SetRecord = {
                    "schema": results.SCHEMA,
                    "method": name,
                    "size": size,
                    "scores": score_sets(run, metrics, context, name, size),
                }
                results.write_json(results.record_path(run, "sets", name, size), record_of_sets)
            finished(("sets", name), missing)
        bar.set_description("done")
