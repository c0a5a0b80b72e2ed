"""Batches: what is timed at each size, and that one without room is a row."""

import pytest
import torch

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
    assert (one.seconds, four.seconds) == (pytest.approx(1.5e-3), pytest.approx(3e-3))
    assert four.per_second == pytest.approx(4 / 3e-3)
    assert (one.allocated_bytes, four.allocated_bytes, four.reserved_bytes) == (100, 400, 800)
    assert one.joules == pytest.approx(3.0)
    assert four.joules == pytest.approx(3.0)  # a picture, warm-up counted on both sides
    assert one.outside_device is None


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


def test_events_against_the_wall(monkeypatch):
    (speed,) = speeds(Machine(monkeypatch), [2])
    speed.samples.device_seconds = [1.5e-3] * 4
    assert speed.outside_device == pytest.approx(0.25)
