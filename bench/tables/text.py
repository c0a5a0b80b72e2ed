"""Names and numbers as text that fits a table and plays no tricks."""

from __future__ import annotations

import math

LONGEST_NAME = 24


def clean(text: str) -> str:
    """One line without control characters, which could play tricks on a terminal."""
    return "".join(c if c.isprintable() else "?" for c in " ".join(str(text).split()))


def short(name: str, longest: int = LONGEST_NAME) -> str:
    """A clean name, its middle left out where it is long."""
    name = clean(name)
    if len(name) <= longest:
        return name
    return f"{name[: longest // 2]}…{name[1 - longest // 2 :]}"


def digits(value: float, like: float | None = None, floor: float = 0.0) -> str:
    """A number to three significant digits, or to the decimals that another one has.

    Args:
        value: the number; from 100,000 on in thousands, as 120k.
        like: gives the decimals.
        floor: the least number that matters: no more decimals than it has.
    """
    if not math.isfinite(value):
        return "-" if math.isnan(value) else "∞"
    like = value if like is None or like == 0 else like
    exponent = int(f"{like:.2e}".partition("e")[2]) if like else 2
    if exponent >= 5:
        return f"{value / 1e3:.0f}k"
    most = 9 if not floor else -int(f"{floor:.0e}".partition("e")[2])
    return f"{value:.{min(max(2 - exponent, 0), most)}f}"


def number_text(value: float | None, floor: float = 0.0, exact: bool = False) -> str:
    """A number to three digits, `<0.001` where it is below a floor, empty where there is none.

    Args:
        value: the number.
        floor: the least number that matters.
        exact: also decimals that the floor does not have.
    """
    if value is None or not math.isfinite(value):
        return ""
    if 0 <= value < floor:
        return f"<{floor:g}"
    return digits(value, floor=0.0 if exact else floor)


def interval_text(
    low: float,
    high: float,
    like: float | None = None,
    floor: float = 0.0,
    point: bool = False,
) -> tuple[str, str] | None:
    """The ends of an interval, with the decimals of its upper end or of `like`; None without one.

    One that rounds to a point says nothing where room is short: it is left out unless `point`.
    """
    if not math.isfinite(low):
        return None
    known = [abs(end) for end in (high, like) if end is not None and math.isfinite(end)]
    like = max(known, default=None)
    ends = digits(low, like, floor), digits(high, like, floor)
    return ends if point or ends[0] != ends[1] else None
