"""What share of the machine's measured peak a method reaches."""

from __future__ import annotations

import math
from collections.abc import Mapping


def share(
    flops: float, seconds: float, precision: str, peak: Mapping[str, Mapping[str, float]]
) -> float:
    """What share of the peak a call reaches: of the higher of the two rates of its dtype.

    The work is nominal, as torch counts it for the textbook form of every layer. So shares
    compare times of the same task, and an algorithm with fewer multiplications may pass 1.

    Args:
        flops: of the call.
        seconds: that it takes.
        precision: a label that begins with the dtype, as `bfloat16/channels_last`.
        peak: what `measure` gave; empty for runs that have none.

    Returns:
        The share; NaN without a peak for the dtype.
    """
    rates = peak.get(precision.partition("/")[0])
    return flops / seconds / 1e9 / max(rates.values()) if rates else math.nan
