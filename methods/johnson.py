"""Johnson's feed-forward style transfer: one network per style, trained from scratch.

Justin Johnson, Alexandre Alahi, Li Fei-Fei: Perceptual Losses for Real-Time Style Transfer and
Super-Resolution. ECCV 2016.

Departures from the paper. The network is MetaStyle's (instance normalisation, upsampling by
nearest neighbours, a sigmoid at the end), so that the two methods differ in their start alone.
The loss network is EfficientNet-Lite0 (the paper: VGG16, the option `encoder`), its terms are
normalised, and a term on block-averaged luminance keeps tones from inverting. Training is as long
as the options say (the paper: 40,000 steps of batch 4 on MS-COCO at 256 pixels), on 128-pixel
crops of the photographs that the run provides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bench.contract import Method
from bench.hooks import hookimpl
from bench.options import option
from bench.perceptual import Balance, perceptual_loss

from ._fitting import FitOptions, fit
from ._transform_net import TransformNet


@dataclass(frozen=True)
class JohnsonOptions(FitOptions):
    """Options of the training from scratch."""

    steps: int = option(2000, "update steps", low=0)


class Johnson(Method):
    """A transformation network trained from scratch for each style; `adapt` is the training."""

    name = "johnson"
    family = "per-style"
    citation = "Johnson, Alahi, Fei-Fei, ECCV 2016"
    Options = JohnsonOptions
    trains_on = ("efficientnet-lite0",)

    @classmethod
    def learns_from(cls, options: JohnsonOptions) -> Sequence[str]:
        """The loss network."""
        return (options.encoder,)

    def load(self) -> None:
        """Build the loss; the network is made anew for each style."""
        o: JohnsonOptions = self.options
        self.loss = perceptual_loss(
            self.context, o.encoder, Balance(o.content_weight, o.style_weight)
        )
        self.network = self.context.place(TransformNet())

    def adapt(self, style: Tensor) -> Iterator[None]:
        """Train from random weights (drawn from torch's global generator)."""
        self.network = self.context.place(TransformNet())
        yield from fit(self.context, self.network, self.loss, style, self.options)

    def stylize(self, content: Tensor) -> Tensor:
        """One pass through the trained network."""
        with torch.inference_mode():
            stylized: Tensor = self.network(content)
            return stylized.float()


@hookimpl
def bench_methods() -> Sequence[type[Method]]:
    """Johnson's method."""
    return [Johnson]
