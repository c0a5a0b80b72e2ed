"""Run folders are found oldest first."""

import re

import pytest

from bench import results
from bench.errors import BenchError


def test_runs_are_found_oldest_first(fake_run, tmp_path):
    runs = [fake_run(methods=["fast"]) for _ in range(5)]
    (tmp_path / "runs" / "99999999-000000-0000").mkdir()  # not begun: it has no run.json
    assert results.find_runs(tmp_path / "runs") == runs
    assert results.latest(tmp_path / "runs") == runs[-1]
    assert re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{4}", runs[0].name)
    assert results.read_run(runs[0]).id == runs[0].name


def test_no_runs(tmp_path):
    assert results.find_runs(tmp_path / "none") == []
    with pytest.raises(BenchError, match=r"no run in .*: make one with bench run"):
        results.latest(tmp_path)


def test_a_file_in_the_runs_place_is_an_error(fake_run, tmp_path):
    (tmp_path / "runs").write_text("")
    with pytest.raises(BenchError, match="runs is a file: choose another folder"):
        fake_run()
