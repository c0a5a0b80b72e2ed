"""Times and memory as people say them; `choose.js` says them alike on the page."""

from __future__ import annotations

import math


def duration(seconds: float) -> str:
    """A time as people say it: 45 ms, 3.2 s, 4 min 10 s, 2 h 5 min, 3 d 4 h."""
    if seconds < 1:
        return f"{1e3 * seconds:.3g} ms"
    if seconds < 59.5:
        return f"{seconds:.3g} s"
    for large, small, unit, below in (("min", "s", 60, 3600), ("h", "min", 3600, 86_400)):
        whole, rest = divmod(_nearest(seconds / (unit // 60)), 60)
        if seconds < below - unit / 120:
            return f"{whole} {large} {rest} {small}" if rest else f"{whole} {large}"
    days, hours = divmod(_nearest(seconds / 3600), 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def _nearest(number: float) -> int:
    """Halves go up, as in JavaScript."""
    return math.floor(number + 0.5)


def memory(size: float) -> str:
    """A number of bytes as people say it: 800 kB, 45 MB, 1.5 GB."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6)):
        if size >= scale:
            return f"{size / scale:.3g} {unit}"
    return f"{size / 1e3:.3g} kB"
