"""What the fields of a record may hold: types with bounds, which reading checks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from msgspec import Meta

Status = Literal["ok", "error", "oom", "skipped"]
Scope = Literal["adapt", "core", "pair", "e2e"]
Kind = Literal["cells", "speed", "batches", "scores", "sets"]

LARGEST_VALUE = 1e100
"""The greatest magnitude of a metric's number: its square is still finite."""

DEEPEST = 16
"""So many lists and objects within each other an open value may be."""

Text = str
Name = Annotated[str, Meta(min_length=1)]
PathText = Annotated[str, Meta(min_length=1, pattern=r"\A[^\0]*\Z")]  # no path has a NUL
Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Positive = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Side = Annotated[int, Meta(ge=1, le=65536)]  # pixels
Threads = Annotated[int, Meta(ge=1, le=4096)]
Step = Annotated[int, Meta(ge=0, le=10**12)]
Seconds = Annotated[float, Meta(ge=0, le=1e9)]
Rate = Annotated[float, Meta(gt=0, le=1e18)]
Amount = Annotated[float, Meta(ge=0, le=1e18)]
Value = Annotated[float, Meta(ge=-LARGEST_VALUE, le=LARGEST_VALUE)]
Open = Any
"""What only the plugin or the machine that gave it understands: JSON, see `check_open`."""


def check_open(values: Mapping[str, Open]) -> None:
    """Insist that open values are JSON that can be shown and written again.

    Raises:
        ValueError: one is nested deeper than `DEEPEST`, or a number is not finite.
    """
    level: Sequence[Open] = list(values.values())
    for _ in range(DEEPEST):
        if not all(math.isfinite(value) for value in level if isinstance(value, float)):
            raise ValueError("a number that is not finite")
        level = [inner for value in level for inner in _inside(value)]
        if not level:
            return
    raise ValueError(f"nested deeper than {DEEPEST}")


def _inside(value: Open) -> Sequence[Open]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list | tuple) else ()
