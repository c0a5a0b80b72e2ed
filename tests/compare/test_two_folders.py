"""`bench gate` of two folders, for real."""

import csv
import io

import pytest

from bench.cli import main


@pytest.mark.timeout(300)  # two processes import torch
def test_two_folders_for_real(folders, capsys):
    # a threshold above the effect spares the second pair of processes
    words = ["--method", "sleeper", "--max-seconds", "0.6", "--threshold", "90", "--size", "32"]
    assert main(["gate", *folders, *words, "--quiet", "--format", "csv"]) == 0
    out = capsys.readouterr().out
    assert "chatter" not in out
    (row,) = csv.DictReader(io.StringIO(out))
    assert (row["method"], row["scope"], row["size"]) == ("sleeper", "core", "32")
    assert float(row["ratio"]) == pytest.approx(1.3, abs=0.1)
    assert float(row["base"]) == pytest.approx(0.010, abs=0.002)
    assert "in 1 pair of processes; A/A noise" in row["notes"]
