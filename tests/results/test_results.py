import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench import results
from bench.errors import BenchError
from bench.results.storage import LARGEST

HOSTILE = [
    "a/b", "a\\b", "..", ".", "", " ", "a b", "a-b", "a_b", "a__b", "A-b", "a-B", "~a", "a~b",
    "con", "con.txt", "nul", "naïve", "星空", "👩‍🎨", "x" * 300, "x" * 301, "a\nb", "a\0b", "-rf",
    ".hidden", "a:b", "a*b?", "\u202egnp", "\udcff", "a", "A", "b", "vangogh.jpg",
]  # fmt: skip


def test_keys_of_plain_names_are_the_names():
    assert results.key("metastyle", "starry_night.jpg", 256) == "metastyle__starry_night.jpg__256"


def test_keys_of_hostile_names_are_safe_unique_and_short():
    keys = [results.key(name) for name in HOSTILE]
    assert len({key.casefold() for key in keys}) == len(HOSTILE)
    for key in keys:
        assert re.fullmatch(r"[a-z0-9][a-z0-9._~-]*", key)
        assert len(key) <= 60
        assert not key.endswith(".")


def test_a_slug_keeps_a_hostile_name_readable():
    assert re.fullmatch(r"starry-night-final~[0-9a-f]{10}", results.key("../Starry Night (final)"))


def test_where_one_part_ends_matters():
    assert results.key("a__b", "c") != results.key("a", "b__c")
    assert results.key("a", "b") != results.key("a__b")


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "x.json"
    results.write_json(path, {"a": [1, None, "é\udcff"]})
    assert results.read_json(path) == {"a": [1, None, "é\udcff"]}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_cannot_say_is_refused_and_the_old_file_stays(tmp_path, value):
    path = tmp_path / "x.json"
    results.write_json(path, {"a": 1})
    with pytest.raises(ValueError, match=re.escape(str(path))):
        results.write_json(path, {"a": value})
    assert results.read_json(path) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_a_crash_before_the_replacement_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.json"
    results.write_json(path, {"a": 1})
    code = (
        "import os, sys; from pathlib import Path; from bench import results\n"
        "Path.replace = lambda *_: os._exit(9)\n"  # as kill -9 does: nothing is cleaned up
        "results.write_json(Path(sys.argv[1]), {'a': 2})"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == 9
    assert results.read_json(path) == {"a": 1}
    assert len(list(tmp_path.iterdir())) == 2  # the new content, never in the way of a reader


def test_a_failed_replacement_leaves_nothing_behind(tmp_path):
    folder = tmp_path / "x.json"
    folder.mkdir()
    (folder / "full").touch()
    with pytest.raises(BenchError, match=r"x\.json cannot be written \(Is a folder\)"):
        results.write_json(folder, {"a": 1})
    assert list(tmp_path.iterdir()) == [folder]


def test_reading_names_the_file_and_the_remedy(tmp_path):
    with pytest.raises(BenchError, match=r"none\.json cannot be read .*: check the path"):
        results.read_json(tmp_path / "none.json")
    path = tmp_path / "half.json"
    path.write_text('{"a": [1,\n')
    with pytest.raises(
        BenchError, match=r"half\.json is damaged .*: delete it .*--resume"
    ) as error:
        results.read_json(path)
    assert "\n" not in str(error.value)


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


def test_completed_names_whole_records_failures_among_them(fake_run):
    run = fake_run(methods=["fast"], styles=["a", "b", "c", "d"], adapt=dict.fromkeys("abcd", 1.0),
                   failed={("fast", "b"): ("oom", "too big")},
                   values={"gram/1@judge": {"fast": 1.0}}, metrics={"gram/1@judge": {
                       "axis": "style", "encoder": "judge", "judge": True}})  # fmt: skip
    whole = results.record_path(run, "cells", "fast", "a", 64)
    results.record_path(run, "cells", "fast", "c", 64).write_bytes(whole.read_bytes()[:100])
    results.record_path(run, "cells", "fast", "d", 64).write_text(f'{{"schema": {results.SCHEMA}}}')
    (run / "cells" / ".0123.tmp").write_bytes(whole.read_bytes())
    assert results.completed(run, "cells") == {"fast__a__64", "fast__b__64"}
    assert results.completed(run, "speed") == {"fast__64"}
    assert len(results.completed(run, "scores")) == 4


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


def test_a_file_larger_than_any_record_is_refused_unread(tmp_path):
    path = tmp_path / "run.json"
    with path.open("wb") as file:
        file.truncate(LARGEST + 1)  # a sparse file: no disk is used
    with pytest.raises(BenchError, match="bytes, at most"):
        results.read_json(path)


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
