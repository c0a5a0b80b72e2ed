"""Colour distances: how far apart two pictures' distributions of colour are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from bench.contract import Metric
from bench.hooks import hookimpl

# IEC 61966-2-1: linear sRGB to CIE XYZ under D65
_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_WHITE = _XYZ.sum(1)
_KNEE = 6 / 29

BINS, REACH, WIDTH, LARGEST = 64, 3.0, 0.02, 256
"""Of `histogram`: bins per axis, which go from -REACH to REACH, the kernel's width, and the side
that larger pictures are brought to."""
_TINY = 1e-6
_BLIND = "sees colours alone: no strokes, no texture"


def lab(picture: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIELAB (L* in [0, 100], a*, b*) of sRGB values in [0, 1]; both of shape (M, 3).

    IEC 61966-2-1 for sRGB and CIE 15:2004, eq. 8.3 to 8.5, under D65.
    """
    linear = np.where(
        picture <= 0.04045, picture / 12.92, ((np.maximum(picture, 0) + 0.055) / 1.055) ** 2.4
    )
    ratio = linear @ _XYZ.T / _WHITE
    root = np.where(ratio > _KNEE**3, np.cbrt(ratio), ratio / (3 * _KNEE**2) + 4 / 29)
    x, y, z = root.T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


def color_distance(first: Tensor, second: Tensor) -> float:
    """Mean over L*, a* and b* of the 1-Wasserstein distance of two pictures' values.

    Wasserstein's distance is how far colour has to be moved, so that nearly right is better than
    wrong, which bins of a histogram don't see. CIELAB, because its axes are lightness and two
    hues in about equal steps of perception, and correlate less than RGB's: distances axis by axis
    say more there. The pictures (1, 3, H, W) in [0, 1] may differ in size.
    """
    from scipy.stats import wasserstein_distance

    one, two = (
        lab(p.detach().flatten(2)[0].T.cpu().numpy().astype(np.float64)) for p in (first, second)
    )
    return float(np.mean([wasserstein_distance(one[:, i], two[:, i]) for i in range(3)]))


class ColorDistance(Metric):
    """`color_distance` between the stylized picture and the style."""

    name = "color"
    axis = "style"
    unit = "CIELAB"
    caveat = _BLIND
    citation = "Wasserstein distance (scipy.stats) per channel of CIE 1976 L*a*b*"

    def score(self, stylized: Tensor, content: Tensor, style: Tensor) -> float:
        """The distance; the content plays no part."""
        return color_distance(stylized, style)


def histogram(picture: Tensor) -> Tensor:
    """The RGB-uv histogram (3, BINS, BINS) of a picture (1, 3, H, W) in [0, 1]; its sum is 1.

    Afifi, Brubaker, Brown 2021 (HistoGAN), eq. 1 to 4: for each of red, green and blue a histogram
    over its log-ratios to the two others, every pixel weighing as much as it is bright and falling
    into bins by an inverse quadratic kernel. Bilinear to 256 px if it is larger, as in StyleID's
    evaluation (150 in HistoGAN).
    """
    pixels = picture.float().clamp(0, 1)
    if max(pixels.shape[2:]) > LARGEST:
        size = (LARGEST, LARGEST)
        pixels = F.interpolate(pixels, size, mode="bilinear", align_corners=False)
    red, green, blue = pixels[0].flatten(1)
    weight = (red.square() + green.square() + blue.square() + _TINY).sqrt()
    bins = torch.linspace(-REACH, REACH, BINS, device=pixels.device)
    logs = [(channel + _TINY).log() for channel in (red, green, blue)]

    def membership(first: int, second: int) -> Tensor:
        ratio: Tensor = (logs[first] - logs[second])[:, None] - bins
        return (1 + (ratio / WIDTH).square()).reciprocal()

    planes = [
        (weight[:, None] * membership(channel, first)).T @ membership(channel, second)
        for channel, first, second in ((0, 1, 2), (1, 0, 2), (2, 0, 1))
    ]
    counts = torch.stack(planes)
    return counts / (counts.sum() + _TINY)


class HistogramDistance(Metric):
    """Hellinger's distance of the `histogram` of the stylized picture to the style's, 0 to 1.

    Afifi et al. 2021, eq. 5. Reference implementation: StyleID's evaluation/eval_histogan.py after
    mahmoudnafifi/HistoGAN. It sees ratios of channels, so lightness as a weight only; and bins see
    no distance, so that a nearly right colour is as far off as a wrong one.
    """

    name = "histogram"
    axis = "style"
    by_default = False
    caveat = _BLIND
    citation = "Afifi, Brubaker, Brown 2021 (HistoGAN), eq. 5"

    def score(self, stylized: Tensor, content: Tensor, style: Tensor) -> float:
        """The distance; the content plays no part."""
        with torch.autocast(stylized.device.type, enabled=False):
            found, wanted = (histogram(picture).sqrt() for picture in (stylized, style))
        return (found - wanted).square().sum().div(2).sqrt().item()


@hookimpl
def bench_metrics() -> Sequence[Metric]:
    """Two metrics, without a network."""
    return [ColorDistance(), HistogramDistance()]
