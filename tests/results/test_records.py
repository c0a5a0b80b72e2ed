"""Real runs of every earlier schema are still read.

Each folder of `runs` was made by `bench run` at the last commit with that schema, on one content
and two styles; the pictures are not kept, and of the samples of each scope the first four are.
"""

import json
from pathlib import Path
from statistics import mean, median

import pytest

from bench import report, results
from bench.cli import main

RUNS = Path(__file__).parent / "runs"
METHODS = ("identity", "style-copy", "gatys", "metastyle")


@pytest.fixture(params=range(1, results.SCHEMA))
def run(request):
    return RUNS / f"schema-{request.param}"


def stored(run, kind, method):
    """The records of a method as they stand in the files."""
    return [json.loads(path.read_text()) for path in (run / kind).glob(f"{method}__*.json")]


def test_every_record_is_read(run):
    assert f"schema-{results.read_json(run / 'run.json')['schema']}" == run.name
    frames = results.load([run])
    assert frames.warnings == []
    for kind, rows in (("cells", frames.cells), ("speed", frames.speeds)):
        assert len(rows) == len(list((run / kind).iterdir())) == len(results.completed(run, kind))
    (record,) = frames.records.values()
    assert {method.method for method in record.methods.values()} == set(METHODS)
    assert record.specification is None


def test_its_report_has_the_numbers_of_the_files(run):
    table = report.table(results.load([run])).set_index("method")
    assert list(table.index) == list(METHODS)
    for method in METHODS:
        row = table.loc[method]
        cells, (speed,) = stored(run, "cells", method), stored(run, "speed", method)
        assert row["pairs"] == sum(len(cell["contents"]) for cell in cells) == 2
        taken = {}
        for second, number in zip(
            speed["scopes"]["core"]["samples"], speed["scopes"]["core"]["rounds"], strict=True
        ):
            taken.setdefault(number, []).append(second)
        assert row["core_ms"] == pytest.approx(1e3 * median(map(median, taken.values())))
        if speed["iterative"]["adapt"]:
            seconds = [cell["adapt"]["seconds"] for cell in cells]
            assert row["adapt_s"] == pytest.approx(median(seconds))
        values = [
            entry["value"]
            for scores in stored(run, "scores", method)
            for entry in scores["scores"]
            if entry["metric"] == "gram/1@vgg16-bsds" and entry.get("step") is None
        ]
        assert row["gram/1@vgg16-bsds"] == pytest.approx(mean(values))


def test_it_is_not_resumed(run, capsys):
    assert main(["run", "--resume", str(run)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "older bench" in line
    assert "do it again" in line
