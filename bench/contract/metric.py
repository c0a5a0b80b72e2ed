"""What a metric is: a number for one picture, or for a set of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

from bench.contract.weights import Weights

if TYPE_CHECKING:
    from torch import Tensor

    from bench.contract.context import Context
    from bench.contract.dataset import View


class Metric(ABC):
    """A number for one stylized picture.

    Attributes:
        name: the family's name, and `version`, bumped when its numbers change.
        axis: what it speaks about: style, content, or both.
        direction: whether "lower" or "higher" is better.
        training_loss_of: methods that are trained on this very number, or on one of its terms.
        weights: files that it needs besides its encoder's.
        min_size: the shortest side, in pixels, that it can take.
        by_default: whether a run that names no metrics computes it.
        caveat: what it was seen to get wrong; `bench study judges` finds out.
    """

    name: str
    version: int = 1
    unit: str = "1"
    axis: Literal["style", "content", "both"]
    direction: Literal["lower", "higher"] = "lower"
    encoder: str | None = None
    citation: str = ""
    training_loss_of: Sequence[str] = ()
    weights: Sequence[Weights] = ()
    min_size: int = 32
    by_default: bool = True
    caveat: str = ""

    @property
    def id(self) -> str:
        """Name, version and network: numbers with different ids never share a column."""
        return f"{self.name}/{self.version}" + (f"@{self.encoder}" if self.encoder else "")

    @property
    def encoders(self) -> Sequence[str]:
        """The feature networks that it reads; `encoder` is the one that its id names."""
        return [self.encoder] if self.encoder else []

    def load(self, context: Context) -> None:
        """Bring networks to the device.

        Raises:
            BenchError: it needs something that is not there; its rows become `skipped`.
        """

    @abstractmethod
    def score(self, stylized: Tensor, content: Tensor, style: Tensor) -> float:
        """The number for one picture; all three are (1, 3, H, W) in [0, 1]."""


class Triple(NamedTuple):
    """What a metric is given of one picture: each is (1, 3, H, W) in [0, 1]."""

    stylized: Tensor
    content: Tensor
    style: Tensor


class SetScore(NamedTuple):
    """A number for a set of pictures, and by name the numbers that it is made of."""

    value: float
    parts: Mapping[str, float] = MappingProxyType({})


class SetMetric(Metric):
    """A number for all the pictures that a method made at one size, not for one of them."""

    @abstractmethod
    def score_set(self, pictures: Iterable[Triple]) -> SetScore:
        """The number for the set, whose pictures come one by one, style by style.

        Raises:
            BenchError: the set is too small for it.
        """

    def score(self, stylized: Tensor, content: Tensor, style: Tensor) -> float:
        """The number for this one picture as a set."""
        return self.score_set([Triple(stylized, content, style)]).value


class Frame(NamedTuple):
    """What a metric of time is given of one frame of a clip.

    The stylized frame and the content's are (1, 3, H, W) in [0, 1]; `view` is where they lie in
    their scene, None where that is not known.
    """

    stylized: Tensor
    content: Tensor
    view: View | None


class TemporalMetric(Metric):
    """A number for a frame of a stylized clip and one before it.

    Computed where a dataset's contents are frames of a clip (`bench.contract.Dataset.moves`).

    Attributes:
        distance: how many frames the one before is before.
    """

    distance: int = 1

    @abstractmethod
    def score_frames(self, now: Frame, before: Frame) -> float:
        """The number for two frames.

        Raises:
            BenchError: nothing is seen in both, or the motion between them is not known.
        """

    def score(self, stylized: Tensor, content: Tensor, style: Tensor) -> float:
        """The number for a clip in which nothing moves."""
        still = Frame(stylized, content, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0))
        return self.score_frames(still, still)
