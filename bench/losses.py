"""Losses of perceptual style transfer: pure functions on feature maps, always in float32.

A feature map is (N, C, H, W). Each function casts to float32 and leaves autocast, because Gram
matrices and squared differences lose their small values in half precision.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from bench.transfers import constant

SEEN = 0.03
"""A difference of neighbouring block means, of values in [0, 1], that is plainly seen."""


def gram(features: Tensor) -> Tensor:
    """Gram matrices (N, C, C), divided by C·H·W (Johnson et al. 2016, eq. 3)."""
    _, c, h, w = features.shape
    with torch.autocast(features.device.type, enabled=False):
        products: Tensor = Products.apply(features.float().flatten(2))
        return products / (c * h * w)


class Products(torch.autograd.Function):
    """Each channel with each: (N, C, P) to (N, C, C).

    Both factors are one, so their gradients are one product, and are made in its layout.
    """

    @staticmethod
    def forward(ctx: Any, flat: Tensor) -> Tensor:
        """(N, C, C)."""
        ctx.save_for_backward(flat)
        return flat @ flat.mT

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Any:
        """The gradient with respect to `flat`, in its layout."""
        (flat,) = ctx.saved_tensors
        both = slopes[0] + slopes[0].mT
        channels_last = flat.stride(1) == 1
        return (flat.mT @ both).mT if channels_last else both @ flat


def relative_error(value: Tensor, target: Tensor) -> Tensor:
    """Squared error over the target's energy, per picture: (N,). 0 is equal, 1 is all zeros.

    Dividing by the target's energy makes layers, styles and encoders comparable, which the
    papers' unnormalised sums are not. The target's N may be 1.
    """
    with torch.autocast(value.device.type, enabled=False):
        value, target = value.float(), target.float()
        return _energy(value - target) / _energy(target).clamp_min(1e-12)


def balanced_error(value: Tensor, target: Tensor) -> Tensor:
    """Twice the squared error over the sum of both energies, per picture: (N,), in [0, 2].

    Cheng, Jaiswal, Wu, Natarajan, Natarajan: Style-Aware Normalized Loss for Improving Arbitrary
    Style Transfer (CVPR 2021), section 4: the sum of the energies is the least upper bound of the
    error of two matrices without negative entries, which Gram matrices of rectified features are.
    Divided by the target's energy alone, a few styles of little energy give nearly all of the
    gradient. The factor makes it `relative_error` near the target. The target's N may be 1.
    """
    with torch.autocast(value.device.type, enabled=False):
        value, target = value.float(), target.float()
        energies = _energy(value) + _energy(target)
        return 2 * _energy(value - target) / energies.clamp_min(1e-12)


def _energy(value: Tensor) -> Tensor:
    """The sum of squares of each picture's, (N,)."""
    return value.square().sum(tuple(range(1, value.dim())))


def style_error(features: Sequence[Tensor], grams: Sequence[Tensor]) -> Tensor:
    """Sum over layers of the Gram matrices' balanced errors, per picture: (N,)."""
    errors = [balanced_error(gram(f), g) for f, g in zip(features, grams, strict=True)]
    return torch.stack(errors).sum(0)


