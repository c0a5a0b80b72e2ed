"""The metrics of a row: means, intervals, and why a number is missing."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping

from bench.report.index import WHOLE, Scores
from bench.report.model import Row
from bench.tables.text import digits


def add_quality(row: Row, metrics: Iterable[str], scores: Scores, seed: int) -> None:
    """Put the metrics into the row: means, intervals, and why pictures lack a number."""
    from bench.statistics import Interval, cluster_bootstrap_means

    alike: dict[tuple[tuple[str, str], ...], list[str]] = {}  # metrics of the same pictures
    for id_ in metrics:
        alike.setdefault(tuple(scores.values.get(id_, ())), []).append(id_)
    means = dict.fromkeys(metrics, Interval(math.nan, math.nan, math.nan))
    for pairs, ids in alike.items():
        if pairs:
            styles, contents = zip(*pairs, strict=True)
            numbers = [list(scores.values[id_].values()) for id_ in ids]
            means |= zip(ids, cluster_bootstrap_means(numbers, styles, contents, seed), strict=True)
    for id_, mean in means.items():
        values = scores.values.get(id_, {})
        row.by_style[id_] = _by_style(values)
        row.values |= {id_: mean.value, f"{id_} low": mean.low, f"{id_} high": mean.high}
        row.values[f"{id_} n"] = len(values)
        why = Counter(scores.missing.get(id_, {}))
        unscored = row.values["pairs"] - len(values) - why.total()
        if unscored > 0:
            why["missing", "not scored"] = unscored
        row.metric_notes[id_] = [
            f"{status} for {count} of {row.values['pairs']} pictures: {reason}"
            for (status, reason), count in why.items()
        ]


def _by_style(values: Mapping[tuple[str, str], float]) -> dict[str, float]:
    """Every style's mean."""
    by_style: dict[str, list[float]] = {}
    for (style, _), value in values.items():
        by_style.setdefault(style, []).append(value)
    return {name: sum(some) / len(some) for name, some in by_style.items()}


def add_set_quality(row: Row, id_: str, scores: Scores) -> None:
    """Put one number for all pictures into the row, with its parts; a row of one style has none."""
    nan = math.nan
    pictures, parts = scores.sets.get(id_, (0, {}))
    row.values |= {id_: scores.values.get(id_, {}).get(WHOLE, nan), f"{id_} n": pictures}
    row.values |= {f"{id_} low": nan, f"{id_} high": nan}
    told = [f"{name} {digits(value)}" for name, value in parts.items()]
    row.metric_notes[id_] = [
        f"{status}: {reason}" for status, reason in scores.missing.get(id_, {})
    ]
    if pictures:
        name = id_.partition("/")[0]
        made_of = f": {', '.join(told)}" * bool(told)
        row.metric_notes[id_].append(f"{name} of {pictures} pictures{made_of}")
