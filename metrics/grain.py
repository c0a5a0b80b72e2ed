"""Grain: a cross-hatch or dither, of 2 to 4 px, that neither the content nor the style has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from bench.contract import Metric
from bench.hooks import hookimpl

WINDOW, HOP = 16, 8
"""Side and distance in pixels of the windows, which are weighted by Hann's."""

HALF = 8 / 255
"""Root mean square of the texture that counts half on a flat ground."""

EDGE = 0.5
"""The most power that a step edge has at a frequency, for one of power 1 at half of it.

The spectrum of an ideal step is 1 / (4 sin²(π f)), so that the ratio is 1 / (4 cos²(π f / 2)): 0.29
at a period of 4 px and 0.5 at one of 2 px. Whatever is softer has less.
"""

_DIGITS = 4
"""After the point; below them is float32's rounding, which goes by a picture's layout in memory."""

CHUNK = 4096
"""Windows at a time: 30 MB."""


def power(picture: Tensor) -> Iterator[Tensor]:
    """Power spectra of overlapping windows of a picture (1, 3, H, W), mean over the channels.

    They come in parts (M, WINDOW, WINDOW), rows of windows together; the frequencies are
    -WINDOW/2 to WINDOW/2 - 1 in periods a window. A window's powers sum to its variance, those of
    a wave of amplitude a to a²/2. Up to HOP - 1 pixels at the right and at the bottom are left out.
    """
    hann = torch.hann_window(WINDOW, device=picture.device)
    hann = hann[:, None] * hann / hann.sum() ** 2
    scale = hann.sum() / hann.square().sum().sqrt() / WINDOW
    windows = picture.unfold(2, WINDOW, HOP).unfold(3, WINDOW, HOP)[0]
    for rows in torch.split(windows, max(1, CHUNK // windows.shape[2]), 1):
        mean = (rows * hann).sum((-2, -1), keepdim=True)
        waves = torch.fft.fft2((rows - mean) * (hann * scale))
        spectra = (waves.real.square() + waves.imag.square()).mean(0)
        yield torch.fft.fftshift(spectra, (-2, -1)).flatten(0, 1)


def octave_below(spectra: Tensor) -> Tensor:
    """At each frequency of `power`'s spectra the power at half of it, in the same direction.

    Linear between neighbours. Nyquist's row and column stand for both signs, and get the mean.
    """
    half = WINDOW // 2
    inner = spectra[:, half // 2 : -half // 2 + 1, half // 2 : -half // 2 + 1]
    side = WINDOW + 1
    below = F.interpolate(inner[:, None], (side, side), mode="bilinear", align_corners=True)[:, 0]
    for dim in (1, 2):
        first, middle, last = torch.split(below, [1, WINDOW - 1, 1], dim)
        below = torch.cat([(first + last) / 2, middle], dim)
    return below


def grain_spectrum(picture: Tensor) -> Tensor:
    """At which frequencies a picture (1, 3, H, W) in [0, 1] has grain: (WINDOW, WINDOW).

    A window's power at periods of 4 px and less, above what sharp edges have there (`EDGE` of the
    power an octave below), as a share of all its power at periods of 8 px and less and of `HALF`'s:
    texture hides grain, and the faintest is not seen. Mean over the windows, so that grain counts
    by the area that it covers. Nowhere negative; the sum is at most 1.
    """
    axis = torch.arange(-WINDOW // 2, WINDOW // 2, device=picture.device)
    radius = axis[:, None].square() + axis.square()
    near_nyquist = radius >= (WINDOW // 4) ** 2
    fine = radius >= (WINDOW // 8) ** 2
    total, count = torch.zeros(WINDOW, WINDOW, device=picture.device), 0
    for spectra in power(picture):
        excess = (spectra - EDGE * octave_below(spectra)).clamp_min(0) * near_nyquist
        energy = (spectra * fine).sum((1, 2), keepdim=True) + HALF**2
        total += (excess / energy).sum(0)
        count += len(spectra)
    return total / count


def grain(stylized: Tensor, content: Tensor, style: Tensor) -> float:
    """What `stylized` has of `grain_spectrum` above the larger of content's and style's, in %.

    0 for the content itself and for the style itself. Each is (1, 3, H, W) in [0, 1], of any sizes
    from WINDOW on.
    """
    with torch.autocast(stylized.device.type, enabled=False):
        own, *given = (grain_spectrum(picture.float()) for picture in (stylized, content, style))
        excess = (own - torch.maximum(*given)).clamp_min(0).sum().item()
    return round(100 * excess, _DIGITS)


class Grain(Metric):
    """`grain`: how much of the fine detail is a cross-hatch or dither laid over the picture.

    0 for both anchors, and near 0 where nothing is wrong; a checkerboard of ±a/255 on a flat ground
    has 100 a² / (a² + 64). This suite's own. Networks leave periodic textures near Nyquist's
    frequency where they upsample (Odena, Dumoulin, Olah 2016), and Durall, Keuper, Keuper 2020 tell
    generated pictures from real ones by their power there. Here content and style stand for the
    real ones, and texture hides grain by division, as in Teo and Heeger 1994.
    """

    name = "grain"
    axis = "both"
    unit = "%"
    min_size = WINDOW
    caveat = "blind to a hatch that is wider than 4 px; sharpening counts"
    citation = "This suite; after Durall, Keuper, Keuper 2020 (spectra of generated pictures)"

    def score(self, stylized: Tensor, content: Tensor, style: Tensor) -> float:
        """The share in percent, 0 to 100."""
        return grain(stylized, content, style)


@hookimpl
def bench_metrics() -> Sequence[Metric]:
    """The metric of this page, without a network."""
    return [Grain()]
