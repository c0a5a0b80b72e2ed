"""What did not work is a row with its reason."""

from helpers.report import frames_of, rows_of

from bench import results
from bench.report import FORMATS, render, table

FAILURES = """\
environment e1: Abacus · 4 cores, 2 threads · float32/contiguous · torch 2.9.0 · Python 3.12.1 ·
    Linux
dataset tiny (d1)

Medians of times, means over 2 (1×2) style-content pairs at 64 px; 95 % bootstrap intervals below
method        adapt   core       gram ↓  lpips ↓
                  s     ms        judge    judge
                                  style  content
------------  -----  -----  -----------  -------
fast ‡ [1,2]  *2.00  error        0.200   *0.250
                            0.100–0.300
gone ‡ [3]      oom    oom            -        -
half ‡ [4]     4.00   12.0        - [5]   *0.250

* best of its column and size, among methods that did not fail the gate
‡ no passed quality gate (better than identity on every style judge and better than style-copy on
    every content judge that it is not trained on): gate not checked for fast 64, gone 64, half 64
[1] error for 1 of 2 styles (b): ValueError: bad luck
[2] timing error: no clock
[3] oom for 2 of 2 styles (a, b): out of memory
[4] missing for 1 of 2 styles (a): not run, finish with bench run --resume
[5] skipped for 2 of 2 pictures: no weights
intervals from 1 style and 2 contents are rough
skipped style torn.jpg: truncated
"""


def test_failures_are_rows_with_their_reason(fake_run):
    run = fake_run(
        methods=["fast", "gone", "half"],
        failed={
            ("fast", "b"): ("error", "ValueError:\n  bad luck"),
            ("gone", "a"): ("oom", "out of memory"),
            ("gone", "b"): ("oom", "out of memory"),
        },
        failed_speed={"fast": ("error", "no clock"), "gone": ("oom", "out of memory")},
        missing=[("half", "a")],
        unscored={("half", "gram/1@judge"): ("skipped", "no weights")},
        skipped=[{"role": "style", "name": "torn.jpg", "reason": "truncated"}],
    )
    frames = frames_of(run)
    assert render(frames) == FAILURES
    assert table(frames)["status"].tolist() == ["partial", "oom", "partial"]


def test_a_run_that_has_only_begun_is_shown(fake_run):
    run = fake_run(methods=["fast"], missing=[("fast", "a"), ("fast", "b")])
    results.record_path(run, "speed", "fast", 64).unlink()
    (row,) = rows_of(render(frames_of(run)))
    assert row[:3] == ["fast ‡ [1,2]", "missing", "missing"]


def test_damaged_files_are_told_in_every_format_but_data(fake_run):
    run = fake_run()
    results.record_path(run, "cells", "fast", "a", 64).write_text("")
    frames = frames_of(run)
    for format in set(FORMATS) - {"csv", "parquet"}:
        assert "is damaged" in render(frames, format)
    assert "1 of 2 styles (a): not run" in render(frames)
