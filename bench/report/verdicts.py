"""What a table says beyond its numbers: the quality gate, the best values, who is dominated."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from bench.report.columns import AXES, FIXED, Column, of_metrics
from bench.results import MethodRecord, MetricRecord

if TYPE_CHECKING:
    from bench.report.model import Row

ANCHORS = ("identity", "style-copy")


def own(metric: MetricRecord, method: MethodRecord) -> bool:
    """Whether a method is trained on a metric or on its network's features."""
    return (
        method["method"] in metric["training_loss_of"] or metric["encoder"] in method["trains_on"]
    )


Values = Mapping[str, Mapping[tuple[str, str], float]]
"""Metric id to (style, content) to its number."""


def gate(
    method: MethodRecord,
    metrics: Mapping[str, MetricRecord],
    values: Values,
    anchors: Mapping[str, Values],
) -> str:
    """Whether every judge finds the pictures better than doing nothing and than the style.

    Judges that the method is trained on are left out, and those that were not computed.

    Args:
        method: that made the pictures.
        metrics: id to metric.
        values: the pictures' numbers.
        anchors: those of identity and of style-copy on the same contents and styles.

    Returns:
        anchor, passed, failed, or not checked: a judge lacks a number, or there is no judge.
    """
    if method["family"] == "anchor":
        return "anchor"
    axes: list[list[bool | None]] = []  # of every judge the verdict, None where it has none
    for anchor, axis in zip(ANCHORS, ("style", "content"), strict=True):
        axes.append(
            [
                _better(values.get(id_, {}), beside, metric)
                for id_, metric in metrics.items()
                if metric["judge"]
                and metric["axis"] == axis
                and not own(metric, method)
                and (beside := anchors[anchor].get(id_))
            ]
        )
    verdicts = [verdict for axis_ in axes for verdict in axis_]
    if False in verdicts:
        return "failed"
    return "passed" if all(axes) and None not in verdicts else "not checked"


def _better(
    values: Mapping[tuple[str, str], float],
    beside: Mapping[tuple[str, str], float],
    metric: MetricRecord,
) -> bool | None:
    """Whether pictures are better than an anchor's on average; None without common ones."""
    gains = [value - beside[pair] for pair, value in values.items() if pair in beside]
    if not gains:
        return None
    return sum(gains) > 0 if metric["direction"] == "higher" else sum(gains) < 0


def judge(rows: Iterable[Row], metrics: Mapping[str, MetricRecord]) -> None:
    """Mark the best values and the dominated rows; anchors take no part.

    A row that failed the quality gate is best at no cost and dominates nobody: it is no style
    transfer, however fast. A number on a method's own training loss is best at nothing. Times
    that differ by no more than the A/A noise are alike.
    """
    columns = [*FIXED.values(), *of_metrics(metrics)]
    axes = [
        column
        for column in columns
        if column.axis and (column.key not in metrics or metrics[column.key]["judge"])
    ]
    contests: dict[tuple[int, str], list[Row]] = {}
    for row in rows:
        if not row.anchor:
            contests.setdefault(row.where, []).append(row)
    for contest in contests.values():
        for column in columns:
            _mark_best(contest, column)
        rivals = [row for row in contest if row.values["gate"] != "failed"]
        for row in contest:
            row.dominated = sorted(
                rival.label
                for rival in rivals
                if _setting(rival) != _setting(row) and _dominates(rival, row, axes)
            )


def _setting(row: Row) -> tuple[str, str]:
    """What it takes to be a rival: the same thing run twice differs by chance."""
    return row.values["method"], row.values["options"]


def _mark_best(rows: Sequence[Row], column: Column) -> None:
    if column.direction is None:
        return
    merits = {
        index: merit
        for index, row in enumerate(rows)
        if column.key not in row.own
        and (column.interval == f"{column.key} " or row.values["gate"] != "failed")
        and math.isfinite(merit := _merit(row, column))
    }
    if len(merits) > 1:
        best = max(merits, key=lambda index: merits[index])
        for index, merit in merits.items():
            if merit == merits[best] or _gain(rows[best], rows[index], column) == 0:
                rows[index].best.add(column.key)


def _merit(row: Row, column: Column) -> float:
    """The number, greater being better; per picture where it was timed in batches."""
    value = row.values.get(column.key, math.nan)
    if column.unit == "ms" and column.name != "first-call":
        value = value / row.values["batch"]
    return float(column.better * (max(value, column.floor) if math.isfinite(value) else value))


def _gain(rival: Row, row: Row, column: Column) -> float:
    """By how much a rival is better; 0 where that is a time within the noise."""
    better, worse = _merit(rival, column), _merit(row, column)
    if column.unit in ("ms", "s"):
        noise = max(one.values.get("aa_noise", 0.0) for one in (rival, row))
        if abs(better - worse) <= noise * min(abs(better), abs(worse)):
            return 0.0
    return better - worse


def _dominates(rival: Row, row: Row, columns: Sequence[Column]) -> bool:
    """At least as good on every axis that both have a number on, and better on one."""
    gains = {
        column: _gain(rival, row, column)
        for column in columns
        if column.key not in row.own | rival.own
    }
    told = {column: gain for column, gain in gains.items() if math.isfinite(gain)}
    if not {column.axis for column in told} >= set(AXES):
        return False
    return min(told.values()) >= 0 and max(told.values()) > 0
