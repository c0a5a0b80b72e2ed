"""Which method for so many pictures in so many styles: the answer, with its reasons.

What a method costs is its adaptation for every style and its core time for every picture; where the
need says so, the training of its weights once as well. How good
it is, is told on a scale between the anchors: on each style judge 0 is the style's own picture and
1 the photograph unchanged, on each content judge the other way round. Its quality error is the
distance from 0 in both, so that a method that only trades style for content gains nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.report.amortised import Cost, costs
from bench.report.model import Group, Row
from bench.report.need import Need, Prefer
from bench.report.quantities import duration, memory
from bench.report.scale import Scale

WORSE, CLEARLY = 0.05, 0.95
"""Clearly worse: in so large a share of the resamples of styles by more than so large a share."""


@dataclass(frozen=True)
class Candidate:
    """A row that meets the limits.

    Attributes:
        row: of the report.
        adapt, picture: seconds of one style and of one picture.
        training: seconds that its weights took to train; 0 where it has none, NaN if not known.
        total: seconds for all; low, high: its 95 % interval, NaN without one.
        style, content: errors between 0 and 1 of the anchors, means over judges.
        error: the quality error, the length of both.
        draws: the error in resamples of the styles, the same for all candidates.
        times: seconds of a style and of a picture in resamples, (2, resamples); None without.
    """

    row: Row
    adapt: float
    picture: float
    training: float
    total: float
    low: float
    high: float
    style: float
    content: float
    error: float
    draws: NDArray[np.float64] = field(repr=False, compare=False)
    times: NDArray[np.float64] | None = field(repr=False, compare=False)

    def worse_than(self, other: Candidate, by: float = 0.0) -> float:
        """In what share of the resamples its error is larger by more than `by` of the other's."""
        return float(np.mean(self.draws > other.draws * (1 + by)))


@dataclass(frozen=True)
class Answer:
    """What is recommended, and why.

    Attributes:
        need: what was asked, its size filled in.
        group: where the rows are from.
        recommended: the first choice; None where nothing meets the limits.
        others: the candidates that are left, the next best first.
        excluded: a row's label and why it is none.
        styles: how many styles the quality is of.
    """

    need: Need
    group: Group
    recommended: Candidate | None
    others: Sequence[Candidate]
    excluded: Sequence[tuple[str, str]]
    styles: int


def answer(group: Group, need: Need, seed: int = 0) -> Answer:
    """Choose among a group's rows.

    By `balance` the quickest of those whose pictures are not clearly worse than the best one's
    (`WORSE`, `CLEARLY`); by `quality` the smallest error; by `time` the quickest.

    Args:
        group: the rows of one environment and dataset, of all styles together.
        need: see there.
        seed: of the resamples.

    Raises:
        BenchError: the anchors or the judges are missing, so that quality has no scale.
    """
    size = need.size or _usual_size(group)
    rows = [row for row in group.rows if row.size == size]
    if not rows:
        known = ", ".join(str(s) for s in sorted({row.size for row in group.rows}))
        raise BenchError(f"--size {size}: nothing was measured at it, but at {known}")
    need = replace(need, size=size)
    scale = Scale(group, rows, seed)
    candidates, excluded = [], []
    known_costs = {id(cost.row): cost for cost in costs(group, seed)}
    for row in rows:
        if row.anchor:
            continue
        found = _candidate(row, known_costs.get(id(row)), need, scale)
        if isinstance(found, str):
            excluded.append((row.label, found))
        else:
            candidates.append(found)
    ordered = _ordered(candidates, need.prefer)
    best = ordered[0] if ordered else None
    return Answer(need, group, best, ordered[1:], excluded, len(scale.styles))


def _usual_size(group: Group) -> int:
    sizes = [row.size for row in group.rows]
    return max(sorted(set(sizes)), key=sizes.count)


def _candidate(row: Row, cost: Cost | None, need: Need, scale: Scale) -> Candidate | str:
    """The row with its numbers, or the limit or the lack that excludes it."""
    if cost is None:
        return row.outcome.reason or "it has no time of adaptation or of a picture"
    if row.quality_gate == "failed":
        return "its pictures are no better than the photograph or the style itself"
    if (barred := need.barred.get((row.run, row.method))) is not None:
        return barred
    training = row.training if need.training else 0.0
    if math.isnan(training):
        return "what the training of its weights took is not known"
    total = training + need.styles * cost.adapt + need.pictures * cost.image
    limits = (
        (cost.adapt, need.new_style_in, "a new style", duration),
        (cost.image, need.picture_in, "a picture", duration),
        (row.resources.peak.value * 1e6, need.memory, "it", memory),
        (total, need.total_in, "all", duration),
    )
    for value, limit, what, said in limits:
        if limit is not None and value > limit:
            return f"{what} takes {said(value)}, more than {said(limit)}"
    if (quality := scale.of(row)) is None:
        return "a judge lacks a number"
    low = high = math.nan
    if cost.draws is not None:
        sums = training + need.styles * cost.draws[0] + need.pictures * cost.draws[1]
        low, high = (float(end) for end in np.quantile(sums, (0.025, 0.975)))
    style, content = (float(part.mean()) for part in quality)
    draws = np.hypot(*(scale.resampled(part) for part in quality))
    return Candidate(
        row, cost.adapt, cost.image, row.training, total, low, high, style, content,
        math.hypot(style, content), draws, cost.draws,
    )  # fmt: skip


def _ordered(candidates: Sequence[Candidate], prefer: Prefer) -> list[Candidate]:
    """The first choice, then what would be chosen without it, and so on."""
    left, ordered = list(candidates), []
    while left:
        best = min(left, key=lambda c: c.error)
        if prefer == "time":
            best = min(left, key=lambda c: c.total)
        elif prefer == "balance":
            good = [c for c in left if c.worse_than(best, WORSE) < CLEARLY]
            best = min(good, key=lambda c: c.total)
        left.remove(best)
        ordered.append(best)
    return ordered