def color_moments(picture: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (N, 3) and covariance (N, 3, 3) of the colours of pictures (N, 3, H, W)."""
    with torch.autocast(picture.device.type, enabled=False):
        flat = picture.float().flatten(2)
        mean = flat.mean(2)
        centred = flat - mean[..., None]
        return mean, centred @ centred.transpose(1, 2) / flat.shape[2]


def color_error(picture: Tensor, moments: tuple[Tensor, Tensor]) -> Tensor:
    """How far a picture's colours are from given `color_moments`, per picture: (N,).

    The squared distance of the means over the target's total variance, plus the covariances'
    balanced error. A Gram matrix of rectified features is mostly its mean, and hardly notices
    pale colours; this term does, and it leaves less room for the white spots by which a network
    with instance normalisation else buys its statistics. The targets' N may be 1.
    """
    mean, covariance = color_moments(picture)
    wanted, spread = moments
    variance = spread.diagonal(dim1=1, dim2=2).sum(1)
    shift = (mean - wanted).square().sum(1) / (variance + 0.02)  # 0.02: a nearly plain style's
    return shift + balanced_error(covariance, spread)


def total_variation(picture: Tensor) -> Tensor:
    """Mean absolute difference of neighbouring pixels, down plus across, per picture: (N,)."""
    with torch.autocast(picture.device.type, enabled=False):
        picture = picture.float()
        down = (picture[..., 1:, :] - picture[..., :-1, :]).abs().mean((1, 2, 3))
        across = (picture[..., 1:] - picture[..., :-1]).abs().mean((1, 2, 3))
        return down + across


def luminance(picture: Tensor) -> Tensor:
    """Rec. 601 luma (N, 1, H, W) of pictures (N, 3, H, W)."""
    weights = constant((0.299, 0.587, 0.114), picture).view(1, 3, 1, 1)
    return (picture * weights).sum(1, keepdim=True)


def tone_error(picture: Tensor, content: Tensor, block: int = 8) -> Tensor:
    """1 minus the correlation of block-averaged luminance, per picture: (N,), in [0, 2].

    A content loss on deep features ignores polarity, so a network may invert tones like a
    negative; this term tells it which way is up and leaves contrast and colour free.
    """
    with torch.autocast(picture.device.type, enabled=False):
        blocks = [F.avg_pool2d(luminance(p.float()), block).flatten(1) for p in (picture, content)]
        centred = [b - b.mean(1, keepdim=True) for b in blocks]
        norms = [c.square().sum(1).add(1e-6).sqrt() for c in centred]
        return 1 - (centred[0] * centred[1]).sum(1) / (norms[0] * norms[1])


def flatness_error(picture: Tensor, content: Tensor) -> Tensor:
    """How much more a picture varies than its content where that is plain, (N,), from 0 up.

    The edge-aware smoothness of Godard et al. (CVPR 2017, §3.3), squared, on means of blocks of 2,
    4, 8 and 16 pixels: w·(|Δpicture|² - |Δcontent|²), where positive, over the sum of the weights
    w = exp(-|Δcontent|² / `SEEN`²), in units of `SEEN`². Nothing else in the loss forbids a network
    to put the style's brightest colour as a patch into a plain sky, which the Gram matrices and the
    colours then reward everywhere, or a lattice of its own strides, which they hardly see.
    """
    with torch.autocast(picture.device.type, enabled=False):
        errors = []
        for block in (2, 4, 8, 16):
            if min(picture.shape[2:]) < 2 * block:
                continue
            means = [F.avg_pool2d(p.float(), block, block // 2) for p in (picture, content)]
            for axis in (2, 3):
                change, allowed = (m.diff(dim=axis).square().mean(1) / SEEN**2 for m in means)
                weight = torch.exp(-allowed)
                excess = (change - allowed).clamp_min(0)
                errors.append((weight * excess).sum((1, 2)) / (weight.sum((1, 2)) + 1))
        return torch.stack(errors).mean(0) if errors else picture.new_zeros(len(picture))


def lattice_error(picture: Tensor, content: Tensor, period: int = 4, cells: int = 8) -> Tensor:
    """How much more a picture repeats itself at a period than its content does, (N,), from 0 up.

    A network that halves a picture twice and doubles it again treats each of the 4 x 4 places of a
    pixel against its strides in another way, and a Gram loss rewards the weave which that makes as
    if it were texture. Here the picture less its means over `period` x `period` pixels is averaged
    for each of these places over `cells` x `cells` of them: texture cancels out, a weave stays. The
    error is the means' variance where it is above the content's, in units of `SEEN`². It is of
    this suite.
    """
    with torch.autocast(picture.device.type, enabled=False):
        energies = [_repeated(p.float(), period, cells) for p in (picture, content)]
        if energies[0] is None or energies[1] is None:
            return picture.new_zeros(len(picture))
        return (energies[0] - energies[1]).clamp_min(0).mean((1, 2)) / SEEN**2


def _repeated(picture: Tensor, period: int, cells: int) -> Tensor | None:
    """Energy (N, rows, columns) of what repeats itself; None: the picture is too small."""
    before, after = (period - 1) // 2, period // 2
    rows, columns = ((side - period + 1) // period for side in picture.shape[2:])
    if min(rows, columns) < 2:
        return None
    detail = picture[..., before:-after, before:-after] - F.avg_pool2d(picture, period, 1)
    places = F.pixel_unshuffle(detail[..., : rows * period, : columns * period], period)
    reach = (min(cells, rows), min(cells, columns))
    means = F.avg_pool2d(places, reach, [(side + 1) // 2 for side in reach])
    by_place = means.reshape(len(means), -1, period**2, *means.shape[2:])
    return by_place.var(2, correction=0).mean(1)
