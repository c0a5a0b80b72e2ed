"""Batches: what is timed at each size, and that one without room is a row."""

import json
from pathlib import Path
from statistics import median

import pytest
import torch

from bench import report, results
from bench.cli import main
from bench.machine import gpu
from bench.run.batches import batch_speeds
from bench.run.sampling import SamplingRule

RULE = SamplingRule(
    min_samples=4, min_seconds=0.0, max_samples=4, slice_seconds=0.0, window_calls=1,
    window_seconds=0.0, warmup_seconds=1e9,
)  # fmt: skip
META = torch.device("meta")


class Machine:
    """A clock, an allocator and an energy counter: a batch takes 1 ms and half of one a picture."""

    def __init__(self, monkeypatch, room=1e9):
        self.now, self.peak, self.taken, self.room = 0.0, 0, 0.0, room
        for name, function in {
            "synchronize": lambda device: None,
            "empty_cache": lambda: None,
            "reset_peak_memory_stats": lambda device: setattr(self, "peak", 0),
            "max_memory_allocated": lambda device: self.peak,
            "max_memory_reserved": lambda device: 2 * self.peak,
        }.items():
            monkeypatch.setattr(torch.accelerator, name, function)

    def clock(self):
        return self.now

    def joules(self):
        return self.taken

    def megahertz(self):
        return 1980.0

    def memory_used(self):
        return 3 * self.peak

    def prepare(self, batch):
        if batch > 2 * self.room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate the pictures")

        def call():
            if batch > self.room:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB\nmore")
            self.now += 1e-3 + 0.5e-3 * batch
            self.peak = max(self.peak, 100 * batch)
            self.taken += 3.0 * batch

        return call


def speeds(machine, batches, device=META):
    return list(batch_speeds(machine.prepare, batches, device, RULE, machine, machine.clock))


def test_speed_memory_and_energy_of_each_size(monkeypatch):
    one, four = speeds(Machine(monkeypatch), [1, 4])
    assert median(one.core.samples) == pytest.approx(1.5e-3)
    assert median(four.core.samples) == pytest.approx(3e-3)
    assert (one.allocated_bytes, four.allocated_bytes, four.reserved_bytes) == (100, 400, 800)
    assert four.device_bytes == 1200
    assert one.joules == pytest.approx(3.0)
    assert four.joules == pytest.approx(3.0)  # a picture, warm-up counted on both sides
    assert one.core.device_samples is None
    assert (one.core.warmup_stable, set(one.core.warmup_megahertz)) == (True, {1980.0})


def test_a_size_without_room_is_a_row_and_the_next_one_is_tried(monkeypatch):
    machine = Machine(monkeypatch, room=4)
    timed = speeds(machine, [4, 8, 16, 2])
    assert [speed.batch for speed in timed] == [4, 8, 16, 2]
    assert [speed.status for speed in timed] == ["ok", "oom", "oom", "ok"]
    assert timed[1].reason == "OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB"
    assert "the pictures" in timed[2].reason
    assert timed[3].allocated_bytes == 200  # not the peak of a larger size


def test_another_failure_is_an_error(monkeypatch):
    machine = Machine(monkeypatch)

    def prepare(batch):
        return lambda: 1 / 0

    (speed,) = batch_speeds(prepare, [1], META, RULE, None, machine.clock)
    assert speed.status == "error"
    assert "ZeroDivisionError" in speed.reason


def test_on_a_cpu_nobody_tells_of_memory_or_energy(monkeypatch):
    machine = Machine(monkeypatch)
    (speed,) = batch_speeds(machine.prepare, [2], torch.device("cpu"), RULE, None, machine.clock)
    assert (speed.allocated_bytes, speed.reserved_bytes, speed.joules) == (None, None, None)
    (speed,) = batch_speeds(
        machine.prepare, [2], torch.device("cpu"), RULE, gpu.Gpu(), machine.clock
    )
    assert speed.status == "ok"


