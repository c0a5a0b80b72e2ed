"""Layers of the transformation network that keep pictures in channels-last memory.

Torch's own reflection padding, upsampling and instance normalisation leave that layout on a CPU
and come back, forward and backward: half of a training step in bfloat16 is copying. These do
not. Each has first and second derivatives, and takes any layout; on other devices, and where a
graph is exported, torch's own are used.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

EPSILON = 1e-5
"""Added to variances, as `nn.InstanceNorm2d` does."""


def reflected(x: Tensor, margin: int) -> Tensor:
    """(N, C, H, W) grown by `margin` on each side by reflection; sides are longer than `margin`."""
    return _padded(x, margin, True)


def _padded(x: Tensor, margin: int, reflect: bool) -> Tensor:
    """Grown by reflection, or by repeating the edge."""
    if _plain(x):
        return F.pad(x, (margin,) * 4, mode="reflect" if reflect else "replicate")
    grown: Tensor = _Pad.apply(x, margin, reflect)
    return grown


def normalised(
    x: Tensor, gain: Tensor, bias: Tensor, relu: bool, limit: float = math.inf
) -> Tensor:
    """Instance normalisation, limited, scaled and shifted, with ReLU after it where `relu` says so.

    Args:
        x: (N, C, H, W).
        gain: (C,), or (N, C) for a scale of its own for each picture.
        bias: likewise.
        relu: whether what is negative becomes 0.
        limit: the largest normalised value, in standard deviations, and its negative the least.
            Without one a network can put a spike where nothing is asked of it, and so choose the
            statistics of the rest: it shows as a glowing spot (Karras et al., CVPR 2020, §2.1).
    """
    gain, bias = (t.expand(len(x), -1) for t in (gain, bias))
    if _plain(x):
        return _composed(x, gain, bias, relu, limit)
    normed: Tensor = _Norm.apply(x, gain, bias, relu, limit)
    return normed


def upsampled_conv(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Bilinear upsampling by 2, edges repeated, then a convolution by a 3×3 kernel.

    Between two upsampled pixels and the three that a kernel meets lies only a linear map, so that
    the large picture need not be made: four small kernels, one for each place in a 2×2 cell, meet
    the small picture. The result is that of `F.interpolate(x, scale_factor=2, mode="bilinear")`
    and a convolution with replication padding, for the same number of multiplications.

    Args:
        x: (N, C, H, W).
        weight: (C', C, 3, 3).
        bias: (C',).

    Returns:
        (N, C', 2 H, 2 W).
    """
    phases = weight.new_tensor(_PHASES)
    outputs, inputs = weight.shape[:2]
    small = torch.einsum("api,bqj,ocij->abocpq", phases, phases, weight)
    kernels = small.reshape(4 * outputs, inputs, 3, 3).to(x.dtype)
    offsets = None if bias is None else bias.repeat(4).to(x.dtype)
    cells = F.conv2d(_padded(x, 1, reflect=False), kernels, offsets).permute(0, 2, 3, 1)
    count, height, width, _ = cells.shape
    cells = cells.reshape(count, height, width, 2, 2, outputs).permute(0, 1, 3, 2, 4, 5)
    return cells.reshape(count, 2 * height, 2 * width, outputs).permute(0, 3, 1, 2)


# Of a kernel (g0, g1, g2) on a picture upsampled by 2, what meets the small pixels i - 1, i and
# i + 1: for the even pixel 2 i, and for the odd pixel 2 i + 1. Upsampled pixels are
# u[2 i] = x[i - 1] / 4 + 3 x[i] / 4 and u[2 i + 1] = 3 x[i] / 4 + x[i + 1] / 4.
_PHASES = (
    ((0.75, 0.25, 0.0), (0.25, 0.75, 0.75), (0.0, 0.0, 0.25)),
    ((0.25, 0.0, 0.0), (0.75, 0.75, 0.25), (0.0, 0.25, 0.75)),
)


def _plain(x: Tensor) -> bool:
    return x.device.type != "cpu" or torch.compiler.is_compiling()


def _rows(x: Tensor) -> Tensor:
    """(N, H, W, C) of (N, C, H, W), contiguous."""
    return x.permute(0, 2, 3, 1).contiguous()


def _grow(x: Tensor, margin: int, reflect: bool) -> Tensor:
    """Padding of (N, H, W, C)."""
    n, h, w, c = x.shape
    grown = x.new_empty(n, h + 2 * margin, w + 2 * margin, c)
    grown[:, margin:-margin, margin:-margin] = x
    for i in range(margin):
        near = 1 + i if reflect else 0
        grown[:, margin - 1 - i, margin:-margin] = x[:, near]
        grown[:, h + margin + i, margin:-margin] = x[:, h - 1 - near]
    for i in range(margin):
        near = 1 + i if reflect else 0
        grown[:, :, margin - 1 - i] = grown[:, :, margin + near]
        grown[:, :, w + margin + i] = grown[:, :, w + margin - 1 - near]
    return grown


