"""Which device and which arithmetic: as asked for, or measured to be the fastest."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.contract import Precision
from bench.contract.context import DType
from bench.contract.cuda_switches import Switches, switches, turn
from bench.errors import BenchError, first_words, unknown
from bench.layers import reflected, upsampled_conv
from bench.machine.clock import CLEARLY_FASTER, timed

CANDIDATES = (
    Precision("float32", False),
    Precision("float32", True),
    Precision("bfloat16", True),
)
"""What `probe` chooses from."""
ON_CUDA = (
    *CANDIDATES[:2],
    Precision("tf32", False),
    Precision("tf32", True),
    *CANDIDATES[2:],
    Precision("float16", True),
)
"""And on CUDA."""


def choose_device(name: str) -> torch.device:
    """`auto`, `cpu`, `cuda`, `cuda:1`, `mps`, `xpu` … to a device that is there.

    Raises:
        BenchError: the device is unknown or absent.
    """
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    usable = ["cpu"] if accelerator is None else ["cpu", accelerator.type]
    if name == "auto":
        name = usable[-1]
    try:
        device = torch.device(name)
        if device.type not in usable:
            raise RuntimeError(f"there is {' and '.join(usable)}")
        torch.empty(1, device=device)
        _settle(device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        cause = first_words(str(error))
        raise BenchError(
            f"--device {name} cannot be used here ({cause}); try auto or cpu"
        ) from None
    return device


_without_cuda: Switches | None = None
"""Torch's switches as they were before `_settle` turned them."""


def _settle(device: torch.device) -> None:
    """On CUDA whole float32 where nothing else is asked for, and each shape's fastest convolution.

    Torch's own default is TF32 in convolutions and a guess at the algorithm. Another device that is
    chosen after it finds the switches, which are part of an environment, as if it were alone.
    """
    global _without_cuda
    if device.type == "cuda":
        _without_cuda = _without_cuda or switches()
        turn(Switches("ieee", "ieee", "ieee", benchmark=True))
    elif _without_cuda is not None:
        turn(_without_cuda)
        _without_cuda = None


def choose_precision(name: str, device: torch.device) -> Precision:
    """`auto` (probe), a dtype, or a precision's label, to a precision.

    A half-precision dtype alone is in channels_last.

    Raises:
        BenchError: it is none of these, or TF32 or float16 on another device than CUDA.
    """
    if name == "auto":
        return probe(device)
    dtype, _, layout = name.partition("/")
    known: DType | None = next((d for d in get_args(DType) if d == dtype), None)
    if known is None or layout not in ("", "contiguous", "channels_last"):
        raise unknown("precision", name, ("auto", *get_args(DType)))
    if known in ("tf32", "float16") and device.type != "cuda":
        raise BenchError(f"--precision {name} is for CUDA, not for {device}: take float32")
    last = layout == "channels_last" or (known in ("bfloat16", "float16") and not layout)
    return Precision(known, last, "asked for")


@functools.cache
def probe(device: torch.device) -> Precision:
    """The fastest candidate on this device, by the `workload`.

    On a CPU by one thread: several wait for each other where others compute too. Another than plain
    float32 must be a tenth faster, lest noise decide. How equal its picture is goes into the
    reason; what fails or gives a picture that is not finite is left out, with its reason. Takes
    about a second.
    """
    candidates = ON_CUDA if device.type == "cuda" else CANDIDATES
    seconds: dict[Precision, float] = {}
    pictures: dict[Precision, Tensor] = {}
    failed: dict[Precision, str] = {}
    calls = {candidate: workload(device, candidate) for candidate in candidates}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    for _ in range(3):  # in turn, so that a slow moment hits all alike
        for candidate, call in calls.items():
            if candidate in failed:
                continue
            try:
                pictures[candidate], taken = timed(call, device)
            except RuntimeError as error:
                failed[candidate] = first_words(str(error))
            else:
                seconds[candidate] = min(seconds.get(candidate, math.inf), taken)
    torch.set_num_threads(threads)
    for candidate in set(candidates) - set(failed):
        if not pictures[candidate].isfinite().all():
            failed[candidate] = "a picture that is not finite"
    plain = candidates[0]
    able = [candidate for candidate in candidates if candidate not in failed]
    best = min(able, key=lambda candidate: seconds[candidate], default=plain)
    chosen = best if plain in able and seconds[best] < CLEARLY_FASTER * seconds[plain] else plain
    parts = []
    for candidate in candidates:
        text = failed.get(candidate) or f"{1e3 * seconds[candidate]:.1f} ms"
        if candidate in able[1:] and plain in able:
            text += f" ({decibels(pictures[candidate], pictures[plain]):.0f} dB)"
        parts.append(f"{candidate.label} {text}")
    return Precision(chosen.dtype, chosen.channels_last, f"probe: {', '.join(parts)}")


def decibels(picture: Tensor, truth: Tensor) -> float:
    """PSNR of pictures in [0, 1]; at most 160."""
    error = (picture.double() - truth.double()).square().mean()
    return float(-10 * torch.log10(error.clamp_min(1e-16)))


def workload(device: torch.device, precision: Precision) -> Callable[[], Tensor]:
    """What style transfer asks of a machine: a picture through a small network, a step of training.

    The picture, which the call gives, has 128 pixels, the step's has 96. Some processors have fast
    bfloat16 in one direction only.
    """
    with torch.random.fork_rng(devices=[]):
        network = _ProbeNetwork().to(device).to(memory_format=precision.memory_format)
        picture, crop = (
            precision.layout(torch.rand(1, 3, side, side).to(device)) for side in (128, 96)
        )

    def call() -> Tensor:
        with torch.inference_mode(), precision.autocast(device):
            stylized = network(picture)
        with precision.learning.autocast(device):
            loss = network(crop).float().square().mean()
        torch.autograd.grad(loss, list(network.parameters()))
        return torch.sigmoid(stylized.float())

    return call


class _ProbeNetwork(nn.Module):
    """The convolutions of feed-forward style transfer, fewer of each."""

    def __init__(self) -> None:
        super().__init__()
        middle = (nn.Conv2d(128, 128, 3) for _ in range(2))
        self.down = nn.ModuleList(
            (nn.Conv2d(3, 32, 9), nn.Conv2d(32, 64, 3, 2), nn.Conv2d(64, 128, 3, 2), *middle)
        )
        self.up = nn.ModuleList((nn.Conv2d(128, 64, 3), nn.Conv2d(64, 32, 3)))
        self.out = nn.Conv2d(32, 3, 9)

    def forward(self, x: Tensor) -> Tensor:
        for conv in self.down:
            x = F.relu(conv(reflected(x, 4 if x.shape[1] == 3 else 1)))
        for conv in self.up:
            assert isinstance(conv, nn.Conv2d)
            x = F.relu(upsampled_conv(x, conv.weight, conv.bias))
        stylized: Tensor = self.out(reflected(x, 4))
        return stylized
