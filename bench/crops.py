"""Square crops of many pictures: drawn on the host, cut and resized where the pixels are.

On an accelerator all crops of a batch are cut and resized together, by a few operations whose
number does not grow with the batch, and the host waits for none of them. Random numbers are drawn
on the host, so that a seed gives the same crops on every device.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


class Crop(NamedTuple):
    """A square of a picture, mirrored or not; in pixels."""

    picture: int
    top: int
    left: int
    side: int
    mirrored: bool


def draw(
    shapes: Sequence[tuple[int, int, int]],
    size: int,
    scale: tuple[float, float],
    flip: bool,
    generator: torch.Generator | None = None,
) -> list[Crop]:
    """A random crop of each picture.

    Args:
        shapes: number, height and width of each.
        size: that the crop will be resized to; its side is no less where the picture has that many
            pixels.
        scale: smallest and largest side, as a share of the picture's shorter side.
        flip: mirror half of them.
        generator: of the host; torch's global one by default.
    """
    crops = []
    for picture, height, width in shapes:
        short = min(height, width)
        share, down, across, mirror = torch.rand(4, generator=generator).tolist()
        side = round(short * (scale[0] + share * (scale[1] - scale[0])))
        side = min(short, max(side, size))
        top, left = round(down * (height - side)), round(across * (width - side))
        crops.append(Crop(picture, top, left, side, flip and mirror < 0.5))
    return crops


def resize(picture: Tensor, height: int, width: int) -> Tensor:
    """Antialiased bilinear resize of (N, 3, H, W) in [0, 1]; values stay in [0, 1]."""
    return F.interpolate(
        picture, (height, width), mode="bilinear", antialias=True, align_corners=False
    ).clamp_(0, 1)


def cut_one(picture: Tensor, crop: Crop, size: int) -> Tensor:
    """A crop of a picture, uint8 (3, H, W), as float32 (3, size, size) in [0, 1]; on a CPU."""
    _, top, left, side, mirrored = crop
    cut = picture[:, top : top + side, left : left + side].float().div_(255)
    if side != size:
        cut = resize(cut[None], size, size)[0]
    return cut.flip(2) if mirrored else cut


def windows(pixels: Tensor, starts: Tensor, widths: Tensor, crops: Tensor, reach: int) -> Tensor:
    """The crops' pixels, uint8 (N, 3, reach, reach), each from the top left on, its edge repeated.

    Args:
        pixels: of all pictures, uint8, flat; each picture is (H, W, 3).
        starts: of each crop's picture in `pixels`, int64 (N,).
        widths: of it, likewise.
        crops: a row for each `Crop`, int64 (N, 5).
        reach: the largest side.
    """
    _, top, left, side, _ = crops.unbind(1)
    steps = torch.arange(reach, device=pixels.device)
    within = torch.minimum(steps, side[:, None] - 1)
    rows, columns = top[:, None] + within, left[:, None] + within
    places = rows[:, :, None] * widths[:, None, None] + columns[:, None, :]
    places = starts[:, None, None] + 3 * places
    colours = torch.arange(3, device=pixels.device)[:, None, None]
    return pixels[places[:, None] + colours]


def resample(cut: Tensor, crops: Tensor, size: int) -> Tensor:
    """Windows as `cut_one` makes pictures of them: float32 (N, 3, size, size) in [0, 1].

    An antialiased resize is a matrix product along each axis: a triangle, as wide as a pixel of the
    coarser picture, over the finer one. Mirroring takes its columns from the other end.

    Args:
        cut: as `windows` gives it.
        crops: likewise.
        size: side in pixels.
    """
    _, _, _, side, mirrored = crops.unbind(1)
    reach = cut.shape[-1]
    places = torch.arange(size, device=cut.device).expand(len(crops), size)
    across = torch.where(mirrored[:, None] > 0, size - 1 - places, places)
    with torch.autocast(cut.device.type, enabled=False):
        # levels from 0 to 255 are exact in TF32 too, their 255th parts are not
        tall = _triangles(places, side, size, reach)[:, None] @ cut.float()
        resized = tall @ _triangles(across, side, size, reach)[:, None].mT
        return resized.div_(255).clamp_(0, 1)


def _triangles(places: Tensor, side: Tensor, size: int, reach: int) -> Tensor:
    """Weights (N, size, reach) of a window's pixels in the new pixels at `places` (N, size)."""
    scale = (side / size)[:, None, None]
    steps = torch.arange(reach, device=side.device)
    distance = (steps + 0.5 - scale * (places[..., None] + 0.5)).abs() / scale.clamp_min(1)
    weights = (1 - distance).clamp_min(0) * (steps < side[:, None, None])
    return weights / weights.sum(2, keepdim=True)
