"""How far apart two pictures' statistics on an encoder's taps are."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from bench.contract import Context, Encoder, Metric
from bench.losses import relative_error

from ._features import Features


def style_distance(statistics: Sequence[Tensor], targets: Sequence[Tensor]) -> Tensor:
    """Mean over layers of the relative squared errors of Gram matrices, or of other statistics.

    Gatys et al. 2016, eq. 4 and 5, with each layer's error divided by the target's energy: 0 is
    equal, 1 is what a picture without any features has; it has no upper end. The mean, not the
    sum, so that encoders with more taps have no larger numbers. Per picture: (N,).
    """
    errors = [relative_error(s, t) for s, t in zip(statistics, targets, strict=True)]
    return torch.stack(errors).mean(0)


class TapsDistance(Metric):
    """`style_distance` between a statistic of the stylized picture and that of the style."""

    axis = "style"

    def __init__(
        self, encoder: str, training_loss_of: Sequence[str] = (), caveat: str = ""
    ) -> None:
        self.encoder = encoder
        self.training_loss_of = training_loss_of
        self.caveat = caveat

    @staticmethod
    @abstractmethod
    def statistic(features: Sequence[Tensor], encoder: Encoder) -> Sequence[Tensor]:
        """What is read off the features (1, C, H, W) at every tap."""

    def load(self, context: Context) -> None:
        """Load the encoder."""
        self._features = Features(context, str(self.encoder), type(self).statistic)

    def score(self, stylized: Tensor, content: Tensor, style: Tensor) -> float:
        """The distance; the content plays no part."""
        values, targets = (self._features.read(picture) for picture in (stylized, style))
        return style_distance(values, targets).item()
