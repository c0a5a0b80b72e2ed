"""A row of a report: what was timed, and what must be said about it."""

import csv
import io

import numpy as np
import pytest
from helpers.report import CORE, frames_of

from bench import results
from bench.report import render, table


@pytest.mark.parametrize(
    ("ended", "note"),
    [
        ({"a": 12, "b": 12}, "after 12 of the steps asked for"),
        ({"a": 12, "b": 17}, "after 14.5 (12–17) of the steps asked for"),
        ({"a": 12}, "after 12 of the steps asked for (1 of 2 styles)"),
    ],
)
def test_an_adaptation_that_the_limit_ended_is_said(fake_run, ended, note):
    frames = frames_of(fake_run(methods=["fast"], limit=0.2, ended=ended))
    assert f"\n[1] adaptation ended by the limit of 0.2 s {note}\n" in render(frames)
    assert table(frames)["adapt_ended"].tolist() == [len(ended)]


def test_a_warm_adaptation_goes_before_the_cells(fake_run):
    warm = [seconds / 10 for seconds in CORE]
    fast = table(frames_of(fake_run(methods=["fast"], warm_adapt=warm))).loc[0]
    assert np.allclose(
        fast[["adapt_s", "adapt_s_low", "adapt_s_high", "adapt_s_n"]].astype(float),
        [0.0012, 0.0010, 0.0014, 7],
    )


def test_intervals_are_over_rounds(fake_run):
    run = fake_run(methods=["fast"], core=CORE)
    path = results.record_path(run, "speed", "fast", 64)
    record = results.read_json(path)
    core = {**record["scopes"]["core"], "rounds": [0, 0, 0, 1, 1, 1, 1]}
    results.write_json(path, {**record, "scopes": {**record["scopes"], "core": core}})
    fast = table(frames_of(run)).loc[0]
    # medians of the rounds: 13 ms of 11, 13, 14 and 11 ms of 9, 10, 12, 15
    assert fast["core_ms"] == pytest.approx(12)
    assert np.isnan(fast["core_ms_low"])  # of two rounds


def test_a_batch_is_said(fake_run):
    text = render(frames_of(fake_run(methods=["fast"], batch=4)))
    assert "[1] timed in batches of 4 pictures; milliseconds are per batch" in text


@pytest.mark.parametrize(
    ("phase", "note"),
    [
        ("stylize", "stylizing iterates: core, pair and e2e from one timing per picture"),
        ("adapt", "adaptation iterates: pair is adapt plus core"),
    ],
)
def test_what_iterates_is_said(fake_run, phase, note):
    run = fake_run(methods=["fast"])
    path = results.record_path(run, "speed", "fast", 64)
    record = results.read_json(path)
    results.write_json(path, {**record, "iterative": {**record["iterative"], phase: True}})
    assert f"[1] {note}" in render(frames_of(run))


def test_share_of_the_peak(fake_run):
    rows = csv.DictReader(io.StringIO(render(frames_of(fake_run(core=CORE)), "csv")))
    values = {row["measure"]: float(row["value"]) for row in rows if row["method"] == "fast"}
    # 12.3 GFLOP a picture; the machine's convolution does 250 a second
    assert values["peak-share"] == pytest.approx(100 * 12.3 / (values["core"] / 1000) / 250)
