"""The two losses of which tables of arbitrary style transfer are made, as MicroAST scores them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from bench.contract import Context, Encoder, Metric
from bench.encoders import Vgg19Normalised
from bench.hooks import hookimpl

from ._features import Features

EPSILON = 1e-5
"""Added to a variance before its root."""

DEEP = ("relu4_1", "relu5_1")


def channel_statistics(features: Sequence[Tensor], encoder: Encoder) -> Sequence[Tensor]:
    """Means and deviations (2, C) of the channels at every tap; unbiased."""
    flat = [f[0].flatten(1) for f in features]
    return [torch.stack((f.mean(1), (f.var(1) + EPSILON).sqrt())) for f in flat]


def deep(features: Sequence[Tensor], encoder: Encoder) -> Sequence[Tensor]:
    """The features at `DEEP`."""
    taps = list(encoder.taps)
    return [features[taps.index(tap)] for tap in DEEP]


class StyleLoss(Metric):
    """Mean squared errors of channel means and of deviations, mean over relu1_1 to relu5_1.

    Huang and Belongie 2017 (AdaIN), eq. 13, divided by the five layers. Reference implementation:
    metrics/calc_cs_loss.py of EndyWon/MicroAST, which feeds blue, green, red to a network that
    wants red, green, blue (OpenCV's order, never turned): its numbers are of other colours, and
    these are not. Sums instead of means over layers, other sizes and JPEG copies are usual in
    tables: only numbers of one program compare. AdaIN-like methods train on it.
    """

    name = "style-loss"
    axis = "style"
    by_default = False
    encoder = Vgg19Normalised.name
    citation = "Huang, Belongie 2017, eq. 13; as in MicroAST (Wang et al. 2023)"

    def load(self, context: Context) -> None:
        """Load the encoder."""
        self._statistics = Features(context, self.encoder, channel_statistics)

    def score(self, stylized: Tensor, content: Tensor, style: Tensor) -> float:
        """The loss; the content plays no part."""
        pairs = zip(self._statistics.read(stylized), self._statistics.read(style), strict=True)
        errors = [2 * F.mse_loss(got, wanted) for got, wanted in pairs]  # of means, of deviations
        return torch.stack(errors).mean().item()


class ContentLoss(Metric):
    """Mean squared error of the features, mean over relu4_1 and relu5_1.

    Reference implementation: as of `StyleLoss`, with the same caution.
    """

    name = "content-loss"
    axis = "content"
    by_default = False
    encoder = Vgg19Normalised.name
    citation = "Huang, Belongie 2017, eq. 12; as in MicroAST (Wang et al. 2023)"

    def load(self, context: Context) -> None:
        """Load the encoder."""
        self._deep = Features(context, self.encoder, deep)

    def score(self, stylized: Tensor, content: Tensor, style: Tensor) -> float:
        """The loss; the style plays no part."""
        pairs = zip(self._deep.read(stylized), self._deep.read(content), strict=True)
        return torch.stack([F.mse_loss(got, wanted) for got, wanted in pairs]).mean().item()


@hookimpl
def bench_metrics() -> Sequence[Metric]:
    """Both, on the network that these methods are trained with."""
    return [StyleLoss(), ContentLoss()]
