"""Networks that give a picture one vector, and how alike two pictures' vectors are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from bench.contract import Context, Encoder, Metric
from bench.encoders import Normalised

from ._features import Features


class Embedder(Normalised):
    """A network behind the preprocessing that it was trained with.

    The shorter side is brought to `side` by bicubic interpolation as Pillow does it, the centred
    square of `crop` pixels cut out.

    Args:
        network: gives vectors (N, C) of pictures (N, 3, crop, crop).
        heads: each makes one feature of them.
        normalisation: mean and standard deviation, see `Normalised`.
        side: in pixels.
        crop: in pixels.
    """

    def __init__(
        self,
        network: nn.Module,
        heads: Sequence[nn.Module],
        normalisation: tuple[Sequence[float], Sequence[float]],
        side: int,
        crop: int,
    ) -> None:
        super().__init__(*normalisation)
        self.network = network
        self.heads = nn.ModuleList(heads)
        self._side, self._crop = side, crop

    def forward(self, picture: Tensor) -> list[Tensor]:
        """Each head's vectors (N, C, 1, 1) of pictures (N, 3, H, W) in [0, 1]."""
        vectors = self.network(self.normalise(centred(picture, self._side, self._crop)))
        return [head(vectors)[..., None, None] for head in self.heads]


def centred(picture: Tensor, side: int, crop: int) -> Tensor:
    """The centred square (N, 3, crop, crop) of pictures brought to a shorter side of `side`."""
    height, width = picture.shape[2:]
    short = min(height, width)
    # the longer side is cut, not rounded, as torchvision's Resize does
    sides = [side if s == short else int(side * s / short) for s in (height, width)]
    if sides != [height, width]:
        picture = F.interpolate(picture, sides, mode="bicubic", antialias=True).clamp(0, 1)
    top, left = (round((s - crop) / 2) for s in sides)
    return picture[..., top : top + crop, left : left + crop]


def vector(features: Sequence[Tensor], encoder: Encoder) -> NDArray[np.float64]:
    """The first tap's vector, of length 1: (C,)."""
    found = np.asarray(features[0][0].flatten().cpu().numpy(), np.float64)
    return np.asarray(found / np.linalg.norm(found))


class Similarity(Metric):
    """Cosine of the angle between the vectors of the stylized picture and of one that it is of.

    From -1 to 1. It says what the network was trained to tell apart; numbers of two networks do not
    compare. Both pictures go through the network's own preprocessing: 224 px, whatever the run's
    size, so that fine strokes are hardly seen.
    """

    direction = "higher"
    by_default = False

    def __init__(
        self, name: str, encoder: str, axis: Literal["style", "content"], citation: str
    ) -> None:
        self.name = name
        self.encoder = encoder
        self.axis = axis
        self.citation = citation

    def load(self, context: Context) -> None:
        """Load the encoder."""
        self._vectors = Features(context, str(self.encoder), vector)

    def score(self, stylized: Tensor, content: Tensor, style: Tensor) -> float:
        """The cosine with the style's vector, or with the content's, by the metric's axis."""
        wanted = style if self.axis == "style" else content
        return float(self._vectors.read(stylized) @ self._vectors.read(wanted))
