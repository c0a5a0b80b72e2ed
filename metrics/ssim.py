"""Structural similarity of the stylized picture and its content, at one scale and at five."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from bench.contract import Metric
from bench.errors import BenchError
from bench.hooks import hookimpl
from bench.losses import luminance

WINDOW, SIGMA = 11, 1.5
K1, K2 = 0.01, 0.03
SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of `ms_ssim`, fine to coarse."""


def ssim(first: Tensor, second: Tensor) -> Tensor:
    """SSIM of pictures (N, C, H, W) in [0, 1], mean over channels and positions: (N,), up to 1.

    Wang, Bovik, Sheikh, Simoncelli 2004, eq. 13 with their constants: Gaussian window of 11×11
    with standard deviation 1.5, K1 = 0.01, K2 = 0.03, dynamic range 1, only windows that lie
    wholly inside, no prior reduction.

    Raises:
        BenchError: a side shorter than the window.
    """
    _require(first, WINDOW, "ssim")
    brightness, structure = _terms(first, second)
    return (brightness * structure).mean((1, 2, 3))


def ms_ssim(first: Tensor, second: Tensor) -> Tensor:
    """Multi-scale SSIM of pictures (N, C, H, W) in [0, 1], mean over channels: (N,), 0 to 1.

    Wang, Simoncelli, Bovik 2003, eq. 7: contrast and structure at five scales, each half the one
    before (mean of 2×2, an odd last row is dropped), luminance at the last. A negative mean, which
    has no power, counts as 0.

    Raises:
        BenchError: a side whose fifth scale is shorter than the window.
    """
    _require(first, WINDOW << len(SCALES) - 1, "ms-ssim")
    product = first.new_ones(first.shape[:2])
    for scale, exponent in enumerate(SCALES, 1):
        brightness, structure = _terms(first, second)
        likeness = brightness * structure if scale == len(SCALES) else structure
        product = product * likeness.mean((2, 3)).clamp_min(0) ** exponent
        first, second = F.avg_pool2d(first, 2), F.avg_pool2d(second, 2)
    return product.mean(1)


def _require(picture: Tensor, least: int, name: str) -> None:
    height, width = picture.shape[2:]
    if min(height, width) < least:
        raise BenchError(
            f"{name} needs sides of at least {least} px, got {width}x{height}: use a larger --size"
        )


def _terms(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """The luminance term at every position, and the product of contrast and structure."""
    offsets = torch.arange(WINDOW, device=first.device) - WINDOW // 2
    window = torch.exp(-offsets.square() / (2 * SIGMA**2))
    window = window / window.sum()

    def local_mean(x: Tensor) -> Tensor:
        # Not by convolution, whose TensorFloat32 or autocast drowns variances as small as C2.
        for side in (2, 3):
            x = (x.unfold(side, WINDOW, 1) * window).sum(-1)
        return x

    a, b = local_mean(first), local_mean(second)
    spread = local_mean(first * first) - a * a + local_mean(second * second) - b * b
    together = local_mean(first * second) - a * b
    c1, c2 = K1**2, K2**2
    return (2 * a * b + c1) / (a * a + b * b + c1), (2 * together + c2) / (spread + c2)


class SSIM(Metric):
    """`ssim` of Rec. 601 luma, since Wang et al. define it for grey pictures.

    It rewards not stylizing at all: read it beside a style metric only. Reference implementation:
    the authors' ssim_index.m; `skimage.metrics.structural_similarity` with Gaussian weights.
    """

    name = "ssim"
    axis = "content"
    direction = "higher"
    min_size = WINDOW
    citation = "Wang, Bovik, Sheikh, Simoncelli 2004"

    def score(self, stylized: Tensor, content: Tensor, style: Tensor) -> float:
        """The similarity of the stylized picture and the content, at most 1."""
        return ssim(luminance(stylized), luminance(content)).item()


class MultiScaleSSIM(Metric):
    """`ms_ssim` of Rec. 601 luma; forgiving where `ssim` sees fine texture only.

    Reference implementation: PyPI pytorch-msssim, which it equals where sides divide by 16.
    """

    name = "ms-ssim"
    axis = "content"
    direction = "higher"
    min_size = WINDOW << len(SCALES) - 1
    by_default = False
    citation = "Wang, Simoncelli, Bovik 2003, eq. 7"

    def score(self, stylized: Tensor, content: Tensor, style: Tensor) -> float:
        """The similarity of the stylized picture and the content, at most 1."""
        return ms_ssim(luminance(stylized), luminance(content)).item()


@hookimpl
def bench_metrics() -> Sequence[Metric]:
    """Two metrics, without a network."""
    return [SSIM(), MultiScaleSSIM()]
