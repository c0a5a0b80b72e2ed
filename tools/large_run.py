"""What a run folder of many cells takes: to look what is left, to plan, and to report.

    python tools/large_run.py 10000 20000 40000 100000

Writes folders of so many cells with their scores, one content each, in turn, and prints processor
seconds for each thing, and the most memory that a process has had which did all of them.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import report, results
from bench.results import (
    AdaptRecord,
    CellRecord,
    ContentRecord,
    DatasetRecord,
    Environment,
    MethodRecord,
    MetricRecord,
    RunInfo,
    ScoreEntry,
    ScoreRecord,
)
from bench.run import blocks, distribution

METHODS = ("identity", "style-copy", "one", "two", "three", "four", "five", "six", "seven", "eight")
METHOD = MethodRecord(
    method="one",
    family="arbitrary",
    citation="",
    options={},
    defaults={},
    source_sha256="0",
    weights={},
    trains_on=[],
    autocast=True,
    plugin="",
)
METRIC = "gram/1@judge"


def main() -> None:
    """Measure each number of cells in a process of its own."""
    for text in sys.argv[1:]:
        with TemporaryDirectory() as folder:
            fork = multiprocessing.get_context("fork")
            process = fork.Process(target=measure, args=(Path(folder), int(text)))
            process.start()
            process.join()


def measure(folder: Path, cells: int) -> None:
    """Write a folder and do everything to it."""
    run = make(folder, cells)
    (results.record_path(run, "scores", "one", "s0", 64)).unlink()

    def plan() -> None:
        grid = blocks.Grid.of(results.read_run(run))
        assert sum(len(block.styles) for block in blocks.moving(grid)) == cells

    def left() -> None:
        assert len(distribution.remaining(run, 2)) == 1

    def table() -> None:
        report.render(results.load([run]), "plain")

    seconds = {name: taken(work) for name, work in (("plan", plan), ("left", left))}
    seconds["report"] = taken(table)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rounded = {name: round(value, 2) for name, value in seconds.items()}
    print(json.dumps({"cells": cells, "seconds": rounded, "peak MB": round(peak)}), flush=True)


def taken(work: Callable[[], None]) -> float:
    """Its processor seconds."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def make(folder: Path, cells: int) -> Path:
    """A run folder whose records are whole and whose pictures nobody looks at."""
    os.fsync = lambda _: None  # no power is cut here
    styles = [f"s{number}" for number in range(cells // len(METHODS))]
    metric = MetricRecord(
        name="gram",
        version=1,
        unit="1",
        axis="style",
        direction="lower",
        encoder="judge",
        judge=True,
        training_loss_of=[],
        weights={},
        citation="",
    )
    environment = {"fingerprint": "0", "precision": "float32/contiguous", "device_type": "cpu"}
    info = RunInfo(
        command="bench run",
        bench_version="0",
        profile="full",
        seed=0,
        adapt_seconds=None,
        observe=[],
        environment=Environment.of(environment),
        dataset=DatasetRecord(name="many", options={}, fingerprint="0", citation=""),
        sizes=[64],
        contents=["x"],
        styles=styles,
        methods=dict.fromkeys(METHODS, METHOD),
        metrics={METRIC: metric},
        skipped=[],
    )
    run = results.create(folder, info)
    adapt = AdaptRecord(seconds=1.0, steps=0, finished=True, curve=None)
    content = ContentRecord(content="x", image="images/x.png", seconds=0.1)
    entry = ScoreEntry(metric=METRIC, content="x", value=0.5, status="ok", reason="")
    for name in METHODS:
        for style in styles:
            cell = CellRecord(
                method=name,
                style=style,
                size=64,
                precision="float32/contiguous",
                adapt=adapt,
                contents=[content],
            )
            results.write_record(run, cell)
            scores = ScoreRecord(method=name, style=style, size=64, scores=[entry])
            results.write_record(run, scores)
    return run


if __name__ == "__main__":
    main()
