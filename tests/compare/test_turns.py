"""Two processes take turns: on one core, until the ratio is known; one that fails says why."""

import os

import pytest

from bench.cli import main
from bench.compare import tasks, turns


def test_the_processes_share_a_core_and_fresh_ones_the_next(simulated, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5}, raising=False)
    monkeypatch.setattr(os, "sched_setaffinity", None, raising=False)
    simulated(slowdown=0.1)
    assert [process.core for process in turns.WorkerProcess.started] == [3, 3, 5, 5]


def test_measuring_ends_when_the_ratio_is_known_or_time_is_up(simulated):
    row = simulated()
    assert row.result.high - row.result.low <= 0.031
    assert row.rounds % 10 == 0
    sharp = simulated(rule=tasks.GateRule(min_seconds=0.0, precision=0.005, max_seconds=1e9))
    assert sharp.rounds > 2 * row.rounds
    hurried = simulated(rule=tasks.GateRule(max_seconds=0.0, min_seconds=0.0))
    assert hurried.rounds == hurried.launches


@pytest.mark.parametrize(
    ("does", "says"),
    [
        ('echo \'{"error": "BenchError: unknown method"}\'', "BenchError: unknown method"),
        ("echo no torch here >&2; exit 1", "it ended (no torch here)"),
    ],
)
def test_a_worker_that_fails_says_why(tmp_path, capsys, does, says):
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{does}\n")
    python.chmod(0o755)
    assert main(["gate", str(python), str(python), "--method", "metastyle", "--quiet"]) == 2
    err = capsys.readouterr().err
    assert f"{python} cannot be measured: {says}" in err
    assert err.count("\n") == 1
