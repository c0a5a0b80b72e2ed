"""What a check is given, and how it says what is wrong."""

from __future__ import annotations

import dataclasses
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar
from unittest import SkipTest

import torch
import torch.nn.functional as F
from torch import Tensor

from bench import paths, weights
from bench.contract import Context, Weights
from bench.errors import BenchError

T = TypeVar("T")

SIZE = (48, 48)
"""Height and width of the pictures: tiny, so that the whole suite takes seconds."""

TOLERANCE = 1e-3
"""A quarter of an 8-bit level: convolutions of a batch and of a single picture round apart."""


class Unseen(SkipTest):
    """A check that cannot be made on this machine; the message says where it can."""


@dataclass(frozen=True)
class Subject(ABC, Generic[T]):
    """A plugin under examination; a call makes it anew, loaded.

    Attributes:
        thing: the class (method, dataset) or object (metric, encoder) that the plugin gives.
        context: device, precision, photographs and encoders.
        given: its options as text or plain values, where it has any.
    """

    thing: Any
    context: Context
    given: Mapping[str, Any] = field(default_factory=dict)

    runs_networks: ClassVar[bool] = True

    @abstractmethod
    def __call__(self) -> T:
        """A fresh one, loaded."""

    @abstractmethod
    def exercise(self) -> Sequence[Tensor]:
        """Do with a fresh one all that a run does; gives the tensors that come of it, if any."""

    def weights(self) -> Sequence[tuple[Weights, Sequence[Path]]]:
        """The weights that it declares, each with the folders that they may lie in."""
        return ()

    @property
    def cls(self) -> type[Any]:
        """The plugin's class."""
        return self.thing if inspect.isclass(self.thing) else type(self.thing)

    def within(self, context: Context) -> Subject[T]:
        """The same in another context."""
        return dataclasses.replace(self, context=context)

    def files(self) -> set[Path]:
        """The files that it may read: its declared weights and the paths among its options."""
        found = {weights.find(needed, folders) for needed, folders in self.weights()}
        named = {paths.expanded(str(value)) for value in self.given.values()}
        return {path.resolve() for path in (found - {None}) | named if path is not None}


Check = Callable[[Any], None]


def require(condition: bool, message: str) -> None:
    """The one way in which a check fails."""
    if not condition:
        raise AssertionError(message)


def same(value: Tensor, wanted: Tensor, message: str, tolerance: float = TOLERANCE) -> None:
    """The two differ nowhere by more than the tolerance; NaN is another check's business."""
    alike = value.isnan() & wanted.isnan()
    difference = float((value - wanted).abs().masked_fill(alike, 0).max())
    require(difference <= tolerance, f"{message} (largest difference {difference:.3g})")


def describe_error(error: BaseException, cls: type[Any], always_where: bool = False) -> str:
    """What was raised, and the last line of the plugin's own code that it came through.

    Errors that are made to be read have no place, unless `always_where`.
    """
    lines = str(error).strip().splitlines()
    readable = isinstance(error, BenchError | AssertionError) and bool(lines)
    if readable and not always_where:
        return " ".join(lines)
    text = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    text = " ".join(lines) if readable else text
    own, trace, where = Path(inspect.getfile(cls)).resolve(), error.__traceback__, ""
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        if file.resolve() == own:
            where = f" ({file.name}:{trace.tb_lineno})"
        trace = trace.tb_next
    return text + where


def content(device: torch.device, size: tuple[int, int] = SIZE, seed: int = 0) -> Tensor:
    """Soft random blobs on a slope of brightness, (1, 3, H, W)."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 6, 6, generator=generator)
    blobs = F.interpolate(coarse, size, mode="bicubic").clamp(0, 1)
    return (0.7 * blobs + 0.3 * torch.linspace(0, 1, size[1])).to(device)


def style(device: torch.device, size: tuple[int, int] = SIZE, seed: int = 3) -> Tensor:
    """Blobs and stripes, (1, 3, H, W)."""
    blobs = content(torch.device("cpu"), size, seed)
    stripes = torch.arange(size[0]).view(1, 1, -1, 1) % 5 < 2
    return (blobs * 0.5 + stripes * 0.5).to(device)
