"""Do metrics order what is known? Checks on degradations, and how often each metric is right."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

from bench import results
from bench.errors import BenchError

PASSED = 0.9
"""A check is passed where this share of the comparisons comes out right."""

STEPS = (3, 10, 30, 100)
"""Optimisation steps of the stylizations, in percent of the best one's."""
GOOD = f"steps-{STEPS[-1]}"
_MORE = tuple(f"steps-{count}" for count in reversed(STEPS))
_HATCHED = (GOOD, "hatched-4", "hatched-8", "hatched-16")
_BLENDS = (GOOD, "blend-75", "blend-50", "blend-25", "identity")


@dataclass(frozen=True)
class Check:
    """An order that nobody doubts.

    Attributes:
        name: in a word or two.
        axis: of the metrics that ought to see it.
        order: rows from the best to the worst.
        meaning: what is known, in words.
    """

    name: str
    axis: Literal["style", "content", "both"]
    order: Sequence[str]
    meaning: str


CHECKS = (
    Check("steps", "style", (*_MORE, "identity"), "more optimisation steps bring the style nearer"),
    Check("blend", "style", _BLENDS, "the more of the content is mixed in, the less style"),
    Check("other style", "style", (GOOD, "wrong-style"), "another style's picture is farther"),
    Check("strokes", "style", (GOOD, "colors-only"), "strokes and colours beat colours alone"),
    Check("colours", "style", ("colors-only", "identity"), "colours alone beat nothing at all"),
    Check("texture", "style", (GOOD, "shuffled"), "a texture beats its pixels in random order"),
    Check("hatch", "style", _HATCHED, "a cross-hatch over the picture is none of the style's"),
    Check("steps", "content", ("identity", *reversed(_MORE)), "more steps take content away"),
    Check("blend", "content", tuple(reversed(_BLENDS)), "mixing the content in brings it back"),
    Check("other content", "content", (GOOD, "wrong-content"), "another content is farther"),
    Check(
        "colours",
        "content",
        ("identity", "colors-only", "wrong-content"),
        "other colours change a picture, and leave it the same picture",
    ),
    Check("places", "content", (GOOD, "shuffled-tiles"), "tiles in random order show nothing"),
    Check("pixels", "content", (GOOD, "shuffled"), "pixels in random order show nothing"),
    Check("hatch", "content", _HATCHED, "a cross-hatch over the picture hides the content"),
    Check("noise", "both", (GOOD, "shuffled"), "pixels in random order are noise"),
    Check("hatch", "both", _HATCHED, "the stronger a cross-hatch lies over the picture, the worse"),
)


def shares(values: Mapping[str, Mapping[tuple[str, str], float]], check: Check, sign: int) -> float:
    """How often neighbours in a check's order are ordered right, a tie being wrong.

    Args:
        values: a metric's numbers: row to (style, content) to number.
        check: with the order.
        sign: 1 where higher is better, -1 where lower is.

    Returns:
        Right comparisons of all, over pictures and neighbours; NaN where there is none.
    """
    right = total = 0
    for better, worse in pairwise(check.order):
        one, other = values.get(better, {}), values.get(worse, {})
        common = one.keys() & other.keys()
        right += sum(sign * one[pair] > sign * other[pair] for pair in common)
        total += len(common)
    return right / total if total else math.nan


def agreement(run: Path) -> dict[str, dict[str, dict[str, float]]]:
    """Axis to metric to check to share, of a run that has the checks' rows.

    Raises:
        BenchError: the run lacks rows.
    """
    frames = results.load([run])
    (record,) = frames.records.values()
    rows = {row for check in CHECKS for row in check.order}
    if missing := sorted(rows - record.methods.keys()):
        raise BenchError(f"{run} is no run of the study judges: it has no row {missing[0]}")
    scores = frames.scores[frames.scores["status"] == "ok"]
    found: dict[str, dict[str, dict[str, float]]] = {check.axis: {} for check in CHECKS}
    for id_, metric in record.metrics.items():
        mine = scores[scores["metric"] == id_]
        if mine.empty:
            continue
        values: dict[str, dict[tuple[str, str], float]] = {}
        keys = zip(mine["method"], mine["style"], mine["content"], mine["value"], strict=True)
        for method, style, content, value in keys:
            values.setdefault(method, {})[style, content] = value
        sign = 1 if metric.direction == "higher" else -1
        found[metric.axis][id_] = {
            check.name: shares(values, check, sign) for check in CHECKS if check.axis == metric.axis
        }
    return found


def render(run: Path) -> str:
    """The shares as tables, in percent, those below `PASSED` marked, and what the checks mean."""
    from tabulate import tabulate

    record = results.read_run(run)
    parts = []
    for axis, metrics in agreement(run).items():
        if not metrics:
            continue
        checks = [check for check in CHECKS if check.axis == axis]
        lines = [
            [id_, *(_percent(shares[check.name]) for check in checks)]
            for id_, shares in metrics.items()
        ]
        kind = "style and content" if axis == "both" else axis
        headers = [f"{kind} metrics", *(check.name.replace(" ", "\n") for check in checks)]
        right = ("left", *("right" for _ in checks))
        parts.append(tabulate(lines, headers, colalign=right, disable_numparse=True))
        parts.append("\n".join(f"{check.name}: {check.meaning}" for check in checks))
    contents, styles, (size,) = record.contents, record.styles, record.sizes
    parts.append(
        f"right comparisons in percent, over {len(contents)} contents in {len(styles)} styles at "
        f"{size} px; below {100 * PASSED:.0f} marked !"
    )
    return "\n\n".join(parts)


def _percent(share: float) -> str:
    return "-" if math.isnan(share) else f"{'!' * (share < PASSED)}{math.floor(100 * share)}"
