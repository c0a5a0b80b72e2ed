"""Runs of one specification put together: the rule for duplicates, and what is refused."""

import csv
import io
import re
from dataclasses import replace

import pytest
from helpers.made_run import make_run
from PIL import Image

from bench import results
from bench.cli import main
from bench.errors import BenchError
from bench.results import CellRecord, ScoreRecord, SpeedRecord, merging
from bench.results.merging import merge

FAST = {"device_name": "A fast card", "fingerprint": "f4st"}


@pytest.fixture
def one_of(tmp_path, monkeypatch):
    """A function that writes a run with its pictures, in a folder of its own."""
    monkeypatch.setattr("os.fsync", lambda _: None)

    def make(name, color, **changes):
        run = make_run(tmp_path / name, **changes)
        for picture in ("x", "y"):
            (run / "images").mkdir(exist_ok=True)
            Image.new("RGB", (4, 4), color).save(run / "images" / f"{picture}.png")
        (run / "inputs" / "64").mkdir(parents=True)
        return run

    return make


def cells(run):
    return {cell.place: cell for cell in results.whole(run, CellRecord)}


def test_of_a_cell_the_first_that_is_ok_is_taken(one_of, tmp_path):
    crashed = {("fast", "a"): ("error", "no"), ("fast", "b"): ("error", "first")}
    one = one_of("one", "red", failed=crashed, missing=[("identity", "a")])
    failed = {("fast", "b"): ("error", "second")}
    other = one_of("other", "blue", environment=FAST, failed=failed)
    merged = merge([one, other], tmp_path / "both")
    found, id_ = cells(tmp_path / "both"), results.read_run(other).id
    assert len(found) == 6
    assert merged.missing == 0
    assert merged.cells == {results.read_run(one).id: 4, id_: 2}
    from_other = {place for place, cell in found.items() if cell.worker is not None}
    assert from_other == {("fast", "a", 64), ("identity", "a", 64)}
    worker = found["fast", "a", 64].worker
    assert (worker.run, worker.environment, worker.host) == (id_, "f4st", "A fast card")
    assert found["fast", "b", 64].reason == "first"
    scores = {s.place: s for s in results.whole(tmp_path / "both", ScoreRecord)}
    assert scores.keys() == found.keys()
    assert scores["fast", "a", 64].scores
    assert scores["fast", "a", 64].worker.run == id_


def test_times_of_another_machine_are_left_out_and_named(one_of, tmp_path, capsys):
    one = one_of("one", "red", missing=[("fast", "a")])
    other = one_of("other", "blue", environment=FAST, core=[9.0] * 3)
    assert main(["merge", str(one), str(other), "-o", str(tmp_path / "both")]) == 0
    assert "64 px: the times of" in capsys.readouterr().err
    speeds = {s.method: s for s in results.whole(tmp_path / "both", SpeedRecord)}
    assert speeds["fast"].scopes["core"].samples == [0.013, 0.011, 0.012]
    frame = results.load([tmp_path / "both"]).cells.set_index(["method", "style"])
    assert frame["adapt_seconds"].isna().to_dict() == {
        place: place == ("fast", "a") for place in frame.index
    }


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"dataset": "d2"}, "the pictures"),
        ({"options": {"steps": 3}}, "options of fast"),
        ({"source": "s2"}, "source of fast"),
        ({"seed": 1}, "seed"),
        ({"environment": {"torch": "1.0"}}, r"software \(torch\)"),
        ({"version": "9.9"}, "the version of bench"),
        ({"styles": ("a", "c"), "adapt": {"a": 1.0, "c": 1.0}}, "styles"),
        ({"methods": ("identity", "style-copy")}, r"the rows \(fast\)"),
    ],
)
def test_runs_of_another_specification_are_refused(changes, named, one_of, tmp_path):
    values = dict.fromkeys(("identity", "style-copy", "fast"), 0.1)
    flat = dict.fromkeys(("gram/1@judge", "lpips/1@judge", "gram/1@trainer"), values)
    one, other = one_of("one", "red"), one_of("other", "red", values=flat, **changes)
    with pytest.raises(BenchError, match=f"differ in .*{named}"):
        merge([one, other], tmp_path / "both")
    assert not (tmp_path / "both").exists()


@pytest.mark.parametrize("changes", [{"adapt_seconds": 1.0}, {"observe": [0, 4]}])
def test_where_time_decides_what_a_cell_holds_machines_do_not_mix(changes, one_of):
    runs = one_of("one", "red"), one_of("other", "red", environment=FAST)
    one, other = (results.read_run(run) for run in runs)
    assert list(merging.differences(one, other)) == []
    one, other = replace(one, **changes), replace(other, **changes)
    (difference,) = merging.differences(one, other)
    assert difference.startswith("the machine, where time decides")
    assert list(merging.differences(one, one)) == []


def test_other_software_is_taken_where_that_is_said(one_of, tmp_path):
    one, other = one_of("one", "red"), one_of("other", "red", environment={"torch": "1.0"})
    merge([one, other], tmp_path / "both", any_software=True)
    assert len(cells(tmp_path / "both")) == 6


def test_a_folder_that_is_there_and_a_run_named_twice_are_refused(one_of, tmp_path):
    one = one_of("one", "red")
    with pytest.raises(BenchError, match="is there: name a new folder"):
        merge([one], tmp_path)
    with pytest.raises(BenchError, match="name each run once"):
        merge([one, one], tmp_path / "both")


def test_a_picture_that_would_land_outside_is_not_copied(one_of, tmp_path):
    one = one_of("one", "red")
    path = results.record_path(one, "cells", "fast", "a", 64)
    values = results.read_json(path)
    values["contents"][0]["image"] = f"../{one.name}/images/x.png"
    results.write_json(path, values)
    with pytest.raises(BenchError, match="missing or outside"):
        merge([one], tmp_path / "both")
    assert not (tmp_path / "both").exists()


def test_a_report_by_environment_has_a_column_for_each_machine(one_of, capsys):
    one, other = one_of("one", "red"), one_of("other", "red", environment=FAST, core=[9.0] * 3)
    assert main(["report", str(one), str(other), "--by", "environment", "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    core = {r["environment"]: r for r in rows if (r["method"], r["time"]) == ("fast", "core")}
    assert float(core["f4st"]["value"]) == 9000
    assert "A fast card" in core["f4st"]["machine"]
    (here,) = (row for environment, row in core.items() if environment != "f4st")
    assert float(here["value"]) == 12
    assert main(["report", str(one), str(other), "--by", "environment"]) == 0
    out = capsys.readouterr().out
    assert "core, ms, by environment" in out
    assert "f4st: A fast card" in out


def test_a_method_with_other_options_is_a_line_of_its_own_on_another_machine(one_of, capsys):
    one = one_of("one", "red", options={"steps": 1})
    other = one_of("other", "red", options={"steps": 2}, environment=FAST)
    assert main(["report", str(one), str(other), "--by", "environment"]) == 0
    out = capsys.readouterr().out
    (core,) = (part for part in out.split("\n\n") if part.startswith("core, ms"))
    names = [line.split("  ")[0] for line in core.splitlines() if line.startswith("fast")]
    assert len(set(names)) == 2
    for name in names:
        (mark,) = re.findall(r"\[(\d+)\]", name)
        assert re.search(rf"^\[{mark}\] with steps=[12]$", out, re.MULTILINE)
