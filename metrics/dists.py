"""DISTS: a distance of structure and texture that forgives one texture for another of its kind."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from bench.contract import Context, Metric, Weights
from bench.encoders import Vgg16
from bench.hooks import hookimpl
from bench.weights import locate, read

_TAPS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3")
_PARTS = ("alpha", "beta")
_EPSILON = 1e-6


def l2_pool(x: Tensor) -> Tensor:
    """The root of the blurred squares, at half the sides: (N, C, H, W) to (N, C, ⌈H/2⌉, ⌈W/2⌉).

    Ding et al. 2020, eq. 4: a Hann window of 3×3, stride 2, zeros around.
    """
    line = x.new_tensor((0.5, 1.0, 0.5)) / 2
    kernel = (line[:, None] * line).expand(x.shape[1], 1, 3, 3)
    blurred = F.conv2d(x * x, kernel, stride=2, padding=1, groups=x.shape[1])
    return (blurred + 1e-12).sqrt()


def structure_and_texture(
    first: Sequence[Tensor], second: Sequence[Tensor], alpha: Tensor, beta: Tensor
) -> Tensor:
    """DISTS of two pictures' features, per picture: (N,), from 0.

    Ding, Ma, Wang, Simoncelli 2020, eq. 5 to 7: 1 minus the weighted sum over channels of how alike
    their means are (texture) and how they correlate (structure).

    Args:
        first: features (N, C, H, W) of every layer, the picture itself among them.
        second: the same of the other picture, of the same shapes.
        alpha: weights of texture (ΣC,).
        beta: weights of structure (ΣC,).
    """
    total = alpha.sum() + beta.sum()
    likeness = first[0].new_zeros(len(first[0]))
    widths = [f.shape[1] for f in first]
    weights = zip(torch.split(alpha, widths), torch.split(beta, widths), strict=True)
    for x, y, (of_texture, of_structure) in zip(first, second, weights, strict=True):
        mean_x, mean_y = x.mean((2, 3)), y.mean((2, 3))
        spread = x.var((2, 3), correction=0) + y.var((2, 3), correction=0)
        together = (x * y).mean((2, 3)) - mean_x * mean_y
        texture = (2 * mean_x * mean_y + _EPSILON) / (mean_x**2 + mean_y**2 + _EPSILON)
        structure = (2 * together + _EPSILON) / (spread + _EPSILON)
        likeness = likeness + (of_texture * texture + of_structure * structure).sum(1)
    return 1 - likeness / total


class DISTS(Metric):
    """`structure_and_texture` of the stylized picture and its content, at their own size.

    On VGG16 with `l2_pool` in place of its poolings, the pictures themselves as a first layer. It
    equals PyPI DISTS-pytorch 0.1, whose authors bring pictures to a shorter side of 256 px first:
    run at that size to compare. It forgives resampled texture, so a stylization that keeps shapes
    loses less than in LPIPS.
    """

    name = "dists"
    axis = "content"
    by_default = False
    encoder = Vgg16.name
    weights = (
        Weights(
            "dists.safetensors",
            "50980d68bc38b2fcc738b1a8c3ae77a87cb73883b230951c2c57190855bdb52f",
            "the bench package itself (from PyPI DISTS-pytorch 0.1)",
            "MIT",
        ),
    )
    citation = "Ding, Ma, Wang, Simoncelli 2020 (DISTS)"

    def load(self, context: Context) -> None:
        """Load the network and its weights of channels."""
        self._network = context.place(Vgg16().network(_TAPS, l2_pool)).requires_grad_(False)
        calibration = read(locate(self.weights[0]))
        self._weights = [calibration[name].flatten().to(context.device) for name in _PARTS]
        self._device = context.device

    def score(self, stylized: Tensor, content: Tensor, style: Tensor) -> float:
        """The distance; the style plays no part."""
        with torch.no_grad(), torch.autocast(self._device.type, enabled=False):
            pictures = (picture.to(self._device) for picture in (stylized, content))
            first, second = ([picture, *self._network(picture)] for picture in pictures)
            return structure_and_texture(first, second, *self._weights).item()


@hookimpl
def bench_metrics() -> Sequence[Metric]:
    """One metric."""
    return [DISTS()]
