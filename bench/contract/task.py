"""What one method's training is; `bench.training` has the loop around it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from bench.options import NoOptions

if TYPE_CHECKING:
    from torch import Tensor

    from bench.contract.context import Context
    from bench.store import PictureStore


@dataclass(frozen=True)
class Recipe:
    """A training at the scale of the method's paper, for `bench train --recipe paper`.

    Attributes:
        options: of the training, those that are not its defaults.
        steps: how many; None where neither the paper nor its code tells.
        contents, styles: what the paper trains on.
        source: who tells the number of steps.
    """

    options: Mapping[str, Any]
    steps: int | None
    contents: str
    styles: str
    source: str


class Task(ABC):
    """What one method's training is; the loop around it is `bench.training.train`.

    Attributes:
        context: device, precision, encoders; `context.photographs` are the contents.
        styles: the training styles.
        options: an instance of `Options`.
    """

    Options: ClassVar[type[Any]] = NoOptions
    paper: ClassVar[Recipe | None] = None
    """The training as the method's paper has it."""

    def __init__(self, context: Context, styles: PictureStore, options: Any) -> None:
        self.context = context
        self.styles = styles
        self.options = options

    @abstractmethod
    def step(self, index: int) -> Mapping[str, float | Tensor]:
        """Do training step `index` and return what to log: numbers, or scalars of the device.

        Nothing in a step should wait for the device (`item`, `cpu`, `print`): it then computes one
        step while the host prepares the next. The loop reads what is logged every some steps.
        """

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Everything that resuming needs, as `torch.save` takes it (tensors and plain values)."""

    @abstractmethod
    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""

    @abstractmethod
    def export(self) -> dict[str, Tensor]:
        """The weights to ship."""

    def preview(self) -> Tensor | None:
        """Pictures (N, 3, H, W) in [0, 1] for the log."""
        return None
