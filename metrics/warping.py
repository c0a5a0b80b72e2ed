"""Temporal consistency: how far a stylized clip is from moving as its content moves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from bench.contract import Context, Frame, Metric, TemporalMetric, View
from bench.errors import BenchError, NeedError
from bench.extras import extra
from bench.hooks import hookimpl
from bench.images import to_image
from bench.losses import luminance

LEAST = 0.1
"""The share of a frame that must be seen in the earlier one too."""

Flow = Callable[[Frame, Frame], tuple[Tensor, Tensor]]
"""Of a frame and one before it: where in the earlier frame each pixel's place was, (1, H, W, 2),
from -1 to 1 between the edges, and (1, H, W) whether it was seen there."""


def camera_flow(now: Frame, before: Frame) -> tuple[Tensor, Tensor]:
    """The flow between two views of a flat scene, exact to rounding.

    Raises:
        NeedError: the views are not known.
    """
    if now.view is None or before.view is None:
        raise NeedError(
            "the clip's motion is not known: take a -dis metric, whose optical flow is estimated"
        )
    motion = (np.linalg.inv(_matrix(before.view)) @ _matrix(now.view))[:2]
    content = now.content
    theta = torch.tensor(motion, dtype=torch.float32, device=content.device)[None]
    places = F.affine_grid(theta, list(content.shape), align_corners=False)
    return places, _inside(places, content)


def _matrix(view: View) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([view[:3], view[3:], (0.0, 0.0, 1.0)], np.float64)


def _inside(places: Tensor, picture: Tensor) -> Tensor:
    """Whether all four pixels around a place are in the picture."""
    height, width = picture.shape[2:]
    room = places.new_tensor((1 - 1 / width, 1 - 1 / height))
    return (places.abs() <= room + 1e-6).all(-1)


def dis_flow(now: Frame, before: Frame) -> tuple[Tensor, Tensor]:
    """OpenCV's dense inverse search on the contents, and where it goes back to where it began.

    Kroeger, Timofte, Dai, Van Gool 2016, with OpenCV's preset `MEDIUM`; occlusions and motion
    boundaries by the rules of Ruder, Dosovitskiy, Brox 2016, eq. 5 and 6.

    Raises:
        NeedError: OpenCV is not installed.
    """
    cv2 = extra("cv2", "flow", "an estimated optical flow")
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    greys = [
        np.asarray(to_image(luminance(frame.content).expand(1, 3, -1, -1)))[..., 0].copy()
        for frame in (now, before)
    ]
    back, forth = (
        torch.from_numpy(search.calc(*pair, None)).permute(2, 0, 1)[None]
        for pair in (greys, greys[::-1])
    )
    places = _places(back)
    returned = F.grid_sample(forth, places, align_corners=False)
    apart = (back + returned).square().sum(1)
    squared = back.square().sum(1)
    occluded = apart > 0.01 * (squared + returned.square().sum(1)) + 0.5
    slopes = sum(torch.gradient(back, dim=side)[0].square().sum(1) for side in (2, 3))
    seen = _inside(places, back) & ~occluded & (slopes <= 0.01 * squared + 0.002)
    device = now.content.device
    return places.to(device), seen.to(device)


def _places(flow: Tensor) -> Tensor:
    """Of a flow (1, 2, H, W) in pixels: where it leads to, as in `Flow`."""
    height, width = flow.shape[2:]
    still = F.affine_grid(torch.eye(2, 3)[None], [1, 1, height, width], align_corners=False)
    return still + 2 * flow.permute(0, 2, 3, 1) / flow.new_tensor((width, height))


def warping_error(now: Tensor, before: Tensor, places: Tensor, seen: Tensor) -> float:
    """Root mean square of a frame's difference from the earlier one, moved to where it is now.

    Huang et al. 2017, eq. 9, for one pair of frames. Bilinear between pixels.

    Args:
        now: a frame (1, 3, H, W).
        before: an earlier one.
        places: where each pixel was in the earlier one (1, H, W, 2), see `Flow`.
        seen: whether it was seen there (1, H, W).

    Raises:
        BenchError: fewer than `LEAST` of the pixels were.
    """
    if (share := seen.float().mean().item()) < LEAST:
        raise BenchError(f"only {share:.0%} of the frame was seen in the one before")
    moved = F.grid_sample(before, places, align_corners=False)
    return (now - moved).square().mean(1)[seen].mean().sqrt().item()


class WarpingError(TemporalMetric):
    """`warping_error` of the stylized clip, over one frame or over ten.

    Short-range and long-range temporal consistency (Lai et al. 2018 and CCPL's tables). The flow is
    the content's: the camera's own, which a clip of this suite knows exactly, or OpenCV's estimate
    (`-dis`). An even flicker of ±a between frames adds 2 a to a clip that was steady; the content
    itself has what bilinear interpolation makes of sharp detail. Numbers depend on the motion, the
    size and the flow: only those of one clip compare. A blank picture has 0: read it beside the
    style. The mean is over pairs of frames, not the root over all of them as in Huang et al.
    """

    axis = "both"
    citation = "Huang et al. 2017, eq. 9; Ruder, Dosovitskiy, Brox 2016"

    def __init__(self, distance: int, flow: Flow) -> None:
        estimated = flow is not camera_flow
        self.name = f"warping-{distance}" + "-dis" * estimated
        self.by_default = not estimated
        self.distance = distance
        self._flow = flow

    def load(self, context: Context) -> None:
        """Check that OpenCV is there, where it is needed."""
        if self._flow is dis_flow:
            extra("cv2", "flow", self.name)

    def score_frames(self, now: Frame, before: Frame) -> float:
        """The error, from 0 to 1."""
        with torch.autocast(now.content.device.type, enabled=False):
            places, seen = self._flow(now, before)
            return warping_error(now.stylized, before.stylized, places, seen)


@hookimpl
def bench_metrics() -> Sequence[Metric]:
    """Over one frame and over ten, by the camera's flow and by an estimated one."""
    return [WarpingError(n, flow) for flow in (camera_flow, dis_flow) for n in (1, 10)]
