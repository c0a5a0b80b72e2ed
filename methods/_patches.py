"""Patch matching between feature maps, in bounded memory: Style-Swap, which Avatar-Net shares."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

CHUNK = 1 << 24
"""Numbers at a time, in patches and in their scores: 64 MiB each."""


def swap(content: Tensor, style: Tensor, patch: int) -> Tensor:
    """Each content patch replaced by the style patch most like it; overlaps are averaged.

    Chen, Schmidt 2016, eq. 4 to 6: likeness is normalised cross-correlation, all patches at
    stride 1. The style's patches come in chunks, so that memory does not grow with their number.

    Args:
        content: features (N, C, H, W).
        style: features (1, C, h, w).
        patch: side of the patches; less where a map is smaller.

    Returns:
        Features (N, C, H, W).
    """
    patch = min(patch, *content.shape[2:], *style.shape[2:])
    best = nearest(content, style, patch)
    count, channels, height, width = content.shape
    across = style.shape[3] - patch + 1
    top, left = best.div(across, rounding_mode="floor"), best % across
    total = content.new_zeros(channels, count, height, width)
    covered = content.new_zeros(height, width)
    rows, columns = best.shape[1:]
    for y in range(patch):
        for x in range(patch):
            total[..., y : y + rows, x : x + columns] += style[0, :, top + y, left + x]
            covered[y : y + rows, x : x + columns] += 1
    return (total / covered).transpose(0, 1)


def nearest(content: Tensor, style: Tensor, patch: int) -> Tensor:
    """Which style patch is most like each content patch: (N, H - patch + 1, W - patch + 1).

    Patches are counted row by row. The content patch's own norm does not change the order.
    """
    rows, across = (side - patch + 1 for side in style.shape[2:])
    positions = content[:, 0].numel()
    per_row = across * max(style.shape[1] * patch * patch, positions)
    step = max(1, CHUNK // per_row)
    shape = (len(content), content.shape[2] - patch + 1, content.shape[3] - patch + 1)
    score = content.new_full(shape, -torch.inf)
    best = torch.zeros(shape, dtype=torch.long, device=content.device)
    for first in range(0, rows, step):
        strip = style[:, :, first : first + step + patch - 1]
        kernels = F.unfold(strip, patch)[0].T
        kernels = F.normalize(kernels, dim=1).view(-1, style.shape[1], patch, patch)
        likeness, which = F.conv2d(content, kernels).float().max(1)
        better = likeness > score
        score = torch.where(better, likeness, score)
        best = torch.where(better, which + first * across, best)
    return best
