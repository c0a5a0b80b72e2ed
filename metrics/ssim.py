"""Structural similarity of the stylized picture and its content."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bench.contract import Metric
from bench.errors import BenchError
from bench.hooks import hookimpl
from bench.losses import luminance

WINDOW, SIGMA = 11, 1.5
K1, K2 = 0.01, 0.03


def ssim(first: Tensor, second: Tensor) -> Tensor:
    """SSIM of pictures (N, C, H, W) in [0, 1], mean over channels and positions: (N,), up to 1.

    Wang, Bovik, Sheikh, Simoncelli 2004, eq. 13 with their constants: Gaussian window of 11×11
    with standard deviation 1.5, K1 = 0.01, K2 = 0.03, dynamic range 1, only windows that lie
    wholly inside, no prior reduction.

    Raises:
        BenchError: a side shorter than the window.
    """
    height, width = first.shape[2:]
    if min(height, width) < WINDOW:
        raise BenchError(
            f"ssim needs sides of at least {WINDOW} px, got {width}x{height}: use a larger --size"
        )
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
    likeness = (2 * a * b + c1) * (2 * together + c2) / ((a * a + b * b + c1) * (spread + c2))
    return likeness.mean((1, 2, 3))


class SSIM(Metric):
    """`ssim` of Rec. 601 luma, since Wang et al. define it for grey pictures.

    It rewards not stylizing at all: read it beside a style metric only.
    """

    name = "ssim"
    axis = "content"
    direction = "higher"
    citation = "Wang, Bovik, Sheikh, Simoncelli 2004"

    def score(self, stylized: Tensor, content: Tensor, style: Tensor) -> float:
        """The similarity of the stylized picture and the content, at most 1."""
        return ssim(luminance(stylized), luminance(content)).item()


@hookimpl
def bench_metrics() -> Sequence[Metric]:
    """One metric, without a network."""
    return [SSIM()]
