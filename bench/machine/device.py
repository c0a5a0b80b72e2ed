"""Which device and which arithmetic: as asked for, or measured to be the fastest."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.contract import Precision
from bench.contract.context import DType
from bench.errors import BenchError, unknown
from bench.layers import reflected, upsampled_conv
from bench.machine.clock import timed

CANDIDATES = (
    Precision("float32", False),
    Precision("float32", True),
    Precision("bfloat16", True),
)


def choose_device(name: str) -> torch.device:
    """`auto`, `cpu`, `cuda`, `cuda:1`, `mps`, `xpu` … to a device that is there.

    Raises:
        BenchError: the device is unknown or absent.
    """
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    if name == "auto":
        return accelerator if accelerator is not None else torch.device("cpu")
    usable = ["cpu"] if accelerator is None else ["cpu", accelerator.type]
    try:
        device = torch.device(name)
        if device.type not in usable:
            raise RuntimeError(f"there is {' and '.join(usable)}")
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        cause = str(error).splitlines()[0]
        raise BenchError(
            f"--device {name} cannot be used here ({cause}); try auto or cpu"
        ) from None
    return device


def choose_precision(name: str, device: torch.device) -> Precision:
    """`auto` (probe), `float32`, `bfloat16`, or a precision's label, to a precision.

    Raises:
        BenchError: it is none of these.
    """
    if name == "auto":
        return probe(device)
    dtype, _, layout = name.partition("/")
    if dtype not in get_args(DType) or layout not in ("", "contiguous", "channels_last"):
        raise unknown("precision", name, ("auto", *get_args(DType)))
    half = dtype == "bfloat16"
    last = layout == "channels_last" or (half and not layout)
    return Precision("bfloat16" if half else "float32", last, "asked for")


@functools.cache
def probe(device: torch.device) -> Precision:
    """The fastest candidate on this device, by the `workload`.

    On a CPU by one thread: several wait for each other where others compute too. Another than plain
    float32 must be a tenth faster, lest noise decide. Takes about a second.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    calls = {candidate: workload(device, candidate) for candidate in CANDIDATES}
    seconds = dict.fromkeys(CANDIDATES, float("inf"))
    for _ in range(3):  # in turn, so that a slow moment hits all alike
        for candidate, call in calls.items():
            seconds[candidate] = min(seconds[candidate], timed(call, device)[1])
    torch.set_num_threads(threads)
    plain = CANDIDATES[0]
    best = min(CANDIDATES, key=lambda candidate: seconds[candidate])
    chosen = best if seconds[best] < 0.9 * seconds[plain] else plain
    measured = ", ".join(f"{c.label} {1e3 * s:.1f} ms" for c, s in seconds.items())
    return Precision(chosen.dtype, chosen.channels_last, f"probe: {measured}")


def workload(device: torch.device, precision: Precision) -> Callable[[], None]:
    """What style transfer asks of a machine: a picture through a small network, a step of training.

    The picture has 128 pixels, the step a picture of 96. Some processors have fast bfloat16 in one
    direction only.
    """
    with torch.random.fork_rng(devices=[]):
        network = _ProbeNetwork().to(device).to(memory_format=precision.memory_format)
        picture, crop = (
            precision.layout(torch.rand(1, 3, side, side, device=device)) for side in (128, 96)
        )

    def call() -> None:
        with torch.inference_mode(), precision.autocast(device):
            network(picture)
        with precision.autocast(device):
            loss = network(crop).float().square().mean()
        torch.autograd.grad(loss, list(network.parameters()))

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
