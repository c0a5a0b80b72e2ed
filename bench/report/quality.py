"""What the metrics say of a row: means, intervals, and why a number is missing."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from bench.report.model import Estimate, Quality
from bench.report.verdicts import trained_on
from bench.results import MethodRecord, MetricRecord
from bench.tables.text import digits

if TYPE_CHECKING:
    from bench.report.judged import Scores


def quality_of(
    metrics: Mapping[str, MetricRecord],
    method: MethodRecord,
    scores: Scores,
    pairs: int,
    seed: int,
) -> dict[str, Quality]:
    """What every metric says of a row's pictures; metrics of sets come last.

    Args:
        metrics: id to metric.
        method: that made the pictures.
        scores: of the pictures.
        pairs: how many pictures there are.
        seed: of the bootstraps.
    """
    sets = [id_ for id_, metric in metrics.items() if metric.of_set]
    means = _means([id_ for id_ in metrics if id_ not in sets], scores, seed)
    quality = {
        id_: Quality(
            mean,
            _missing(id_, scores, pairs),
            scores.values[id_].by_style if id_ in scores.values else {},
            trained_on(metrics[id_], method),
        )
        for id_, mean in means.items()
    }
    return quality | {id_: _of_set(id_, scores, trained_on(metrics[id_], method)) for id_ in sets}


def _means(ids: Iterable[str], scores: Scores, seed: int) -> dict[str, Estimate]:
    """Means over pairs of style and content, by the cluster bootstrap."""
    from bench.statistics import cluster_bootstrap_means

    means = {}
    of_same_pictures: dict[tuple[bytes, bytes], list[str]] = {}
    for id_ in ids:
        means[id_] = Estimate(samples=0)
        if numbers := scores.values.get(id_):
            pictures = numbers.styles.tobytes(), numbers.contents.tobytes()
            of_same_pictures.setdefault(pictures, []).append(id_)
    for together in of_same_pictures.values():
        values = [scores.values[id_].values for id_ in together]
        styles, contents, *_ = scores.values[together[0]]
        intervals = cluster_bootstrap_means(values, styles, contents, seed)
        for id_, mean in zip(together, intervals, strict=True):
            means[id_] = Estimate(mean.value, mean.low, mean.high, samples=len(styles))
    return means


def _missing(id_: str, scores: Scores, pairs: int) -> list[str]:
    """Why pictures lack a number."""
    why = Counter(scores.missing.get(id_, {}))
    numbers = scores.values.get(id_)
    unscored = pairs - (len(numbers.values) if numbers else 0) - why.total()
    if unscored > 0:
        why["missing", "not scored"] = unscored
    return [
        f"{status} for {count} of {pairs} pictures: {reason}"
        for (status, reason), count in why.items()
    ]


def _of_set(id_: str, scores: Scores, trained: bool) -> Quality:
    """One number for all pictures, with its parts in the notes; a row of one style has none."""
    pictures, parts = scores.sets.get(id_, (0, {}))
    value = float(scores.values[id_].values[0]) if id_ in scores.sets else math.nan
    notes = [f"{status}: {reason}" for status, reason in scores.missing.get(id_, {})]
    if pictures:
        listed = ", ".join(f"{name} {digits(part)}" for name, part in parts.items())
        notes.append(
            f"{id_.partition('/')[0]} of {pictures} pictures" + f": {listed}" * bool(parts)
        )
    return Quality(Estimate(value, samples=pictures), notes, {}, trained)
