"""Layers that keep the type and the layout of what they are given.

Under autocast on a CPU torch pads in float32: a bfloat16 picture is copied there and, for the next
convolution, back. Values are only moved, so that the result is the same.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from bench.transfers import constant


def reflected(x: Tensor, margin: int) -> Tensor:
    """(N, C, H, W) grown by `margin` on each side by reflection; sides are longer than `margin`."""
    with torch.autocast(x.device.type, enabled=False):
        return F.pad(x, (margin,) * 4, mode="reflect")


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
    outputs, inputs = weight.shape[:2]
    with torch.autocast(x.device.type, enabled=False):
        grown = F.pad(x, (1, 1, 1, 1), mode="replicate")
        kernels = upsampled_kernels(weight).reshape(4 * outputs, inputs, 3, 3)
    cells = F.conv2d(grown, kernels, None if bias is None else bias.repeat(4))
    cells = cells.permute(0, 2, 3, 1)
    count, height, width, _ = cells.shape
    cells = cells.reshape(count, height, width, 2, 2, outputs).permute(0, 1, 3, 2, 4, 5)
    return cells.reshape(count, 2 * height, 2 * width, outputs).permute(0, 3, 1, 2)


def upsampled_kernels(weight: Tensor, bilinear: bool = True) -> Tensor:
    """Kernels (C', C, 3, 3) on a picture upsampled by 2 as (4, C', C, 3, 3) on the small one.

    One for each place in a 2×2 cell, row by row. Where pixels are repeated instead, reflection of
    the large picture is repetition of the small one's edge as well.
    """
    phases = constant(_PHASES if bilinear else _REPEATED, weight)
    return torch.einsum("api,bqj,ocij->abocpq", phases, phases, weight).flatten(0, 1)


# Of a kernel (g0, g1, g2) on a picture upsampled by 2, what meets the small pixels i - 1, i and
# i + 1: for the even pixel 2 i, and for the odd pixel 2 i + 1. Upsampled pixels are
# u[2 i] = x[i - 1] / 4 + 3 x[i] / 4 and u[2 i + 1] = 3 x[i] / 4 + x[i + 1] / 4.
_PHASES = (
    ((0.75, 0.25, 0.0), (0.25, 0.75, 0.75), (0.0, 0.0, 0.25)),
    ((0.25, 0.0, 0.0), (0.75, 0.75, 0.25), (0.0, 0.25, 0.75)),
)

# The same where u[2 i] = u[2 i + 1] = x[i].
_REPEATED = (
    ((1.0, 0.0, 0.0), (0.0, 1.0, 1.0), (0.0, 0.0, 0.0)),
    ((0.0, 0.0, 0.0), (1.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
)
