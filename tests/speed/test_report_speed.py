"""A report of many cells: quick enough, and in proportion to them."""

import os
import subprocess
import sys
import time

import pytest
from helpers.synthetic_run import synthetic_run

from bench import report, results

SECONDS = 3.0
"""Of the processor, for 10,000 cells."""

LARGE_SECONDS, LARGE_MEBIBYTES = 10.0, 400
"""Of the processor, and of memory, for 100,000 cells."""

SIZES = (64, 96, 128, 192, 256, 384, 512, 1024)
STYLES = 104
"""With twelve methods and a size, an eighth of 10,000 cells (to within 16)."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Number of sizes to a run with that many."""
    root = tmp_path_factory.mktemp("runs")
    return {
        count: synthetic_run(
            root / str(count), styles=STYLES, contents=3, sizes=SIZES[:count], observe=()
        )
        for count in (2, 8)
    }


def processor_seconds(run, rounds=3):
    taken = []
    for _ in range(rounds):
        start = time.process_time()
        report.render(results.load([run]))
        taken.append(time.process_time() - start)
    return min(taken)


@pytest.mark.timeout(600)
def test_report_of_ten_thousand_cells(benchmark, runs):
    assert len(list((runs[8] / "cells").iterdir())) == pytest.approx(10_000, abs=16)
    render = lambda: report.render(results.load([runs[8]]))  # noqa: E731
    benchmark.pedantic(render, rounds=2)
    seconds = processor_seconds(runs[8])
    benchmark.extra_info["processor_seconds"] = seconds
    assert seconds < SECONDS


@pytest.mark.timeout(600)
def test_the_reports_cost_grows_with_the_cells(runs):
    few, many = (processor_seconds(run) for run in runs.values())
    assert many < 4 * 1.25 * few


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="needs os.wait4")
@pytest.mark.timeout(900)
def test_report_of_a_hundred_thousand_cells(tmp_path):
    run = synthetic_run(tmp_path, styles=10 * STYLES, contents=3, sizes=SIZES, observe=())
    words = [sys.executable, "-m", "bench", "report", str(run), "-o", str(tmp_path / "table")]
    process = subprocess.Popen(words)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    assert usage.ru_utime + usage.ru_stime < LARGE_SECONDS
    assert usage.ru_maxrss / 1024 < LARGE_MEBIBYTES
