"""Which device and which arithmetic: as asked for, or measured to be the fastest."""

from __future__ import annotations

import functools

import torch
from torch import nn

from bench.contract import Precision
from bench.errors import BenchError
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
    """`auto` (probe), `float32`, `bfloat16`, or a precision's label, to a precision."""
    if name == "auto":
        return probe(device)
    dtype, _, layout = name.partition("/")
    half = dtype == "bfloat16"
    last = layout == "channels_last" or (half and not layout)
    return Precision("bfloat16" if half else "float32", last, "asked for")


@functools.cache
def probe(device: torch.device) -> Precision:
    """The fastest candidate on this device, by a small transformation network at 256 pixels.

    Another than plain float32 must be a tenth faster, lest noise decide. Takes about a second.
    """
    network, picture = _probe_network().to(device), torch.zeros(1, 3, 256, 256, device=device)
    seconds = dict.fromkeys(CANDIDATES, float("inf"))
    for _ in range(4):  # in turn, so that a slow moment hits all alike
        for candidate in CANDIDATES:
            placed = network.to(memory_format=candidate.memory_format)
            given = candidate.layout(picture)
            with torch.inference_mode(), candidate.autocast(device):
                taken = timed(lambda net=placed, x=given: net(x), device)[1]  # type: ignore[misc]
            seconds[candidate] = min(seconds[candidate], taken)
    plain = CANDIDATES[0]
    best = min(CANDIDATES, key=lambda candidate: seconds[candidate])
    chosen = best if seconds[best] < 0.9 * seconds[plain] else plain
    measured = ", ".join(f"{c.label} {1e3 * s:.1f} ms" for c, s in seconds.items())
    return Precision(chosen.dtype, chosen.channels_last, f"probe: {measured}")


def _probe_network() -> nn.Module:
    """The kinds of layer that feed-forward style transfer is made of, fewer of each."""

    def layer(inputs: int, outputs: int, kernel: int, stride: int = 1) -> list[nn.Module]:
        half = kernel // 2
        conv = nn.Conv2d(inputs, outputs, kernel, stride, half, padding_mode="reflect")
        return [conv, nn.InstanceNorm2d(outputs, affine=True), nn.ReLU()]

    return nn.Sequential(
        *layer(3, 32, 9),
        *layer(32, 64, 3, 2),
        *layer(64, 128, 3, 2),
        *layer(128, 128, 3),
        *layer(128, 128, 3),
        nn.Upsample(scale_factor=2),
        *layer(128, 64, 3),
        nn.Upsample(scale_factor=2),
        *layer(64, 32, 3),
        *layer(32, 3, 9),
    )