PLUGIN = """
import os, torch
from pathlib import Path
from bench import Method, hookimpl

class Roomy(Method):
    name, family, citation = "roomy", "arbitrary", "none"
    def stylize(self, content):
        if len(content) > 2: raise torch.OutOfMemoryError("CUDA out of memory. Tried 2 GiB")
        return content.clone()

class Slow(Roomy):
    name = "slow"
    def stylize(self, content):
        yield content
        yield content.clone()

class Dies(Roomy):
    name = "dies"
    def stylize(self, content):
        if len(content) > 1 and not Path("mended").exists(): os._exit(7)
        return content.clone()

@hookimpl
def bench_methods(): return [Roomy, Slow, Dies]
"""


def run(*words):
    base = ["--profile", "smoke", "--dataset", "synthetic", "--quiet", "--device", "cpu"]
    more = ["--precision", "float32", "--threads", "1", "--metric", "ssim", "--plugin", "mine.py"]
    return main(["run", *base, *more, *words])


def batched(folder):
    found = [json.loads(path.read_text()) for path in sorted((folder / "batches").glob("*.json"))]
    return {record["method"]: record for record in found}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_PLUGINS", "0")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(PLUGIN)
    return tmp_path


def test_a_run_in_batches_shows_them_and_goes_on_where_it_was(here, capsys):
    assert run("--method", "roomy", "--method", "slow", "--batch", "4,1,2") == 0
    folder = results.latest(Path("runs"))
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 100
    table = shown.partition("Batches: ")[2].split("\n\n")[0].splitlines()
    roomy = [line.split() for line in table if line.startswith("roomy")]
    assert [line[-3] if line[-2] == "oom" else line[2] for line in roomy] == ["1", "2", "4"]
    assert roomy[2][-2:] == ["oom", "-"]
    assert any(line.startswith("slow [") and "skipped" in line for line in table)
    assert "] OutOfMemoryError: CUDA out of memory. Tried 2 GiB\n" in shown
    assert "] it stylizes one picture at a time\n" in shown
    record = batched(folder)["roomy"]
    assert [entry["status"] for entry in record["entries"]] == ["ok", "ok", "oom"]
    assert set(batched(folder)) == {"roomy", "slow"}  # nobody asks for the anchors' speed
    assert "--batch 1,2,4" in results.read_run(folder).command
    before = (folder / "batches/slow__64.json").stat().st_mtime_ns
    (folder / "batches/roomy__64.json").write_text("{}")  # damaged
    assert main(["run", "--resume", "--quiet", "--plugin", "mine.py"]) == 0
    assert batched(folder)["roomy"]["entries"][2]["status"] == "oom"
    assert (folder / "batches/slow__64.json").stat().st_mtime_ns == before


def test_long_data_have_a_row_for_each_batch(here):
    run("--method", "roomy", "--batch", "2,4")
    frames = results.load([results.latest(Path("runs"))])
    (entry,) = (e for e in batched(results.latest(Path("runs")))["roomy"]["entries"] if e["core"])
    ms = 1e3 * median(entry["core"]["samples"])
    rows = json.loads(report.render(frames, "json"))["rows"]
    of = {(r["measure"], r["batch"]): r for r in rows if r["method"] == "roomy"}
    assert of["batch_core", 2]["value"] == pytest.approx(ms, rel=0.2)  # by rounds, so near it
    assert of["pictures_per_second", 2]["value"] == pytest.approx(
        2e3 / of["batch_core", 2]["value"]
    )
    assert of["batch_core", 4]["value"] is None
    assert of["batch_core", 4]["status"] == "oom"
    assert ("batch_allocated", 2) not in of  # a CPU tells none


def test_a_method_that_ends_its_process_in_a_batch_is_a_row(here):
    assert run("--method", "dies", "--method", "roomy", "--batch", "2", "--isolate") == 0
    folder = results.latest(Path("runs"))
    records = batched(folder)
    assert records["dies"]["status"] == "error"
    assert records["dies"]["reason"] == "it ended its process, with status 7"
    assert records["roomy"]["entries"][0]["status"] == "ok"
    (here / "mended").touch()
    again = ["run", "--resume", "--retry-failed", "--quiet", "--plugin", "mine.py"]
    assert main(again) == 0
    assert batched(folder)["dies"]["entries"][0]["status"] == "ok"
