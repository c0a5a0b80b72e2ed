import builtins
import sys

import pytest
import torch
from torch import nn

from bench.machine import footprint
from bench.machine.footprint import flops, parameters, peak_memory

CPU = torch.device("cpu")
MIB = 2**20


def test_flops_of_a_convolution_by_hand():
    conv = nn.Conv2d(3, 8, 3, padding=1)
    picture = torch.zeros(2, 3, 10, 12)
    # 2 pictures of 10 x 12 pixels, 8 channels, 3 * 3 * 3 multiply-adds each
    expected = 2 * (10 * 12) * 8 * 27 * 2
    assert flops(lambda: conv(picture)) == expected
    with torch.inference_mode():
        assert flops(lambda: conv(picture)) == expected


def test_flops_of_a_step_with_its_backward_pass():
    weight = torch.ones(4, 5, requires_grad=True)
    batch = torch.ones(3, 4)
    # forward (3,4)@(4,5); backward for the weight only: (4,3)@(3,5)
    assert flops(lambda: (batch @ weight).sum().backward()) == 2 * (3 * 4 * 5) * 2


def test_flops_of_one_step_of_a_generator():
    def phase():
        for _ in range(4):
            yield torch.ones(2, 3) @ torch.ones(3, 2)

    steps = phase()
    next(steps)
    assert flops(lambda: next(steps)) == 2 * 2 * 3 * 2


def test_flops_where_the_counter_fails_are_none(monkeypatch):
    def refuse(self):
        raise AssertionError("no")

    monkeypatch.setattr(footprint.FlopCounterMode, "__enter__", refuse)
    assert flops(lambda: None) is None


def test_a_fault_of_the_call_itself_is_raised():
    with pytest.raises(ZeroDivisionError):
        flops(lambda: 1 / 0)


def test_shared_parameters_count_once():
    one = nn.Linear(3, 4)  # 3 * 4 + 4
    other = nn.Linear(4, 3)
    other.weight = nn.Parameter(torch.zeros(3, 4))  # 12 + 3
    tied = nn.Linear(3, 4, bias=False)
    tied.weight = one.weight
    assert parameters([one, other, tied, one, nn.Sequential(one)]) == 16 + 15
    assert parameters([]) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is read from /proc")
def test_peak_of_an_allocation_that_is_gone_at_the_end():
    with peak_memory(CPU) as peak:
        torch.ones(64 * MIB // 4)
    assert peak.source == "VmHWM"
    assert peak.bytes == pytest.approx(64 * MIB, rel=0.1)


@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is read from /proc")
def test_peak_does_not_remember_an_earlier_one_nor_reused_heap():
    # small blocks, of which the last pins the heap: freed, they stay with the allocator
    blocks = [torch.ones(64 * 1024 // 4) for _ in range(1024)]
    pin = blocks[-1]
    del blocks
    with peak_memory(CPU) as peak:
        assert len([torch.ones(64 * 1024 // 4) for _ in range(512)]) == 512
    assert peak.bytes == pytest.approx(32 * MIB, rel=0.2)
    assert pin.sum() == 64 * 1024 // 4


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss in KiB")
def test_without_proc_the_record_says_that_it_is_a_lower_bound(monkeypatch, tmp_path):
    monkeypatch.setattr(footprint, "PROCESS", tmp_path / "none")
    with peak_memory(CPU) as peak:
        pass
    assert (peak.source, peak.bytes) == ("ru_maxrss", None)


def test_without_any_source_the_peak_is_unknown(monkeypatch, tmp_path):
    original = builtins.__import__

    def no_resource(name, *args, **kwargs):
        if name == "resource":
            raise ImportError(name)
        return original(name, *args, **kwargs)

    monkeypatch.setattr(footprint, "PROCESS", tmp_path / "none")
    monkeypatch.setattr(builtins, "__import__", no_resource)
    with peak_memory(CPU) as peak:
        pass
    assert (peak.source, peak.bytes) == ("unavailable", None)


def test_an_accelerators_peak_is_its_allocators(monkeypatch):
    device = torch.device("cuda")
    answers = iter([100, 100, 350])
    for name in ("synchronize", "reset_peak_memory_stats"):
        monkeypatch.setattr(torch.accelerator, name, lambda device: None)
    monkeypatch.setattr(torch.accelerator, "max_memory_allocated", lambda device: next(answers))
    with peak_memory(device) as peak:
        pass
    assert (peak.source, peak.bytes) == ("allocator", 250)


def test_an_accelerator_without_statistics_is_unknown(monkeypatch):
    def refuse(device):
        raise RuntimeError("not supported")

    monkeypatch.setattr(torch.accelerator, "synchronize", lambda device: None)
    monkeypatch.setattr(torch.accelerator, "reset_peak_memory_stats", refuse)
    with peak_memory(torch.device("mps")) as peak:
        pass
    assert (peak.source, peak.bytes) == ("unavailable", None)


@pytest.mark.gpu
def test_peak_on_cuda():
    with peak_memory(torch.device("cuda")) as peak:
        torch.ones(64 * MIB // 4, device="cuda")
    assert (peak.source, peak.bytes) == ("allocator", 64 * MIB)