def _shrink(g: Tensor, margin: int, reflect: bool) -> Tensor:
    """The transpose of `_grow`."""
    g = g.clone()
    h, w = g.shape[1] - 2 * margin, g.shape[2] - 2 * margin
    for i in range(margin):
        near = 1 + i if reflect else 0
        g[:, :, margin + near] += g[:, :, margin - 1 - i]
        g[:, :, w + margin - 1 - near] += g[:, :, w + margin + i]
    for i in range(margin):
        near = 1 + i if reflect else 0
        g[:, margin + near] += g[:, margin - 1 - i]
        g[:, h + margin - 1 - near] += g[:, h + margin + i]
    return g[:, margin:-margin, margin:-margin].contiguous()


class _Pad(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, margin: int, reflect: bool) -> Tensor:
        ctx.how = margin, reflect
        return _grow(_rows(x), margin, reflect).permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None, None]:
        return _Unpad.apply(g, *ctx.how), None, None


class _Unpad(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, g: Tensor, margin: int, reflect: bool) -> Tensor:
        ctx.how = margin, reflect
        return _shrink(_rows(g), margin, reflect).permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None, None]:
        return _Pad.apply(g, *ctx.how), None, None


def _composed(x: Tensor, gain: Tensor, bias: Tensor, relu: bool, limit: float) -> Tensor:
    """The normalisation from torch's own operations; statistics in float32."""
    wide = x if x.dtype == torch.float64 else x.float()
    variance, mean = torch.var_mean(wide, (2, 3), correction=0, keepdim=True)
    unit = (wide - mean) * (variance + EPSILON).rsqrt()
    if limit < math.inf:
        unit = unit.clamp(-limit, limit)
    normed = (unit * gain[..., None, None] + bias[..., None, None]).to(x.dtype)
    return normed.relu() if relu else normed


class _Norm(torch.autograd.Function):
    """Each picture's batch normalisation, which is native to channels-last."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, gain: Tensor, bias: Tensor, relu: bool, limit: float
    ) -> Tensor:
        ctx.relu, ctx.limit = relu, limit
        given, x = x, x.contiguous(memory_format=torch.channels_last)
        normed = torch.empty_like(x)
        mean, inverse = torch.empty_like(gain), torch.empty_like(gain)
        for i in range(len(x)):
            torch.ops.aten.native_batch_norm.out(
                x[i : i + 1], gain[i], bias[i], None, None, True, 0.0, EPSILON,
                out=normed[i : i + 1], save_mean=mean[i], save_invstd=inverse[i],
            )  # fmt: skip
        if limit < math.inf:
            torch.clamp(normed, *_bounds(gain, bias, relu, limit, normed), out=normed)
        elif relu:
            normed.relu_()
        ctx.save_for_backward(given, gain, bias, mean, inverse, normed)
        return normed

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        x, gain, bias, mean, inverse, normed = ctx.saved_tensors
        if torch.is_grad_enabled():  # this gradient is to be differentiated itself
            asked = [
                t for t, need in zip((x, gain, bias), ctx.needs_input_grad, strict=False) if need
            ]
            again = _composed(x, gain, bias, ctx.relu, ctx.limit)
            slopes = iter(torch.autograd.grad(again, asked, g, create_graph=True))
            return tuple(next(slopes) if need else None for need in ctx.needs_input_grad)
        x = x.contiguous(memory_format=torch.channels_last)
        g = g.contiguous(memory_format=torch.channels_last)
        if ctx.limit < math.inf:
            low, high = _bounds(gain, bias, ctx.relu, ctx.limit, normed)
            above = (g * ((normed >= high) & (high > 0 if ctx.relu else True))).sum((2, 3)).float()
            below = (g * ((normed <= low) & (low > 0 if ctx.relu else True))).sum((2, 3)).float()
            g = g * ((normed > low) & (normed < high))
        elif ctx.relu:
            g = torch.ops.aten.threshold_backward(g, normed, 0)
        of_x, of_gain, of_bias = (torch.empty_like(t) for t in (x, gain, bias))
        for i in range(len(x)):
            of_x[i : i + 1], of_gain[i], of_bias[i] = torch.ops.aten.native_batch_norm_backward(
                g[i : i + 1], x[i : i + 1], gain[i], None, None, mean[i], inverse[i], True,
                EPSILON, [True, True, True],
            )  # fmt: skip
        if ctx.limit < math.inf:  # what is at a limit no longer moves with x, but with the affine
            of_gain += ctx.limit * gain.sign() * (above - below)
            of_bias += above + below
        return of_x, of_gain, of_bias, None, None


def _bounds(
    gain: Tensor, bias: Tensor, relu: bool, limit: float, like: Tensor
) -> tuple[Tensor, Tensor]:
    """The least and the largest value after the affine, (N, C, 1, 1), as `like` rounds them."""
    reach = limit * gain.abs()
    low, high = bias - reach, bias + reach
    if relu:
        low, high = low.clamp_min(0), high.clamp_min(0)
    return low[..., None, None].to(like.dtype), high[..., None, None].to(like.dtype)
