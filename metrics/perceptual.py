"""The loss that feed-forward methods minimise while they adapt, on the pictures they make."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bench.contract import Context, Metric
from bench.hooks import hookimpl
from bench.losses import color_moments
from bench.perceptual import Balance, StyleTarget, perceptual_loss

from ._features import PERCEPTUALLY_TRAINED, Features, grams
from ._features import content as content_features


class TrainingLoss(Metric):
    """`bench.perceptual.PerceptualLoss` of one stylized picture, at the methods' own balance.

    Johnson's method and MetaStyle minimise this number on random crops of other photographs; here
    it is taken on whole contents that they have never seen, against the style at the picture's
    size. It tells how far an adaptation has come, not how good a picture is: a method that is
    trained on it is marked, and it never counts as a judge. 0 would be content, style and tones
    all met.
    """

    name = "perceptual"
    version = 4
    axis = "both"
    citation = "Johnson, Alahi, Fei-Fei 2016, eq. 5, every term normalised"

    def __init__(self, encoder: str, training_loss_of: Sequence[str] = ()) -> None:
        self.encoder = encoder
        self.training_loss_of = training_loss_of

    def load(self, context: Context) -> None:
        """Load the encoder."""
        self._content = Features(context, str(self.encoder), content_features)
        self._grams = Features(context, str(self.encoder), grams)
        self._loss = perceptual_loss(context, str(self.encoder), Balance())

    def score(self, stylized: Tensor, content: Tensor, style: Tensor) -> float:
        """The loss, in float32."""
        target, grams_wanted = self._content.read(content), list(self._grams.read(style))
        with torch.no_grad(), torch.autocast(stylized.device.type, enabled=False):
            wanted = StyleTarget(grams_wanted, color_moments(style))
            return self._loss(stylized, content, target, wanted).total.item()


@hookimpl
def bench_metrics() -> Sequence[Metric]:
    """On the built-in methods' training encoder."""
    return [TrainingLoss("vgg19-quarter", PERCEPTUALLY_TRAINED)]
