"""The columns of a report: chosen by name, and how their numbers look."""

import re

import pytest
from helpers.report import CORE, frames_of, rows_of

from bench import results
from bench.errors import BenchError
from bench.report import render


def test_all_metrics_are_shown_when_asked_for(fake_run):
    frames = frames_of(fake_run())
    assert "trainer" not in render(frames)
    assert "trainer" in render(frames, all_metrics=True)


def test_versions_of_a_metric_are_told_apart(fake_run):
    metrics = {
        f"m/{version}": {"axis": "style", "encoder": None, "judge": True, "version": version}
        for version in (1, 2)
    }
    text = render(
        frames_of(fake_run(metrics=metrics, values={id_: {"fast": 0.5} for id_ in metrics}))
    )
    assert re.findall(r"m\S* ↓", text) == ["m/1 ↓", "m/2 ↓"]


def test_columns_are_chosen_by_name(fake_run):
    frames = frames_of(fake_run(core=CORE))
    text = render(frames, columns_=["e2e", "gram", "params"])
    assert rows_of(text)[2] == ["fast", "50.0", "0.400", "1.68"]
    with pytest.raises(BenchError, match="unknown column 'gran'; did you mean gram"):
        render(frames, columns_=["gran"])


def test_durations_too_short_to_matter_are_shown_as_such(fake_run):
    run = fake_run(adapt={"a": 2e-5, "b": 3e-5}, core=[4e-6] * 3)
    text = render(results.load([run]), "plain")
    line = next(line for line in text.splitlines() if line.startswith("fast"))
    assert "<0.001" in line
    assert "<0.01" in line
    assert "2.5e-05" in render(results.load([run]), "json")
