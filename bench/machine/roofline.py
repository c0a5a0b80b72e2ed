"""The machine's measured peak: the highest rates that torch reaches on it."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

SECONDS = 0.15  # of each of the measurements, after a first call


@functools.cache
def measured_peaks(device: torch.device, threads: int) -> dict[str, dict[str, float]]:
    """GFLOP/s by dtype of a matrix product and of a convolution, the best of some calls each.

    The convolution is 3 x 3 from 128 to 128 channels, as in a residual layer for pictures of 256
    pixels. Takes about a second. A dtype that the device does not know is left out; that of TF32,
    on CUDA, is of convolutions, as matrix products are in whole float32.

    Args:
        device: to measure.
        threads: torch's number of them, by which a measurement is remembered.
    """
    import torch

    from bench.contract import Precision

    side, count = (1024, 1) if device.type == "cpu" else (8192, 64)
    peak: dict[str, dict[str, float]] = {}
    draw = functools.partial(torch.randn, generator=torch.Generator().manual_seed(0))
    matrix, features, kernel = (
        draw(*shape).to(device) for shape in ((side, side), (count, 128, 64, 64), (128, 128, 3, 3))
    )
    for name in ("float32", "bfloat16", *("tf32", "float16") * (device.type == "cuda")):
        dtype = torch.float32 if name == "tf32" else getattr(torch, name)
        a = matrix.to(dtype)
        x, k = (t.to(dtype, memory_format=torch.channels_last) for t in (features, kernel))
        calls = {
            "matmul": (functools.partial(torch.mm, a, a), 2 * side**3),
            "convolution": (
                functools.partial(torch.conv2d, x, k, padding=1),
                2 * features.numel() * 128 * 9,
            ),
        }
        switch = Precision("tf32").autocast(device) if name == "tf32" else contextlib.nullcontext()
        with torch.inference_mode(), switch, contextlib.suppress(RuntimeError):
            peak[name] = {
                layer: round(flops / least_seconds(call, device) / 1e9, 1)
                for layer, (call, flops) in calls.items()
            }
    return peak


def least_seconds(call: Callable[[], object], device: torch.device) -> float:
    """The time of the fastest of many calls, the first left out."""
    from bench.machine.clock import timed

    call()
    best, spent = math.inf, 0.0
    while spent < SECONDS:
        seconds = timed(call, device)[1]
        best, spent = min(best, seconds), spent + seconds
    return best
