"""What `bench run` does on other machines, and what it forecasts: `--on` and `--plan`."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from bench.commands import _shared
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.run.blocks import Grid
    from bench.run.engines import Engine
    from bench.run.execution import Away
    from bench.run.forecast import Kind
    from bench.run.plan import Plan, Reopen

OPTIONS = ("on", "engine", "workers", "plan")
"""Of the command line, in no record: a run is the same wherever it is made."""


def add(parser: argparse.ArgumentParser) -> None:
    """Who does what may be done elsewhere, and what that will take."""
    add_engine(parser, "pictures are made and scored by many workers, speed is timed here")
    parser.add_argument(
        "--plan", action="store_true", help="only say what the run would take, by earlier runs"
    )


def add_engine(parser: argparse.ArgumentParser, what: str) -> None:
    """`--on`, `--engine` and `--workers`."""
    parser.add_argument("--on", metavar="ENGINE", help=f"local, dask or slurm: {what}")
    parser.add_argument(
        "--engine",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="with --on, e.g. address=tcp://10.0.0.1:8786 or partition=gpu; or a TOML file of such;"
        " repeatable",
    )
    parser.add_argument("--workers", type=_shared.count, metavar="N", help="how many (2)")


def engine(args: argparse.Namespace) -> Engine | None:
    """The engine that `--on` names."""
    if args.on is None:
        if args.engine or (args.workers and not getattr(args, "plan", False)):
            raise BenchError("--engine and --workers go with --on: name local, dask or slurm")
        return None
    from bench.run import engines

    workers = [f"workers={args.workers}"] if args.workers else []
    return engines.engine(args.on, [*args.engine, *workers])


def away(run: Path, engine: Engine | None, reopen: Reopen) -> Away | None:
    """Who does what of a run may be done elsewhere: nobody without an engine."""
    from bench.run.worker import Worker

    return None if engine is None else (Worker.of(run, reopen), engine)


def forecast_of_plan(plan: Plan, runs: Path, workers: int | None) -> str:
    """What a run that has not begun would take."""
    from bench import results
    from bench.run.blocks import Grid
    from bench.run.forecast import kind_of

    grid = Grid(
        sizes=plan.sizes,
        styles=[style.name for style in plan.styles],
        methods=list(plan.methods),
        contents=len(plan.contents),
        by_time=results.by_time(plan.observe, plan.adapt_seconds),
    )
    kinds = {n: kind_of(c.cls.name, asdict(c.options)) for n, c in plan.methods.items()}
    return _text(grid, kinds, runs, workers)


def forecast_of_run(run: Path, runs: Path, workers: int | None) -> str:
    """What is left of a run."""
    from bench import results
    from bench.run.blocks import Grid
    from bench.run.forecast import kind_of

    record = results.read_run(run)
    kinds = {name: kind_of(m.method, m.options) for name, m in record.methods.items()}
    return _text(Grid.of(record), kinds, runs, workers, results.completed(run, "scores"))


def _text(
    grid: Grid,
    kinds: Mapping[str, Kind],
    runs: Path,
    workers: int | None,
    scored: Collection[str] = (),
) -> str:
    from bench import results
    from bench.run import forecast
    from bench.run.blocks import moving

    blocks = moving(grid, scored, workers or 1)
    expected = forecast.forecast(grid, kinds, forecast.measured(results.find_runs(runs)), blocks)
    left = sum(len(block.styles) for block in blocks)
    stay = len({results.key(n, style, size) for size, style, n in grid.staying} - {*scored})
    lines = [
        f"cells     {grid.cells:,}: {len(grid.methods)} methods × {len(grid.styles)} styles × "
        f"{len(grid.sizes)} sizes, {grid.cells * grid.contents:,} pictures; {left:,} cells left",
        f"together  {stay:,} cells left, and the speed of each size: on this machine",
        f"may move  making {left - stay:,} cells, scoring {left:,}: {len(blocks):,} blocks",
        f"disk      {expected.size_bytes / 1e9:.3g} GB",
        f"time      {_duration(expected.staying)} here, then by one worker "
        f"{_duration(sum(expected.moving))}; besides, sampling the speed",
    ]
    if workers:
        after = forecast.simulate(expected.moving, workers)
        lines.append(
            f"          by {workers:,} workers {_duration(after.seconds)}, at work for "
            f"{after.busy:.0%} of it: together {_duration(expected.staying + after.seconds)}"
        )
    if expected.unknown:
        lines.append(
            f"unknown   no run in {runs} says what these take with these options, and they count"
            f" nothing above: {', '.join(expected.unknown)}"
        )
    return "\n".join(lines)


def _duration(seconds: float) -> str:
    for unit, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.1f} s"
