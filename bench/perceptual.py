"""The perceptual loss of feed-forward style transfer, with every term normalised."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bench.contract import Context
from bench.losses import gram, relative_error, style_error, tone_error, total_variation


@dataclass(frozen=True)
class Balance:
    """Weights of the loss's terms; each term is of order 1 before training."""

    content: float = 0.35
    style: float = 1.0
    tv: float = 0.05
    tone: float = 0.3


@dataclass(frozen=True)
class Terms:
    """The loss and its parts, each a scalar tensor: means over the batch."""

    total: Tensor
    content: Tensor
    style: Tensor
    tone: Tensor


@dataclass(frozen=True)
class PerceptualLoss:
    """Content, style and smoothness, after Johnson et al. 2016 (§3.2, eq. 2 to 5).

    The content error is divided by the content features' energy and each layer's Gram error by
    the style Gram's energy, which takes the place of the paper's hand-set weights; the tone term
    (`bench.losses.tone_error`) keeps tones from inverting, which deep content features allow.

    Attributes:
        encoder: pictures to features, in tap order.
        content_index: which tap content is compared at.
        balance: the terms' weights.
    """

    encoder: nn.Module
    content_index: int
    balance: Balance

    def style_target(self, style: Tensor) -> list[Tensor]:
        """Gram matrices (N, C, C), one per tap, of styles (N, 3, H, W)."""
        with torch.no_grad():
            return [gram(features) for features in self.encoder(style)]

    def content_target(self, content: Tensor) -> Tensor:
        """Features of contents at the content tap."""
        with torch.no_grad():
            features: Tensor = self.encoder(content)[self.content_index].float()
            return features

    def __call__(
        self, stylized: Tensor, content: Tensor, content_target: Tensor, grams: list[Tensor]
    ) -> Terms:
        """The loss of stylized pictures (N, 3, H, W); `grams` are of one style or of N."""
        features = self.encoder(stylized)
        content_term = relative_error(features[self.content_index], content_target).mean()
        style_term = style_error(features, grams).mean()
        tone = tone_error(stylized, content).mean()
        b = self.balance
        total = b.content * content_term + b.style * style_term + b.tone * tone
        if b.tv:
            total = total + b.tv * total_variation(stylized).mean()
        return Terms(total, content_term, style_term, tone)


def perceptual_loss(context: Context, encoder: str, balance: Balance) -> PerceptualLoss:
    """The loss on a named encoder.

    Raises:
        BenchError: no such encoder, or its weights cannot be had.
    """
    return PerceptualLoss(
        context.encoder(encoder), context.find_encoder(encoder).content_index, balance
    )
