"""Instance normalisation that stays in channels_last, with first and second derivatives.

Torch's own leaves this layout: it copies its input, its output and their gradients. Padding and
pooling stay in it, so that a network with this normalisation is free of copies.

`_instance_norm.cpp` has the three functions at the end, and is compiled on first use; where that
cannot be done, torch's operators do the same more slowly.
"""

from __future__ import annotations

import ctypes
import functools
import math
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from bench.errors import BenchError
from bench.machine import native

EPSILON = 1e-5
"""Added to variances, as `nn.InstanceNorm2d` does."""
LAST = torch.channels_last
COMPILED = {torch.bfloat16: "bfloat16", torch.float32: "float32", torch.float64: "float64"}
aten = torch.ops.aten


def instance_norm(
    x: Tensor, gain: Tensor, bias: Tensor, relu: bool = False, limit: float = math.inf
) -> Tensor:
    """Normalise every channel of every picture, limit, scale and shift, and perhaps rectify.

    Ulyanov, Vedaldi, Lempitsky 2017 (Improved Texture Networks), eq. 4. Statistics are float32
    where `x` is of a lower precision.

    Args:
        x: (N, C, H, W).
        gain: (C,), or (N, C) with one row per picture.
        bias: likewise.
        relu: whether negative values become 0.
        limit: the largest normalised value, in standard deviations, and its negative the least.
            Without one a network can put a spike where nothing is asked of it, and so choose the
            statistics of the rest: it shows as a glowing spot (Karras et al., CVPR 2020, §2.1).

    Returns:
        A tensor of the shape and type of `x`, in its layout if that is channels_last on a CPU,
        where third derivatives are refused (NotImplementedError).
    """
    wide = torch.promote_types(x.dtype, torch.float32)
    gain, bias = (p.to(wide).expand(x.shape[:2]) for p in (gain, bias))
    if _stays(x):
        normed: Tensor = _Norm.apply(x, gain.contiguous(), bias.contiguous(), relu, limit)
        return normed
    unit = F.instance_norm(x.to(wide), eps=EPSILON)
    unit = unit.clamp(-limit, limit) if limit < math.inf else unit
    normed = (unit * gain[..., None, None] + bias[..., None, None]).to(x.dtype)
    return F.relu(normed) if relu else normed


def _stays(x: Tensor) -> bool:
    """Whether there is a layout to keep, and nobody who wants to see torch's own operators."""
    exported = torch.compiler.is_compiling() or torch.onnx.is_in_onnx_export()
    return x.device.type == "cpu" and x.is_contiguous(memory_format=LAST) and not exported


class _Norm(torch.autograd.Function):
    """x (N, C, H, W), gain and bias (N, C) to the normalised tensor."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, gain: Tensor, bias: Tensor, relu: bool, limit: float
    ) -> Tensor:
        y, mean, inverse = normalise(x, gain, bias, relu, limit)
        ctx.limit = limit
        # detached, as a gradient for y itself would be asked for, and be nought
        ctx.save_for_backward(x, gain, mean, inverse, y.detach() if relu else None)
        return y

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Any:
        return *_NormBackward.apply(*slopes, *ctx.saved_tensors, ctx.limit), None, None


class _NormBackward(torch.autograd.Function):
    """The gradients of `_Norm`, which depend on that of its output, on x and on the gain."""

    @staticmethod
    def forward(
        ctx: Any,
        slope: Tensor,
        x: Tensor,
        gain: Tensor,
        mean: Tensor,
        inverse: Tensor,
        y: Tensor | None,
        limit: float,
    ) -> tuple[Tensor, Tensor, Tensor]:
        slope = slope.contiguous(memory_format=LAST)
        ctx.limit = limit
        ctx.save_for_backward(slope, x, gain, mean, inverse, y)
        return first_derivatives(slope, x, gain, mean, inverse, y, limit)

    @staticmethod
    def backward(ctx: Any, *asked: Tensor) -> Any:
        if torch.is_grad_enabled():
            raise NotImplementedError("instance_norm has no third derivatives (create_graph=True)")
        u, v, w = asked
        u, v, w = u.contiguous(memory_format=LAST), v.contiguous(), w.contiguous()
        given = (u, v, w, *ctx.saved_tensors, ctx.limit)
        return *second_derivatives(*given), None, None, None, None


@functools.cache
def library() -> ctypes.CDLL | None:
    """The compiled functions; None where they cannot be compiled."""
    try:
        return native.library(Path(__file__).with_suffix(".cpp").read_text("utf-8"))
    except BenchError:
        return None


def _compiled(name: str, x: Tensor, *arguments: Tensor | float | None) -> bool:
    """Call a compiled function for x's type, if there is one; tensors are passed as addresses."""
    if x.dtype not in COMPILED or library() is None:
        return False
    given = [
        ctypes.c_void_p(value.data_ptr())
        if isinstance(value, Tensor)
        else ctypes.c_double(value)
        if isinstance(value, float)
        else value
        for value in arguments
    ]
    sizes = len(x), x[0, 0].numel(), x.shape[1], torch.get_num_threads()
    getattr(library(), f"{name}_{COMPILED[x.dtype]}")(*given, *sizes)
    return True


