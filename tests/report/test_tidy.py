"""A report as long data."""

import csv
import io
import json
from collections import Counter

import pandas
import pytest
from helpers.report import CORE, frames_of

from bench.report import render


def test_csv_has_a_row_for_every_number(fake_run):
    frames = frames_of(fake_run(core=CORE))
    rows = list(csv.DictReader(io.StringIO(render(frames, "csv"))))
    # ten quantities of speed and cost, two judges
    assert Counter(row["method"] for row in rows) == dict.fromkeys(
        ("identity", "style-copy", "fast"), 12
    )
    core, gram = (
        next(r for r in rows if (r["method"], r["measure"]) == ("fast", measure))
        for measure in ("core", "gram/1@judge")
    )
    assert [float(core[name]) for name in ("value", "low", "high", "n")] == pytest.approx(
        [12, 10, 14, 7]
    )
    assert [core[name] for name in ("unit", "direction", "axis")] == ["ms", "lower", "core"]
    assert [float(gram[name]) for name in ("value", "low", "high", "n")] == pytest.approx(
        [0.4, 0.1, 0.7, 4]
    )


def test_json_holds_the_long_data_and_what_describes_it(fake_run):
    run = fake_run(failed={("fast", "b"): ("error", "why")})
    table = json.loads(render(frames_of(run), "json"))
    (group,) = table["groups"]
    assert group["environment"]["device_name"] == "Abacus"
    assert group["metrics"]["gram/1@judge"]["direction"] == "lower"
    adapt = next(r for r in table["rows"] if (r["method"], r["measure"]) == ("fast", "adapt"))
    assert adapt["value"] == 2
    assert adapt["low"] is None  # a single style has no interval
    assert adapt["reason"] == "error for 1 of 2 styles (b): why"


def test_parquet_is_the_same_data(fake_run):
    pytest.importorskip("pyarrow")
    frames = frames_of(fake_run())
    held = pandas.read_parquet(io.BytesIO(render(frames, "parquet")))
    written = pandas.read_csv(io.StringIO(render(frames, "csv")), keep_default_na=False)
    assert list(held) == list(written)
    assert held["value"].tolist() == written["value"].tolist()
