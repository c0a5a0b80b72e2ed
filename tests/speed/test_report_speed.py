"""A report of many cells: quick enough, and in proportion to them."""

import time

import pytest
from helpers.synthetic_run import synthetic_run

from bench import report, results

SECONDS = 3.0
"""Of the processor, for 10,000 cells."""

STYLES = 104
"""With twelve methods and a size, an eighth of 10,000 cells (to within 16)."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Number of sizes to a run with that many."""
    sizes = (64, 96, 128, 192, 256, 384, 512, 1024)
    root = tmp_path_factory.mktemp("runs")
    return {
        count: synthetic_run(
            root / str(count), styles=STYLES, contents=3, sizes=sizes[:count], observe=()
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
