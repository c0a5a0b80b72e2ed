"""Frames hold every number, and damage is a warning."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench import results
from bench.errors import BenchError


def test_a_newer_schema_is_one_line(fake_run):
    run = fake_run()
    path = results.record_path(run, "cells", "fast", "a", 64)
    results.write_json(path, {**results.read_json(path), "schema": 4})
    for read in (lambda: results.load([run]), lambda: results.completed(run, "cells")):
        with pytest.raises(BenchError, match=r"newer bench \(schema 4.*upgrade") as error:
            read()
        assert "\n" not in str(error.value)


def test_frames_hold_every_number(fake_run):
    run = fake_run(methods=["fast"], failed={("fast", "b"): ("oom", "too big")})
    frames = results.load([run])
    assert frames.warnings == []
    assert frames.records[run.name].methods["fast"].family == "arbitrary"
    assert frames.runs.loc[0, ["run", "environment", "dataset", "seed"]].tolist() == [
        run.name, "e1", "tiny", 0,
    ]  # fmt: skip
    first, second = frames.cells.to_dict("records")
    assert (first["style"], first["status"], first["adapt_seconds"]) == ("a", "ok", 2.0)
    assert (first["contents"], first["params_shared"], first["flops"]) == (
        ["x", "y"], 1_500_000, 12.3e9,
    )  # fmt: skip
    assert (second["style"], second["status"], second["reason"]) == ("b", "oom", "too big")
    assert second["adapt_seconds"] != second["adapt_seconds"]  # NaN
    core = frames.samples[frames.samples["scope"] == "core"]
    assert core["seconds"].tolist() == [0.013, 0.011, 0.012]
    assert core["round"].tolist() == [0, 1, 2]
    assert frames.speeds["status"].tolist() == ["ok"]
    judged = frames.scores[frames.scores["metric"] == "gram/1@judge"]
    assert judged[["style", "content", "value"]].to_numpy().tolist() == [
        ["a", "x", 0.1], ["a", "y", 0.3],
    ]  # fmt: skip


def test_damaged_files_are_warnings(fake_run):
    run = fake_run()
    results.record_path(run, "cells", "fast", "a", 64).write_text("{")
    speed = results.record_path(run, "speed", "fast", 64)
    record = results.read_json(speed)
    record["scopes"]["core"]["rounds"].pop()  # whole, but its parts do not fit together
    speed.write_text(json.dumps(record))
    score = results.record_path(run, "scores", "fast", "a", 64)
    score.write_text(score.read_text().replace('"value": 0.1', '"value": "many"'))
    frames = results.load([run])
    assert [Path(line.split(" is damaged")[0]).parent.name for line in frames.warnings] == [
        "cells", "speed", "scores",
    ]  # fmt: skip
    assert len(frames.cells) == 5
    assert set(frames.samples["method"]) == {"identity", "style-copy"}
    assert len(frames.scores) == 5 * 2 * 3


def test_what_cannot_be_read_is_a_warning_and_hangs_nothing(fake_run):
    run = fake_run()
    whole = len(results.load([run]).cells)
    os.mkfifo(run / "cells" / "pipe.json")
    (run / "cells" / "folder.json").mkdir()
    (run / "cells" / "gone.json").symlink_to("nowhere")
    (run / "cells" / "deep.json").write_text("[" * 200_000)
    frames = results.load([run])
    assert len(frames.cells) == whole
    assert [Path(line.split()[0]).name for line in frames.warnings] == [
        "deep.json", "folder.json", "gone.json", "pipe.json",
    ]  # fmt: skip
    assert len(results.completed(run, "cells")) == whole


def test_a_damaged_run_hurts_no_other(fake_run):
    good, bad, odd = fake_run(), fake_run(), fake_run()
    (bad / "run.json").write_text("")
    record = results.read_json(odd / "run.json")
    del record["environment"]["fingerprint"]
    results.write_json(odd / "run.json", record)
    frames = results.load([good, bad, odd, good])
    assert list(frames.records) == [good.name]
    assert [line.split(" is ")[1].split(" (")[0] for line in frames.warnings] == [
        "damaged", "damaged", f"another copy of run {good.name}: left out",
    ]  # fmt: skip
    with pytest.raises(BenchError, match="damaged"):
        results.load([bad])
    with pytest.raises(BenchError, match="no run to read"):
        results.load([])


def test_ten_thousand_cells_load_quickly(fake_run):
    run = fake_run(methods=["fast"])
    cell = results.read_json(results.record_path(run, "cells", "fast", "a", 64))
    for number in range(10_000):
        text = json.dumps({**cell, "style": f"s{number}"})
        results.record_path(run, "cells", "fast", f"s{number}", 64).write_text(text)
    start = time.process_time()
    frames = results.load([run])
    assert time.process_time() - start < 3
    assert len(frames.cells) == 10_002


def test_neither_results_nor_report_imports_torch(fake_run):
    run = fake_run()
    code = (
        "import sys; from pathlib import Path; from bench import report, results\n"
        "assert 'pandas' not in sys.modules\n"
        "report.render(results.load([Path(sys.argv[1])]))\n"
        "assert 'torch' not in sys.modules and 'scipy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(run)], check=True)
