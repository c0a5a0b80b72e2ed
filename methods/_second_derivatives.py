"""Operators whose second derivatives cost no more than their first.

torch gets the second derivative of a convolution for the weight by a convolution with pictures and
channels exchanged, which is several times as slow on a CPU, and gets it even for weights that
are fixed. Padding and ReLU give gradients of noughts where there are none, in another layout.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

aten = torch.ops.aten


class SecondDerivatives(TorchFunctionMode):
    """While it is entered, convolutions, reflection padding and ReLU are those below, on a CPU."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        wanted = func in _REPLACED and args and args[0].device.type == "cpu"
        called = _REPLACED[func] if wanted and torch.is_grad_enabled() else func
        return called(*args, **(kwargs or {}))


def _pair(value: int | Sequence[int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def convolve(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: str | int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Tensor:
    """`F.conv2d`; under autocast in its type.

    Each derivative of a convolution is one of three functions of the same size: the convolution,
    its transpose (the gradient for the input), and the correlation of input and output (that for
    the weight). Each is linear in both its arguments, and has the two others as its gradients.

    Input and weight have nodes of their own in the graph, since the engine leaves out whole nodes:
    a gradient for the input alone does no work for the weight.
    """
    if isinstance(padding, str):
        return F.conv2d(x, weight, bias, stride, padding, dilation, groups)
    if torch.is_autocast_enabled("cpu"):
        dtype = torch.get_autocast_dtype("cpu")
        x, weight = x.to(dtype), weight.to(dtype)
        bias = None if bias is None else bias.to(dtype)
    how = (_pair(stride), _pair(padding), _pair(dilation), groups)
    learns = weight.requires_grad or (bias is not None and bias.requires_grad)
    of_input = _ForInput.apply(x, (weight,), how) if x.requires_grad else None
    of_weight = _ForWeight.apply(weight, bias, (x,), how) if learns else None
    convolved: Tensor = _Convolved.apply(of_input, of_weight, (x, weight, bias), how)
    return convolved


class _Convolved(torch.autograd.Function):
    """The convolution; the gradient for it goes on to where those for its arguments are made.

    Tensors in a tuple are no arguments for autograd.
    """

    @staticmethod
    def forward(ctx: Any, of_input: Any, of_weight: Any, fixed: Any, how: Any) -> Tensor:
        return F.conv2d(*fixed, *how)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Any:
        return *(slopes[0] if needs else None for needs in ctx.needs_input_grad[:2]), None, None


class _ForInput(torch.autograd.Function):
    """Nothing, in the shape of the output, with the gradient for the input."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, fixed: Any, how: Any) -> Tensor:
        (weight,) = fixed
        ctx.size, ctx.how = x.shape, how
        ctx.save_for_backward(weight)
        return _nothing(x, weight, how)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Any:
        return _Transposed.apply(*slopes, *ctx.saved_tensors, ctx.size, ctx.how), None, None


class _ForWeight(torch.autograd.Function):
    """Nothing, in the shape of the output, with the gradients for weight and bias."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, bias: Tensor | None, fixed: Any, how: Any) -> Tensor:
        (x,) = fixed
        ctx.size, ctx.how = weight.shape, how
        ctx.save_for_backward(x)
        return _nothing(x, weight, how)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Any:
        dweight, dbias = _Correlated.apply(*slopes, *ctx.saved_tensors, ctx.size, ctx.how)
        return dweight, dbias if ctx.needs_input_grad[1] else None, None, None


def _nothing(x: Tensor, weight: Tensor, how: Any) -> Tensor:
    """A nought that is as large as the convolution."""
    sides = (
        (side + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
        for side, kernel, stride, padding, dilation in zip(
            x.shape[2:], weight.shape[2:], *how[:3], strict=True
        )
    )
    return x.new_zeros(()).expand(len(x), len(weight), *sides)


class _Transposed(torch.autograd.Function):
    """The convolution's gradient for its input, of the given size."""

    @staticmethod
    def forward(ctx: Any, slope: Tensor, weight: Tensor, size: Any, how: Any) -> Tensor:
        ctx.how = how
        ctx.save_for_backward(slope, weight)
        x = torch.empty(size, dtype=slope.dtype, memory_format=_layout(slope, weight))
        return _gradients(slope, x, weight, how, (True, False, False))[0]

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Any:
        (u,), (slope, weight) = slopes, ctx.saved_tensors
        dweight = None
        if ctx.needs_input_grad[1]:
            dweight = _Correlated.apply(slope, u, weight.shape, ctx.how)[0]
        return convolve(u, weight, None, *ctx.how), dweight, None, None


class _Correlated(torch.autograd.Function):
    """The convolution's gradients for its weight, of the given size, and for its bias."""

    @staticmethod
    def forward(ctx: Any, slope: Tensor, x: Tensor, size: Any, how: Any) -> tuple[Tensor, Tensor]:
        ctx.how = how
        ctx.save_for_backward(slope, x)
        weight = torch.empty(size, dtype=slope.dtype, memory_format=_layout(slope, x))
        return _gradients(slope, x, weight, how, (False, True, True))[1:]

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Any:
        (v, w), (slope, x) = slopes, ctx.saved_tensors
        dx = _Transposed.apply(slope, v, x.shape, ctx.how) if ctx.needs_input_grad[1] else None
        return convolve(x, v, w, *ctx.how), dx, None, None


def _gradients(
    slope: Tensor, x: Tensor, weight: Tensor, how: Any, asked: Sequence[bool]
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients for input, weight and bias, as far as they are asked for."""
    *sizes, groups = how
    bias = [len(weight)]
    gradients: tuple[Tensor, Tensor, Tensor] = aten.convolution_backward(
        slope, x, weight, bias, *sizes, False, (0, 0), groups, asked
    )
    return gradients


def _layout(*tensors: Tensor) -> torch.memory_format:
    last = torch.channels_last
    some = any(tensor.is_contiguous(memory_format=last) for tensor in tensors)
    return last if some else torch.contiguous_format


def pad(
    x: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Tensor:
    """`F.pad`, whose reflection and replication are as linear as they look."""
    if mode not in _UNPAD or x.dim() != 4 or len(pad) != 4:
        return F.pad(x, pad, mode, value)
    padded: Tensor = _Pad.apply(x, tuple(pad), mode)
    return padded


_UNPAD = {
    "reflect": aten.reflection_pad2d_backward,
    "replicate": aten.replication_pad2d_backward,
}


class _Pad(torch.autograd.Function):
    """By (left, right, top, bottom)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, pad: Any, mode: str) -> Tensor:
        ctx.size, ctx.how = x.shape, (pad, mode)
        return F.pad(x, pad, mode)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Any:
        return _Unpad.apply(*slopes, ctx.size, *ctx.how), None, None


class _Unpad(torch.autograd.Function):
    """The transpose of `_Pad`."""

    @staticmethod
    def forward(ctx: Any, slope: Tensor, size: Any, pad: Any, mode: str) -> Tensor:
        ctx.how = pad, mode
        x = torch.empty(size, dtype=slope.dtype, memory_format=_layout(slope))
        added: Tensor = _UNPAD[mode](slope, x, pad)
        return added

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Any:
        return _Pad.apply(*slopes, *ctx.how), None, None, None


def relu(x: Tensor, inplace: bool = False) -> Tensor:
    """`F.relu`."""
    kept: Tensor = _ReLU.apply(x, inplace)
    return kept


class _ReLU(torch.autograd.Function):
    """What is positive."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, inplace: bool) -> Tensor:
        if inplace:
            ctx.mark_dirty(x)
        y = x.relu_() if inplace else x.relu()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Any:
        return _Masked.apply(*slopes, *(y.detach() for y in ctx.saved_tensors)), None


class _Masked(torch.autograd.Function):
    """The gradient where y is positive."""

    @staticmethod
    def forward(ctx: Any, slope: Tensor, y: Tensor) -> Tensor:
        ctx.save_for_backward(y)
        masked: Tensor = aten.threshold_backward(slope, y, 0)
        return masked

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Any:
        return _Masked.apply(*slopes, *ctx.saved_tensors), None


_REPLACED: dict[Callable[..., Tensor], Callable[..., Tensor]] = {
    F.conv2d: convolve,
    F.pad: pad,
    F.relu: relu,
}
