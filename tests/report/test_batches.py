"""The table of batches: its columns are those that somebody tells, failures are rows."""

import json
import math

import pytest
from helpers.report import frames_of

from bench import report, results
from bench.report import rows


def timed(batch, seconds, **more):
    core = {"samples": [seconds] * 6, "rounds": list(range(6)), "warmup_calls": 1,
            "warmup_seconds": 0.1, "stopped": "samples"}  # fmt: skip
    core |= {"device_samples": more.pop("device_samples", None)}
    return {"batch": batch, "core": core, **more}


@pytest.fixture
def run(fake_run):
    return fake_run(["fast", "wild"])


def write(run, name, entries, **more):
    record = {"schema": results.SCHEMA, "method": name, "size": 64, "precision": "float32"}
    path = results.record_path(run, "batches", name, 64)
    results.write_json(path, {**record, "entries": entries, **more})


def batches(run, name):
    (group,) = rows.groups(frames_of(run))
    (row,) = (row for row in group.rows if row.method == name)
    return row.batches


def test_numbers_by_hand(run):
    write(run, "fast", [
        timed(4, 0.02, device_samples=[0.015] * 6, allocated_bytes=5_000_000, joules=0.25,
              reserved_bytes=7_000_000, device_bytes=9_000_000),
        timed(1, 0.01),
    ])  # fmt: skip
    one, four = batches(run, "fast")
    assert (one.pictures, one.call.value, one.per_second.value) == (1, 10.0, 100.0)
    assert four.per_second.value == pytest.approx(200.0)
    assert (four.allocated, four.reserved, four.device, four.joules) == (5.0, 7.0, 9.0, 0.25)
    assert four.outside == pytest.approx(25.0)
    assert math.isnan(one.outside)
    assert math.isnan(one.joules)


def table(run):
    text = report.render(frames_of(run), "plain")
    assert max(map(len, text.splitlines())) <= 100
    return text.partition("Batches: ")[2].split("\n\n")[0].splitlines()[2:]


def test_what_nobody_tells_has_no_column(run):
    write(run, "fast", [timed(1, 0.01)])
    head, second, _, line = table(run)
    assert (head.split(), second.split()) == (
        ["method", "size", "batch", "core", "pictures"], ["ms", "/s"],
    )  # fmt: skip
    assert line.split() == ["fast", "64", "1", "10.0", "100"]


def test_all_that_a_gpu_tells_fits(run):
    more = {"allocated_bytes": 45_678_901_234, "reserved_bytes": 56_789_012_345,
            "device_bytes": 67_890_123_456, "joules": 0.123456}  # fmt: skip
    write(run, "fast", [timed(256, 1.23456, device_samples=[1.2] * 6, **more)])
    write(run, "wild", [{"batch": 256, "status": "oom", "reason": "no room for 2 GiB"}])
    head, second, _, fast, wild = table(run)
    assert head.split()[-5:] == ["tensors", "torch", "GPU", "energy", "outside"]
    assert second.split() == ["ms", "/s", "MB", "MB", "MB", "J/picture", "events", "%"]
    assert fast.split()[3:] == ["1235", "207", "45679", "56789", "67890", "0.123", "2.80"]
    assert wild.split()[-9:] == ["64", "256", "oom", "-", "-", "-", "-", "-", "-"]


def test_a_method_that_failed_on_the_whole_is_a_row_with_its_reason(run):
    write(run, "wild", [], status="error", reason="its process was ended by SIGSEGV")
    *_, line = table(run)
    assert line.split()[-4:] == ["64", "-", "error", "-"]
    assert "its process was ended by SIGSEGV" in report.render(frames_of(run), "plain")


def test_no_table_without_batches_or_by_style(run):
    assert "Batches" not in report.render(frames_of(run), "plain")
    write(run, "fast", [timed(1, 0.01)])
    assert "Batches" not in report.render(frames_of(run), "plain", by="style")


def test_the_page_s_data_are_json_without_nan(run):
    write(run, "fast", [timed(2, 0.01)])
    rows_ = json.loads(report.render(frames_of(run), "json"))["rows"]
    of = {row["measure"]: row for row in rows_ if row["method"] == "fast" and row["batch"] == 2}
    assert set(of) == {"batch_core", "pictures_per_second"}
    assert of["pictures_per_second"]["value"] == 200.0
