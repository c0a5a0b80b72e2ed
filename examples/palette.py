"""A metric of your own: how far the palette of the result is from the style's.

bench run --method metastyle --plugin examples/palette.py --metric palette
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bench import Metric, hookimpl

BINS = 8
"""Per colour channel: 512 colours in all."""


def histogram(picture: Tensor) -> NDArray[np.float64]:
    """The share of each of the 512 colours in a picture (1, 3, H, W); sums to 1."""
    pixels = picture[0].flatten(1).T.double().cpu().numpy()
    counts, _ = np.histogramdd(pixels, bins=BINS, range=[(0, 1)] * 3)
    return np.asarray(counts / counts.sum())


class Palette(Metric):
    """Hellinger distance of the colour histograms: 0 is one palette, 1 no colour in common."""

    name = "palette"
    axis = "style"
    citation = "Hellinger 1909, of 8×8×8 colours"

    def score(self, stylized: Tensor, content: Tensor, style: Tensor) -> float:
        """The distance; the content plays no part."""
        found, wanted = histogram(stylized), histogram(style)
        overlap = float(np.sqrt(found * wanted).sum())
        return float(np.sqrt(max(0.0, 1 - overlap)))


@hookimpl
def bench_metrics() -> Sequence[Metric]:
    """The one metric."""
    return [Palette()]
