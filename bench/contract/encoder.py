"""What a feature network with named taps is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from bench.contract.weights import Weights

if TYPE_CHECKING:
    from torch import nn


class Encoder(ABC):
    """A feature network with named taps, for losses and for metrics.

    Attributes:
        taps: the taps' names, shallow to deep.
        content_tap: the tap at which content is compared.
        judge: whether quality is reported on it: by default no built-in method trains on it.
        min_size: the shortest side, in pixels, that every tap can take.
    """

    name: ClassVar[str]
    taps: ClassVar[Sequence[str]]
    content_tap: ClassVar[str]
    weights: ClassVar[Weights]
    judge: ClassVar[bool] = False
    min_size: ClassVar[int] = 32
    citation: ClassVar[str] = ""

    @property
    def content_index(self) -> int:
        """Where the content tap stands among the taps."""
        return list(self.taps).index(self.content_tap)

    def folders(self) -> Sequence[Path]:
        """Where its weights may lie, besides the shipped ones and the user's folder."""
        return ()

    @abstractmethod
    def build(self) -> nn.Module:
        """The loaded network: pictures (N, 3, H, W) in [0, 1] to a list of features in tap order.

        Raises:
            BenchError: its weights are not there, or not the ones declared.
        """