def normalise(
    x: Tensor, gain: Tensor, bias: Tensor, relu: bool, limit: float
) -> tuple[Tensor, Tensor, Tensor]:
    """The normalised tensor, and each channel's mean and 1 / sqrt(variance + eps), (N, C)."""
    y = torch.empty_like(x)
    mean, inverse = torch.empty_like(gain), torch.empty_like(gain)
    if _compiled("normalise", x, x, gain, bias, EPSILON, limit, relu, y, mean, inverse):
        return y, mean, inverse
    for i in range(len(x)):  # a batch normalisation of each picture
        aten.native_batch_norm.out(
            x[i : i + 1], gain[i], bias[i], None, None, True, 0.0, EPSILON,
            out=y[i : i + 1], save_mean=mean[i], save_invstd=inverse[i],
        )  # fmt: skip
    if limit < math.inf:
        reach = limit * gain.abs()
        least, most = (b[..., None, None].to(x.dtype) for b in (bias - reach, bias + reach))
        torch.clamp(y, least, most, out=y)
    return y.relu_() if relu else y, mean, inverse


def first_derivatives(
    slope: Tensor,
    x: Tensor,
    gain: Tensor,
    mean: Tensor,
    inverse: Tensor,
    y: Tensor | None,
    limit: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients for x, gain and bias; `slope` is that for the output.

    Let h = (x - mean) · inverse, M the mean over a channel's pixels, and g the slope where h is
    within its limit. The gradients are gain · inverse · (g - M[g] - h · M[g · h]), and the sums of
    slope · limited h and of slope.
    """
    dx, dgain, dbias = torch.empty_like(x), torch.empty_like(gain), torch.empty_like(gain)
    given = (slope, x, gain, mean, inverse, limit, y)
    if _compiled("first", x, *given, dx, dgain, dbias):
        return dx, dgain, dbias
    if y is not None:
        slope = aten.threshold_backward(slope, y, 0)
    beyond = slope.new_zeros(())
    if limit < math.inf:
        h = (x - mean[..., None, None]) * inverse[..., None, None]
        beyond = slope * h.sign() * (h.abs() > limit)
        slope = slope * (h.abs() <= limit)  # of its own type
    for i in range(len(x)):
        dx[i : i + 1], dgain[i], dbias[i] = aten.native_batch_norm_backward(
            slope[i : i + 1], x[i : i + 1], gain[i], None, None, mean[i], inverse[i],
            True, 0.0, [True, True, True],
        )  # fmt: skip
    if limit < math.inf:
        dgain += limit * beyond.sum((2, 3))
        dbias += (beyond * h.sign()).sum((2, 3))
    return dx, dgain, dbias


def second_derivatives(
    u: Tensor,
    v: Tensor,
    w: Tensor,
    slope: Tensor,
    x: Tensor,
    gain: Tensor,
    mean: Tensor,
    inverse: Tensor,
    y: Tensor | None,
    limit: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients for slope, x and gain of u · dx + v · dgain + w · dbias, summed.

    u is (N, C, H, W), v and w (N, C). With h, M and g as above let a = M[g · h], b = M[u · h], and
    s = M[u · g] - M[u] · M[g] - a · b. The one for the gain is inverse · s times the number of
    pixels; that for the slope gain · inverse · (u - M[u] - h · b) where h is within its limit,
    plus v · limited h + w; and that for x, with q = (v - gain · inverse · b) · g -
    gain · inverse · a · u, inverse · (q - M[q] - h · M[q · h]) - gain · inverse² · s · h.
    """
    dslope, dx, dgain = torch.empty_like(x), torch.empty_like(x), torch.empty_like(gain)
    given = (u, v, w, slope, x, gain, mean, inverse, limit, y)
    if _compiled("second", x, *given, dslope, dx, dgain):
        return dslope, dx, dgain

    def each(value: Tensor) -> Tensor:
        return value[:, :, None, None]

    def average(value: Tensor) -> Tensor:
        return value.mean((2, 3))

    h, wide_u = (x - each(mean)) * each(inverse), u.to(gain.dtype)
    inside = h.abs() <= limit
    g = slope.to(gain.dtype) * inside
    if y is not None:
        g = aten.threshold_backward(g, y.to(g.dtype), 0)
    g_mean, u_mean, a, b = average(g), average(wide_u), average(g * h), average(wide_u * h)
    s = average(wide_u * g) - u_mean * g_mean - a * b
    scale = gain * inverse
    of_g, of_u = v - scale * b, -scale * a
    # q and its means, put together from those of g and u
    level, along = of_g * g_mean + of_u * u_mean, of_g * a + of_u * b
    dx = torch.addcmul(each(of_g) * g, each(of_u), wide_u) - each(level)
    dx = dx * each(inverse) - h * each(inverse * along + scale * inverse * s)
    dslope = each(scale) * (wide_u - each(u_mean) - h * each(b)) * inside
    dslope = dslope + h.clamp(-limit, limit) * each(v) + each(w)
    if y is not None:
        dslope = aten.threshold_backward(dslope, y.to(dslope.dtype), 0)
    return dslope.to(slope.dtype), dx.to(x.dtype), inverse * s * x[0, 0].numel()
