"""A run: a grid of method × style × size, then speed in interleaved rounds, then the metrics.

Everything that is finished is on disk at once, one file per result, so a run that is killed goes
on where it was. Metrics read the stored pictures, never a live method.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from filelock import FileLock, Timeout

import bench
from bench import environment, images, progress, results, roofline, weights
from bench.cells import grid_of, make_cells, make_cells_apart, missing_cells
from bench.contract import Metric, SetMetric
from bench.device import Context
from bench.errors import BenchError
from bench.plan import Chosen, Plan
from bench.registry import Registry
from bench.results import RunInfo, SkippedRecord
from bench.scores import load_metrics, score_cell, score_sets
from bench.speeds import run_speed


def start(plan: Plan, root: Path, context: Context, registry: Registry) -> Path:
    """Make the run folder: the pictures at every size, and the record of what is to be run.

    Pictures that cannot be used are left out and named in the record.

    Raises:
        BenchError: no content or no style can be used, or the folder cannot be written.
    """
    return results.create(root, lambda run: begin(run, plan, context, registry))


def begin(run: Path, plan: Plan, context: Context, registry: Registry) -> RunInfo:
    """Put the inputs into a new run's folder and say what is to be run; raises as `start`."""
    usable: dict[str, list[str]] = {"content": [], "style": []}
    skipped: list[SkippedRecord] = []
    for role, wanted in (("content", plan.contents), ("style", plan.styles)):
        for picture in wanted:
            try:
                for size in plan.sizes:
                    images.save(
                        images.load(picture, size),
                        results.input_path(run, role, picture.name, size),
                    )
                usable[role].append(picture.name)
            except BenchError as error:
                skipped.append({"role": role, "name": picture.name, "reason": str(error)})
        if not usable[role]:
            reason = skipped[-1]["reason"] if skipped else "the dataset has none"
            raise BenchError(f"no {role} can be used: {reason}")
    fetch_encoders(plan, context)
    captured = environment.capture(context.device, context.precision, plan.threads)
    return {
        "command": plan.command,
        "bench_version": bench.__version__,
        "profile": plan.profile.name,
        "seed": plan.seed,
        "adapt_seconds": plan.adapt_seconds,
        "observe": sorted(set(plan.observe)),
        "environment": {
            **captured,
            "fingerprint": environment.fingerprint(captured),
            "peak": roofline.measure(context.device, torch.get_num_threads()),
        },
        "dataset": {
            "name": plan.dataset.name,
            "options": asdict(plan.dataset.options),
            "fingerprint": plan.dataset.fingerprint(),
            "citation": plan.dataset.citation,
        },
        "sizes": list(plan.sizes),
        "contents": usable["content"],
        "styles": usable["style"],
        "methods": {
            name: {
                "method": chosen.cls.name,
                "family": chosen.cls.family,
                "citation": chosen.cls.citation,
                "options": asdict(chosen.options),
                "defaults": asdict(chosen.cls.Options()),
                "source_sha256": environment.source_sha256(chosen.cls),
                "weights": weight_files(chosen, context),
                "trains_on": list(chosen.cls.learns_from(chosen.options)),
                "autocast": chosen.cls.autocast,
                "plugin": registry.origin("methods", chosen.cls.name).source,
            }
            for name, chosen in plan.methods.items()
        },
        "metrics": {
            metric.id: {
                "name": metric.name,
                "version": metric.version,
                "unit": metric.unit,
                "axis": metric.axis,
                "direction": metric.direction,
                "encoder": metric.encoder,
                "judge": all(registry.encoder(name).judge for name in metric.encoders),
                "of_set": isinstance(metric, SetMetric),
                "training_loss_of": list(metric.training_loss_of),
                "weights": metric_files(metric, context),
                "citation": metric.citation,
            }
            for metric in plan.metrics
        },
        "skipped": skipped,
    }


def weight_files(chosen: Chosen, context: Context) -> dict[str, str]:
    """SHA-256 of every weights file behind a method: its own and those of its loss networks."""
    needed = chosen.cls.needs(chosen.options)
    files = weights.fingerprints(needed, weights.beside(chosen.cls))
    return files | encoder_files(chosen.cls.learns_from(chosen.options), context)


def metric_files(metric: Metric, context: Context) -> dict[str, str]:
    """SHA-256 of every weights file behind a metric: its own and its encoder's."""
    files = weights.fingerprints(metric.weights, weights.beside(type(metric)))
    return files | encoder_files(metric.encoders, context)


def encoder_files(names: Sequence[str], context: Context) -> dict[str, str]:
    """SHA-256 of the named encoders' weights files."""
    files: dict[str, str] = {}
    for name in names:
        encoder = context.find_encoder(name)
        files |= weights.fingerprints([encoder.weights], encoder.folders())
    return files


def fetch_encoders(plan: Plan, context: Context) -> None:
    """Build every encoder of the run: a download must not come after its file is recorded.

    One that cannot be had is left to the methods and metrics that want it, as their rows' reason.
    """
    names = [name for metric in plan.metrics for name in metric.encoders]
    for chosen in plan.methods.values():
        names += chosen.cls.learns_from(chosen.options)
    for name in dict.fromkeys(names):
        with contextlib.suppress(BenchError):
            context.encoder(name)


def check_resumable(run: Path, plan: Plan, context: Context) -> None:
    """See that nothing the run's numbers depend on has changed since it began.

    Raises:
        BenchError: another machine, precision or version of the suite, other pictures, options or
            metrics, or another version of a method.
    """
    record = results.read_run(run)
    now = environment.capture(context.device, context.precision)
    changes = []
    if record["environment"]["fingerprint"] != environment.fingerprint(now):
        changes.append("the environment")
    if (record["bench_version"], record["environment"]["commit"]) != (
        bench.__version__,
        now["commit"],
    ):
        changes.append("bench itself")
    if set(record["metrics"]) != {metric.id for metric in plan.metrics}:
        changes.append("the metrics")
    if record["dataset"]["fingerprint"] != plan.dataset.fingerprint():
        changes.append("the pictures")
    for name, chosen in plan.methods.items():
        before = record["methods"][name]
        if before["options"] != asdict(chosen.options):
            changes.append(f"the options of {name}")
        if before["source_sha256"] != environment.source_sha256(chosen.cls):
            changes.append(f"the source of {name}")
        if before["weights"] != weight_files(chosen, context):
            changes.append(f"the weights of {name}")
    if changes:
        raise BenchError(
            f"{run} cannot be resumed: {', '.join(changes)} changed since; start a new run"
        )


def forget_failures(run: Path) -> None:
    """Remove the records of what failed, so that it is tried again."""
    for kind in ("cells", "speed"):
        for path in (run / kind).glob("*.json"):
            record = results.read_json(path)
            if record["status"] != "ok":
                path.unlink()
                (run / "scores" / path.name).unlink(missing_ok=True)
                of_sets = results.key(record["method"], record["size"])
                (run / "sets" / f"{of_sets}.json").unlink(missing_ok=True)


def execute(run: Path, plan: Plan, context: Context, quiet: bool = False) -> None:
    """Do what of the run is not done yet, each result written as soon as it is there.

    Failures of a method or a metric become rows; only what concerns the whole run is raised.

    Raises:
        BenchError: another process works on the run, the disk refuses, or the device failed.
    """
    lock = FileLock(run / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise BenchError(
            f"another process works on {run}: wait for it, or start a new run"
        ) from None
    with lock:
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
