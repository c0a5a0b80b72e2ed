"""Where and how things run: device, precision, and what a plugin is handed of both."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import torch
from torch import Tensor, nn

from bench.contract import Encoder
from bench.errors import BenchError
from bench.store import PictureStore
from bench.timing import timed

DType = Literal["float32", "bfloat16"]
Module = TypeVar("Module", bound=nn.Module)


@dataclass(frozen=True)
class Precision:
    """The arithmetic of convolutions; losses and statistics stay in float32 whatever it says."""

    dtype: DType = "float32"
    channels_last: bool = False
    reason: str = "default"

    @property
    def label(self) -> str:
        """Short form for tables, e.g. `bfloat16/channels_last`."""
        return f"{self.dtype}/{'channels_last' if self.channels_last else 'contiguous'}"

    def autocast(self, device: torch.device) -> AbstractContextManager[object]:
        """Autocast to the dtype on the device; nothing for float32."""
        if self.dtype == "float32":
            return contextlib.nullcontext()
        return torch.autocast(device.type, getattr(torch, self.dtype))

    def layout(self, picture: Tensor) -> Tensor:
        """The tensor in this precision's memory format."""
        return picture.contiguous(memory_format=self.memory_format)

    @property
    def memory_format(self) -> torch.memory_format:
        """The format that modules and pictures are held in."""
        return torch.channels_last if self.channels_last else torch.contiguous_format


CANDIDATES = (
    Precision("float32", False),
    Precision("float32", True),
    Precision("bfloat16", True),
)


@dataclass(frozen=True)
class Context:
    """What the runner hands to a plugin.

    Attributes:
        device: where tensors go.
        precision: chosen by the user or by `probe`.
        photographs: what a method may learn from while it adapts; never an evaluated content.
        find_encoder: encoder name to its description; `encoder` builds it and keeps it.
    """

    device: torch.device
    precision: Precision
    photographs: PictureStore
    find_encoder: Callable[[str], Encoder]
    _encoders: dict[str, nn.Module] = field(default_factory=dict, repr=False)

    def place(self, module: Module) -> Module:
        """The module on the device, in the precision's memory format."""
        module = module.to(self.device)
        return module.to(memory_format=self.precision.memory_format)

    def autocast(self) -> AbstractContextManager[object]:
        """The precision's autocast for this device."""
        return self.precision.autocast(self.device)

    def encoder(self, name: str) -> nn.Module:
        """The named encoder, frozen, in eval mode and on the device.

        Raises:
            BenchError: no such encoder, or its weights cannot be had.
        """
        if name not in self._encoders:
            with torch.random.fork_rng(devices=[]):  # modules draw their weights when made
                network = self.find_encoder(name).build().eval().requires_grad_(False)
            self._encoders[name] = self.place(network)
        return self._encoders[name]


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
