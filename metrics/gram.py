"""Style distance: how far apart two pictures' Gram matrices are."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bench.contract import Context, Metric
from bench.hooks import hookimpl
from bench.losses import relative_error

from ._features import COLOUR_FIRST, PERCEPTUALLY_TRAINED, Features, grams


def style_distance(statistics: Sequence[Tensor], targets: Sequence[Tensor]) -> Tensor:
    """Mean over layers of the relative squared errors of Gram matrices, or of other statistics.

    Gatys et al. 2016, eq. 4 and 5, with each layer's error divided by the target's energy: 0 is
    equal, 1 is what a picture without any features has; it has no upper end. The mean, not the
    sum, so that encoders with more taps have no larger numbers. Per picture: (N,).
    """
    errors = [relative_error(s, t) for s, t in zip(statistics, targets, strict=True)]
    return torch.stack(errors).mean(0)


class StyleDistance(Metric):
    """`style_distance` between the stylized picture and the style on an encoder's taps."""

    name = "gram"
    axis = "style"
    citation = "Gatys, Ecker, Bethge 2016, eq. 4-5, relative to the style"

    def __init__(
        self, encoder: str, training_loss_of: Sequence[str] = (), caveat: str = ""
    ) -> None:
        self.encoder = encoder
        self.caveat = caveat
        self.training_loss_of = training_loss_of

    def load(self, context: Context) -> None:
        """Load the encoder."""
        self._grams = Features(context, str(self.encoder), grams)

    def score(self, stylized: Tensor, content: Tensor, style: Tensor) -> float:
        """The distance; the content plays no part."""
        values = (self._grams.read(picture) for picture in (stylized, style))
        return style_distance(*values).item()


@hookimpl
def bench_metrics() -> Sequence[Metric]:
    """On the judge, on the papers' network and on the built-in methods' training encoder."""
    return [
        StyleDistance("vgg16-bsds", caveat=COLOUR_FIRST),
        StyleDistance("vgg16"),
        StyleDistance("vgg19-quarter", training_loss_of=PERCEPTUALLY_TRAINED),
        StyleDistance("efficientnet-lite0"),
    ]
