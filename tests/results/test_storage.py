"""A record is written whole or not at all, and read with limits."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench import results
from bench.errors import BenchError
from bench.results.storage import LARGEST


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


def test_a_record_is_read_alike_however_its_file_is_laid_out(fake_run):
    """The reader has a fast way for what bench writes."""
    path = results.storage.files(fake_run(), "cells")[0]
    record = results.read_record(path, results.CellRecord)
    values = results.read_json(path)
    schema = values.pop("schema")
    for text in (
        json.dumps({"schema": schema, **values}),
        json.dumps({**values, "schema": schema}),
        json.dumps({"schema": schema, **values, "unknown": "\ud800"}),  # no text, and nobody's
    ):
        Path(path).write_text(text)
        assert results.read_record(path, results.CellRecord) == record


@pytest.mark.parametrize("number", ["NaN", "1e999", "-1", '"1"', "[]"])
def test_what_is_out_of_bounds_is_named_whichever_way_it_is_read(fake_run, number):
    path = results.storage.files(fake_run(), "cells")[0]
    values = results.read_json(path)
    for order in (1, -1):
        items = {**values, "first_call": 12345}.items()
        text = json.dumps(dict(list(items)[::order])).replace("12345", number)
        Path(path).write_text(text)
        with pytest.raises(results.DamagedFileError, match=r"is damaged \((first_call|NaN|Out)"):
            results.read_record(path, results.CellRecord)


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


def test_a_file_larger_than_any_record_is_refused_unread(tmp_path):
    path = tmp_path / "run.json"
    with path.open("wb") as file:
        file.truncate(LARGEST + 1)  # a sparse file: no disk is used
    with pytest.raises(BenchError, match="bytes, at most"):
        results.read_json(path)
