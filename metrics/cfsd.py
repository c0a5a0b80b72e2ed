"""Content feature structural distance: whether alike places of a picture stay alike."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from bench.contract import Context, Encoder, Metric
from bench.hooks import hookimpl

from ._features import Features

TAP = "relu3_1"
ROWS = 1024
"""Positions whose similarities to all others are held at a time."""


def structure(features: Sequence[Tensor], encoder: Encoder) -> Tensor:
    """The features at `TAP`, (positions, C), divided by C as StyleID's code does."""
    f = features[list(encoder.taps).index(TAP)]
    return f.flatten(2)[0].T / f.shape[1]


def structural_distance(content: Tensor, stylized: Tensor) -> Tensor:
    """Kullback-Leibler divergence of every position's similarities, summed over positions.

    A position's similarities to all positions, as a softmax of inner products, are a
    distribution; how the content's diverges from the stylized picture's is the distance. Being
    a sum over positions and not a mean, it depends on the pictures' size.

    Args:
        content: features (positions, C), float32.
        stylized: of the same shape.
    """
    if content.device.type == "mps":  # it has no float64
        content, stylized = content.cpu(), stylized.cpu()
    content, stylized = content.double(), stylized.double()
    total = content.new_zeros(())
    for start in range(0, len(content), ROWS):
        rows = slice(start, start + ROWS)
        p = (content[rows] @ content.T).log_softmax(1)
        q = (stylized[rows] @ stylized.T).log_softmax(1)
        total = total + (p.exp() * (p - q)).sum()
    return total


class CFSD(Metric):
    """`structural_distance` of the stylized picture from its content.

    Chung, Hyun, Heo 2024 (StyleID), section 4.2. Reference implementation: `PatchSimi` in
    jiwoogit/StyleID, evaluation/image_metrics.py, on VGG19's relu3_1 and pictures of 512 px, which
    `cfsd/1@vgg19` equals; others of that name (cosine, other layers) do not compare. In float64:
    the distributions are nearly flat, and their divergence is lost in float32.
    """

    name = "cfsd"
    axis = "content"
    by_default = False
    citation = "Chung, Hyun, Heo 2024 (StyleID), section 4.2"

    def __init__(self, encoder: str) -> None:
        self.encoder = encoder

    def load(self, context: Context) -> None:
        """Load the encoder."""
        self._structure = Features(context, str(self.encoder), structure)

    def score(self, stylized: Tensor, content: Tensor, style: Tensor) -> float:
        """The distance; the style plays no part."""
        wanted, found = (self._structure.read(picture) for picture in (content, stylized))
        return structural_distance(wanted, found).item()


@hookimpl
def bench_metrics() -> Sequence[Metric]:
    """On the judge and on the paper's network."""
    return [CFSD("vgg16-bsds"), CFSD("vgg19")]
