"""What must be said about rows: how they differ, what is rough, which weights."""

import numpy as np
import pytest
from helpers.report import frames_of, rows_of

from bench.report import render, table

COMMIT = "abcdef0123456789"


@pytest.mark.parametrize(
    ("first", "second", "notes"),
    [
        ({}, {"seed": 1}, ("seed 0", "seed 1")),
        ({}, {"limit": 0.2}, ("adaptation without a limit", "adaptation limited to 0.2 s")),
        ({}, {"version": "0.2.0"}, ("bench 0.1.0", "bench 0.2.0")),
        (
            {"environment": {"commit": COMMIT, "dirty": False}},
            {"environment": {"commit": COMMIT, "dirty": True}, "seed": 1},
            ("seed 0, bench 0.1.0 commit abcdef0", "seed 1, bench 0.1.0 commit abcdef0 dirty"),
        ),
    ],
)
def test_rows_that_would_look_alike_are_told_apart(fake_run, first, second, notes):
    runs = [fake_run(methods=["fast"], core=[0.005] * 3, **first),
            fake_run(methods=["fast"], **second)]  # fmt: skip
    frames = frames_of(*runs)
    assert np.allclose(table(frames)["core_ms"], [5, 12])
    text = render(frames)
    assert [row[0] for row in rows_of(text)] == ["fast ‡ [1]", "fast ‡ [2]"]
    assert f"\n[1] {notes[0]}\n[2] {notes[1]}\n" in text


def test_rows_that_differ_anyway_need_no_such_note(fake_run):
    here = fake_run(methods=["fast"])
    longer = fake_run(methods=["fast"], options={"steps": 20}, seed=1)
    text = render(frames_of(here, longer))
    assert [row[0] for row in rows_of(text)] == ["fast ‡", "fast ‡ [1]"]
    assert "seed" not in text


def test_quality_intervals_of_few_styles_or_contents_are_called_rough(fake_run):
    six = [f"{letter}{letter}" for letter in "abcdef"]
    values = {id_: {"fast": 0.5} for id_ in ("gram/1@judge", "lpips/1@judge", "gram/1@trainer")}
    many = {"methods": ["fast"], "values": values, "adapt": dict.fromkeys(six, 1.0)}
    rough = render(frames_of(fake_run(**many, styles=six, contents=["x"])))
    assert "\nintervals from 6 styles and 1 content are rough\n" in rough
    assert "rough" not in render(
        frames_of(fake_run(**many, styles=six, contents=six, dataset="d2"))
    )


def test_other_weights_behind_a_metric_are_said(fake_run):
    metrics = {"m/1": {"axis": "style", "encoder": "e", "judge": True, "weights": {"e.pth": "1"}}}
    other = {"m/1": {**metrics["m/1"], "weights": {"e.pth": "2"}}}
    values = {"m/1": {"fast": 0.5, "slow": 0.5}}
    first = fake_run(methods=["fast"], metrics=metrics, values=values)
    alike = fake_run(methods=["slow"], metrics=metrics, values=values)
    differs = fake_run(methods=["slow"], metrics=other, values=values)
    warning = "\nm/1: runs shown here computed it with different weights, do not compare them\n"
    assert warning not in render(frames_of(first, alike))
    assert warning in render(frames_of(first, differs))


def test_encoders_are_named_with_their_weights(fake_run):
    weights = {"e.pth": "0123456789abcdef"}
    metrics = {"m/1": {"axis": "style", "encoder": "e", "judge": True, "weights": weights}}
    frames = frames_of(fake_run(methods=["fast"], metrics=metrics, values={"m/1": {"fast": 0.5}}))
    assert "\nencoder e: e.pth (SHA-256 0123456789ab)\n" in render(frames)
