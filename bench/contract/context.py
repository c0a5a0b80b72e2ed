"""What a plugin is handed: the device, the arithmetic, photographs and encoders.

Torch is imported inside the methods, so that the contract can be read without it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypeVar

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from bench.contract.encoder import Encoder
    from bench.store import PictureStore

DType = Literal["float32", "tf32", "bfloat16", "float16"]
Module = TypeVar("Module", bound="nn.Module")


@dataclass(frozen=True)
class Precision:
    """The arithmetic of convolutions; losses and statistics stay in float32 whatever it says.

    TF32 is CUDA's: float32 whose factors are rounded to 10 bits after the point. float32 is the
    whole float32 there too, which torch's own default is not.
    """

    dtype: DType = "float32"
    channels_last: bool = False
    reason: str = "default"

    @property
    def label(self) -> str:
        """Short form for tables, e.g. `bfloat16/channels_last`."""
        return f"{self.dtype}/{'channels_last' if self.channels_last else 'contiguous'}"

    def autocast(self, device: torch.device) -> AbstractContextManager[object]:
        """Autocast to the dtype on the device; nothing for float32, CUDA's switch for TF32."""
        if self.dtype == "tf32" and device.type == "cuda":
            return _tf32()
        if self.dtype in ("float32", "tf32"):
            return contextlib.nullcontext()
        import torch

        return torch.autocast(device.type, getattr(torch, self.dtype))

    @property
    def learning(self) -> Precision:
        """The same for what has gradients, which in float16 would be rounded to nought."""
        return replace(self, dtype="bfloat16") if self.dtype == "float16" else self

    def layout(self, picture: Tensor) -> Tensor:
        """The tensor in this precision's memory format."""
        return picture.contiguous(memory_format=self.memory_format)

    @property
    def memory_format(self) -> torch.memory_format:
        """The format that modules and pictures are held in."""
        import torch

        return torch.channels_last if self.channels_last else torch.contiguous_format


@contextlib.contextmanager
def _tf32() -> Iterator[None]:
    from torch.backends import cudnn

    before = cudnn.conv.fp32_precision  # type: ignore[attr-defined]
    cudnn.conv.fp32_precision = "tf32"  # type: ignore[attr-defined]
    try:
        yield
    finally:
        cudnn.conv.fp32_precision = before  # type: ignore[attr-defined]


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

    def autocast(self, learning: bool = False) -> AbstractContextManager[object]:
        """The precision's autocast for this device; `learning`: for what has gradients."""
        precision = self.precision.learning if learning else self.precision
        return precision.autocast(self.device)

    def encoder(self, name: str) -> nn.Module:
        """The named encoder, frozen, in eval mode and on the device.

        Raises:
            BenchError: no such encoder, or its weights cannot be had.
        """
        import torch

        if name not in self._encoders:
            with torch.random.fork_rng(devices=[]):  # modules draw their weights when made
                network = self.find_encoder(name).build().eval().requires_grad_(False)
            self._encoders[name] = self.place(network)
        return self._encoders[name]
