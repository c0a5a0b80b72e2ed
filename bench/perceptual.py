"""The perceptual loss of feed-forward style transfer, with every term normalised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bench.contract import Context
from bench.losses import (
    color_error,
    color_moments,
    flatness_error,
    gram,
    lattice_error,
    relative_error,
    style_error,
    tone_error,
    total_variation,
)

WINDOW = 32
"""The least side, in pixels, that the loss is taken on: what the deepest taps can take."""


@dataclass(frozen=True)
class Balance:
    """Weights of the loss's terms; each term is of order 1 before training."""

    content: float = 2.0
    style: float = 1.0
    tv: float = 0.05
    tone: float = 0.3
    color: float = 0.3
    flatness: float = 0.3
    lattice: float = 5.0


@dataclass(frozen=True)
class Terms:
    """The loss and its parts, each a scalar tensor: means over the batch."""

    total: Tensor
    content: Tensor
    style: Tensor
    tone: Tensor
    color: Tensor


@dataclass(frozen=True)
class StyleTarget:
    """What the loss asks of a picture in one style, or of N pictures in N styles.

    Attributes:
        grams: Gram matrices (N, C, C), one per tap.
        colors: mean (N, 3) and covariance (N, 3, 3) of the colours.
    """

    grams: list[Tensor]
    colors: tuple[Tensor, Tensor]

    def mean(self) -> StyleTarget:
        """One target for N pictures of one style: their mean."""
        mean, covariance = self.colors
        grams = [gram.mean(0, keepdim=True) for gram in self.grams]
        return StyleTarget(grams, (mean.mean(0, keepdim=True), covariance.mean(0, keepdim=True)))


@dataclass(frozen=True)
class PerceptualLoss:
    """Content, style and smoothness, after Johnson et al. 2016 (§3.2, eq. 2 to 5).

    The content error is divided by the content features' energy and each layer's Gram error by
    the energies of both Gram matrices (`bench.losses.balanced_error`), which takes the place of
    the paper's hand-set weights. Four terms are not in the paper: tone (`bench.losses.tone_error`)
    keeps tones from inverting, which deep content features allow; colour
    (`bench.losses.color_error`) asks for the style's colours, which Gram matrices hardly do;
    flatness (`bench.losses.flatness_error`) keeps plain areas plain, and lattice
    (`bench.losses.lattice_error`) keeps the weave of a network's own strides out of them.

    Attributes:
        encoder: pictures to features, in tap order.
        content_index: which tap content is compared at.
        balance: the terms' weights.
    """

    encoder: nn.Module
    content_index: int
    balance: Balance

    def style_target(self, style: Tensor, features: list[Tensor] | None = None) -> StyleTarget:
        """What is asked of pictures in styles (N, 3, H, W); `features`: the encoder's, if known."""
        with torch.no_grad():
            grams = [gram(f) for f in (self.encoder(style) if features is None else features)]
            return StyleTarget(grams, color_moments(style))

    def content_target(self, content: Tensor) -> Tensor:
        """Features of contents at the content tap."""
        with torch.no_grad():
            features: Tensor = self.encoder(content)[self.content_index].float()
            return features

    def __call__(
        self, stylized: Tensor, content: Tensor, content_target: Tensor, style: StyleTarget
    ) -> Terms:
        """The loss of stylized pictures (N, 3, H, W); `style` is of one style or of N."""
        features = self.encoder(stylized)
        content_term = relative_error(features[self.content_index], content_target).mean()
        style_term = style_error(features, style.grams).mean()
        tone = tone_error(stylized, content).mean()
        color = color_error(stylized, style.colors).mean()
        b = self.balance
        total = b.content * content_term + b.style * style_term + b.tone * tone + b.color * color
        if b.tv:
            total = total + b.tv * total_variation(stylized).mean()
        if b.flatness:
            total = total + b.flatness * flatness_error(stylized, content).mean()
        if b.lattice:
            total = total + b.lattice * lattice_error(stylized, content).mean()
        return Terms(total, content_term, style_term, tone, color)

    def of(self, stylized: Tensor, content: Tensor, style: StyleTarget, shift: int = 0) -> Terms:
        """The loss on a random window of both pictures, up to `shift` pixels smaller.

        A network's own grid, of its strided layers, and the loss network's, of its poolings, else
        always meet at the same places, and what one of them makes there the other never sees.
        """
        return self.within(stylized, content, style, shift, drawn_offset(stylized.shape, shift))

    def within(
        self,
        stylized: Tensor,
        content: Tensor,
        style: StyleTarget,
        shift: int,
        offset: Offset | None,
    ) -> Terms:
        """The loss on the window at an offset that `drawn_offset` gave; None is no window."""
        if offset is not None:
            shift = largest_shift(stylized.shape, shift)
            stylized, content = (window(p, shift, offset) for p in (stylized, content))
        return self(stylized, content, self.content_target(content), style)


Offset = tuple[int, int] | Tensor
"""How far down and across a window begins: of the host, or int64 (2,) on the pictures' device."""


def largest_shift(shape: Sequence[int], shift: int) -> int:
    """So many pixels smaller a window of pictures (N, 3, H, W) may be, of those asked for."""
    return min(shift, min(shape[2:]) - WINDOW)


def drawn_offset(shape: Sequence[int], shift: int) -> tuple[int, int] | None:
    """A random window's place, drawn on the host; None where there is no room to shift it."""
    shift = largest_shift(shape, shift)
    if shift <= 0:
        return None
    down, across = torch.randint(shift, (2,)).tolist()
    return down, across


def window(pictures: Tensor, shift: int, offset: Offset) -> Tensor:
    """A part of pictures (N, 3, H, W), `shift` pixels smaller.

    Where it begins is looked up on the device if it lies there, so that a CUDA graph of this finds
    another one at each launch.
    """
    height, width = (side - shift for side in pictures.shape[2:])
    if not isinstance(offset, Tensor):
        down, across = offset
        return pictures[..., down : down + height, across : across + width]
    rows, columns = (
        first + torch.arange(count, device=pictures.device)
        for first, count in zip(offset, (height, width), strict=True)
    )
    return pictures.index_select(2, rows).index_select(3, columns)


def perceptual_loss(context: Context, encoder: str, balance: Balance) -> PerceptualLoss:
    """The loss on a named encoder.

    Raises:
        BenchError: no such encoder, or its weights cannot be had.
    """
    return PerceptualLoss(
        context.encoder(encoder), context.find_encoder(encoder).content_index, balance
    )
