"""Device, precision and context."""

import pytest
import torch

from bench.contract import Context, Precision
from bench.contract.cuda_switches import switches
from bench.errors import BenchError
from bench.machine import device
from bench.machine.device import CANDIDATES, choose_device, choose_precision
from bench.store import collect

CPU = torch.device("cpu")


def test_an_absent_device_is_refused_in_one_line():
    with pytest.raises(BenchError, match="--device warp cannot be used here") as caught:
        choose_device("warp")
    assert "\n" not in str(caught.value)


def test_a_device_without_numbers_is_refused():
    with pytest.raises(BenchError, match="--device meta cannot be used here"):
        choose_device("meta")


def test_building_an_encoder_draws_nothing_from_the_global_generator():
    class Coder:
        def build(self):
            return torch.nn.Conv2d(3, 4, 1)

    context = Context(CPU, Precision(), collect([]), lambda name: Coder())
    state = torch.get_rng_state()
    context.encoder("any")
    assert torch.equal(torch.get_rng_state(), state)


def test_auto_is_the_accelerator_or_the_cpu(monkeypatch):
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda check_available: None)
    assert choose_device("auto") == CPU


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("float32", "float32/contiguous"),
        ("float32/channels_last", "float32/channels_last"),
        ("bfloat16", "bfloat16/channels_last"),
        ("bfloat16/channels_last", "bfloat16/channels_last"),
        ("float32/contiguous", "float32/contiguous"),
    ],
)
def test_precision_by_name_and_by_label(name, label):
    assert choose_precision(name, CPU).label == label


@pytest.mark.parametrize(
    ("seconds", "chosen"),
    [
        ((1.0, 0.8, 0.9), CANDIDATES[1]),
        ((1.0, 0.95, 0.5), CANDIDATES[2]),
        ((1.0, 0.95, 1.5), CANDIDATES[0]),  # too small a gain to tell from noise
    ],
)
def test_the_probe_takes_what_is_clearly_fastest(monkeypatch, seconds, chosen):
    turns, picture = iter(seconds * 3), torch.ones(1)
    monkeypatch.setattr(device, "timed", lambda call, _: (picture, next(turns)))
    device.probe.cache_clear()
    precision = device.probe(CPU)
    device.probe.cache_clear()
    assert (precision.dtype, precision.channels_last) == (chosen.dtype, chosen.channels_last)
    assert precision.reason.startswith(
        "probe: float32/contiguous 1000.0 ms, float32/channels_last "
    )
    assert precision.reason.endswith("ms (160 dB)")


def test_the_probe_leaves_out_what_fails_or_is_not_finite(monkeypatch):
    """Each for its reason, though it were the fastest."""
    networks = []

    def timed(call, _):
        networks.append(
            CANDIDATES[len(networks) % 3 if len(networks) < 3 else [0, 2][(len(networks) - 3) % 2]]
        )
        if networks[-1] == CANDIDATES[1]:
            raise RuntimeError("no kernel\nfor this layout")
        nan = networks[-1] == CANDIDATES[2]
        return torch.tensor([float("nan") if nan else 0.5]), 0.1 if nan else 1.0

    monkeypatch.setattr(device, "timed", timed)
    device.probe.cache_clear()
    chosen = device.probe(CPU)
    device.probe.cache_clear()
    assert chosen.label == "float32/contiguous"
    assert chosen.reason == (
        "probe: float32/contiguous 1000.0 ms, float32/channels_last no kernel, "
        "bfloat16/channels_last a picture that is not finite"
    )


def test_decibels_by_hand():
    half = torch.full((1, 3, 4, 4), 0.5)
    assert device.decibels(half + 0.1, half) == pytest.approx(20, abs=1e-4)
    assert device.decibels(half, half) == pytest.approx(160)


@pytest.mark.parametrize("name", ["tf32", "float16", "tf32/channels_last"])
def test_cudas_own_arithmetic_is_refused_elsewhere(name):
    with pytest.raises(BenchError, match=f"--precision {name} is for CUDA, not for cpu"):
        choose_precision(name, CPU)


CUDA = torch.device("cuda", 0)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("tf32", "tf32/contiguous"),
        ("tf32/channels_last", "tf32/channels_last"),
        ("float16", "float16/channels_last"),
    ],
)
def test_cudas_precisions(name, label):
    assert choose_precision(name, CUDA).label == label


def test_tf32_is_switched_on_around_a_phase_alone():
    """A flag of torch's that can be set without a device."""
    conv = torch.backends.cudnn.conv
    before = conv.fp32_precision
    with Precision("tf32").autocast(CUDA):
        assert conv.fp32_precision == "tf32"
    assert conv.fp32_precision == before
    with pytest.raises(ValueError, match="in it"), Precision("tf32").autocast(CUDA):
        raise ValueError("in it")
    assert conv.fp32_precision == before
    with Precision("tf32").autocast(CPU), Precision("float32").autocast(CUDA):
        assert conv.fp32_precision == before


@pytest.mark.parametrize("name", ["cuda", "auto"])
@pytest.mark.parametrize("after", ["cpu", "auto"])
def test_cudas_switches_are_turned_back_for_the_next_device(monkeypatch, name, after):
    """Whole float32 and the fastest algorithms are CUDA's own; they can be turned without one."""
    there = [CUDA, CUDA, None]
    before = switches()
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda **_: there.pop(0))
    monkeypatch.setattr(torch, "empty", lambda *_, **__: None)
    for _ in range(2):  # what was there before the first is what comes back
        assert choose_device(name).type == "cuda"
        assert switches() == ("ieee", "ieee", "ieee", True) != before
        assert torch.backends.cudnn.conv.fp32_precision == "ieee"
        assert not torch.backends.cudnn.allow_tf32  # what other libraries ask
    assert choose_device(after) == CPU
    assert switches() == before


def test_float16_is_not_for_gradients():
    assert Precision("float16", True).learning == Precision("bfloat16", True)
    assert Precision("tf32", True).learning == Precision("tf32", True)


def test_the_probe_is_by_one_thread(monkeypatch):
    """Several would wait for each other where other processes compute."""
    threads, before = [], torch.get_num_threads()
    monkeypatch.setattr(
        device, "timed", lambda call, _: (call(), threads.append(torch.get_num_threads()) or 1.0)
    )
    torch.set_num_threads(2)
    device.probe.cache_clear()
    try:
        assert device.probe(CPU).label == "float32/contiguous"
        assert set(threads) == {1}
        assert torch.get_num_threads() == 2
    finally:
        device.probe.cache_clear()
        torch.set_num_threads(before)


def test_layout_and_place_follow_the_precision():
    picture = torch.rand(2, 3, 4, 5)
    last = Precision("bfloat16", True)
    assert last.layout(picture).is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(last.layout(picture), picture)
    store = collect([])
    context = Context(CPU, last, store, lambda name: pytest.fail(name))
    placed = context.place(torch.nn.Conv2d(3, 8, 3))
    assert placed.weight.is_contiguous(memory_format=torch.channels_last)
    with context.autocast():
        assert placed(picture).dtype == torch.bfloat16
    with Precision().autocast(CPU):
        assert torch.nn.functional.conv2d(picture, picture).dtype == torch.float32


def test_an_encoder_is_built_once_frozen_and_in_eval_mode():
    built = []

    class Coder:
        def build(self):
            built.append(self)
            return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), torch.nn.Dropout())

    context = Context(CPU, Precision(), collect([]), lambda name: Coder())
    first = context.encoder("any")
    assert context.encoder("any") is first
    assert len(built) == 1
    assert not first.training
    assert not any(parameter.requires_grad for parameter in first.parameters())
