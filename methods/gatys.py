"""Gatys' method: the picture itself is optimised until its features fit content and style.

Leon A. Gatys, Alexander S. Ecker, Matthias Bethge: Image Style Transfer Using Convolutional
Neural Networks. CVPR 2016. First as: A Neural Algorithm of Artistic Style, arXiv 1508.06576.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from bench.contract import Budgets, Method, Strength
from bench.hooks import hookimpl
from bench.options import option
from bench.perceptual import Balance, PerceptualLoss, StyleTarget, perceptual_loss

LEARNING_RATES = {"lbfgs": 1.0, "adam": 0.02}


@dataclass(frozen=True)
class GatysOptions:
    """Options of the optimisation."""

    steps: int = option(300, "optimiser steps per picture", low=0)
    optimizer: Literal["lbfgs", "adam"] = option("lbfgs", "optimiser")
    lr: float | None = option(None, "learning rate; none is 1 for lbfgs, 0.02 for adam", low=0)
    encoder: str = option("vgg19-quarter", "loss network")
    content_weight: float = option(0.5, "weight of the content error", low=0)
    style_weight: float = option(10.0, "weight of the style error", low=0)
    tv_weight: float = option(2.0, "weight of the total variation", low=0)
    tone_weight: float = option(0.0, "weight of the error in block-averaged luminance", low=0)
    color_weight: float = option(0.0, "weight of the error in colours", low=0)
    flatness_weight: float = option(0.0, "weight of what varies in plain areas", low=0)
    init: Literal["content", "noise"] = option("content", "picture to start from")


class Gatys(Method):
    """Optimise the pixels of each picture (paper, eq. 7); `adapt` only encodes the style.

    Departures from the paper:

    - The loss network is a VGG19 of a quarter of its channels, which can be had offline; the
      paper's is the option `encoder=vgg19` (with max pooling, and content at relu4_1 for
      conv4_2). Content is compared at the encoder's content tap, style at all taps.
    - Each layer's Gram error is divided by the energies of both Gram matrices, and the content
      error by the energy of the content's features. The paper's sums (eq. 1 and 4) have scales
      that change with layer, network, style and size, so that no weight holds for all of them.
    - Total variation is penalised: pooling is blind to some high frequencies, and the optimiser
      fills them with noise.
    - The start is the content by default, which keeps tones from inverting; the paper's is
      `init=noise`, which wants a `tone_weight` of about 2 and a `content_weight` of about 3.
    - Pixels are projected onto [0, 1] after each step.

    L-BFGS runs as in the paper, without line search: with one, steps cost twice as much and
    pictures are no better. Each picture of a batch has an L-BFGS of its own, and Adam works per
    pixel, so that a batch gives what its pictures give alone.
    """

    name = "gatys"
    family = "optimisation"
    citation = "Gatys, Ecker, Bethge, CVPR 2016"
    Options = GatysOptions
    strength = Strength("content_weight", (8.0, 4.0, 2.0, 1.0, 0.5))
    several = True
    trains_on = ("vgg19-quarter",)
    autocast = False  # L-BFGS on gradients rounded to bfloat16 ends in noise
    budgets: ClassVar[Budgets] = {
        "smoke": {"steps": 2},
        "quick": {"steps": 100},
    }

    @classmethod
    def learns_from(cls, options: GatysOptions) -> Sequence[str]:
        """The loss network."""
        return (options.encoder,)

    def load(self) -> None:
        """Bring the loss network to the device."""
        o: GatysOptions = self.options
        self.loss = perceptual_loss(
            self.context,
            o.encoder,
            Balance(
                o.content_weight,
                o.style_weight,
                o.tv_weight,
                o.tone_weight,
                o.color_weight,
                o.flatness_weight,
                lattice=0.0,  # pixels have no strides
            ),
        )

    def networks(self) -> Iterable[nn.Module]:
        """The loss network, which every step runs forward and backward."""
        return [self.loss.encoder]

    def adapt(self, style: Tensor) -> None:
        """Encode the style (R, 3, H, W) as one Gram matrix per tap, the mean over its pictures."""
        self.style = self.loss.style_target(style).mean()

    def stylize(self, content: Tensor) -> Iterator[Tensor]:
        """Yield the picture (N, 3, H, W) before the first step and after each."""
        o: GatysOptions = self.options
        start = content
        if o.init == "noise":  # the same for each picture of a batch, and on each device
            start = torch.rand(1, *content.shape[1:]).to(content).expand_as(content)
        parts = len(content) if o.optimizer == "lbfgs" else 1
        descents = [
            _Descent(self.loss, self.style, *pair, o)
            for pair in zip(start.chunk(parts), content.chunk(parts), strict=True)
        ]
        for step in range(o.steps + 1):
            if step:
                for descent in descents:
                    descent.step()
            yield torch.cat([descent.picture.detach() for descent in descents])


class _Descent:
    """Pictures that one optimiser works on.

    L-BFGS without line search may step to where the loss is not finite. The picture then goes
    back to where it was, and the optimiser forgets its curvature and starts anew from there.
    """

    def __init__(
        self,
        loss: PerceptualLoss,
        style: StyleTarget,
        start: Tensor,
        content: Tensor,
        options: GatysOptions,
    ) -> None:
        self.loss, self.style, self.content, self.options = loss, style, content, options
        self.target = loss.content_target(content)
        self.picture = start.clone(memory_format=torch.contiguous_format).requires_grad_()
        self.optimizer = self._new_optimizer()

    def step(self) -> None:
        """One update of all pixels, clamped to [0, 1]."""
        before = self.picture.detach().clone()
        self.optimizer.step(self._closure)
        with torch.no_grad():
            self.picture.clamp_(0, 1)
            if not self.picture.isfinite().all():
                self.picture.copy_(before)
                self.optimizer = self._new_optimizer()

    def _closure(self) -> float:
        self.optimizer.zero_grad()
        total = self.loss(self.picture, self.content, self.target, self.style).total
        # Times the number of pixels: L-BFGS's thresholds and Adam's epsilon are absolute, while
        # a pixel's share in a mean shrinks with the picture's size and the batch.
        total = total * self.picture.numel()
        total.backward()  # type: ignore[no-untyped-call]
        return float(total.detach())

    def _new_optimizer(self) -> torch.optim.Optimizer:
        name = self.options.optimizer
        lr = LEARNING_RATES[name] if self.options.lr is None else self.options.lr
        if name == "adam":
            return torch.optim.Adam([self.picture], lr)
        return torch.optim.LBFGS(
            [self.picture], lr, max_iter=1, history_size=10, tolerance_grad=0, tolerance_change=0
        )


@hookimpl
def bench_methods() -> Sequence[type[Method]]:
    """Gatys' method."""
    return [Gatys]
