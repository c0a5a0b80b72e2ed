"""What a table says beyond its numbers: the quality gate, the best numbers, who is dominated."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from bench.anchors import TO_BEAT
from bench.report.columns import AXES, MetricColumn, Numbers, numbers
from bench.report.model import QualityGate, Row
from bench.results import MethodRecord, MetricRecord

if TYPE_CHECKING:
    from bench.report.judged import PictureValues


def trained_on(metric: MetricRecord, method: MethodRecord) -> bool:
    """Whether a method is trained on a metric or on its network's features."""
    return method.method in metric.training_loss_of or metric.encoder in method.trains_on


Values = Mapping[str, "PictureValues"]
"""By metric id."""


def quality_gate(
    method: MethodRecord,
    metrics: Mapping[str, MetricRecord],
    values: Values,
    anchors: Mapping[str, Values],
) -> QualityGate:
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
    if method.family == "anchor":
        return "anchor"
    axes: list[list[bool | None]] = []  # of every judge the verdict, None where it has none
    for axis, anchor in TO_BEAT.items():
        axes.append(
            [
                _better(values.get(id_), beside, metric)
                for id_, metric in metrics.items()
                if metric.judge
                and metric.axis == axis
                and not trained_on(metric, method)
                and (beside := anchors[anchor].get(id_))
            ]
        )
    verdicts = [verdict for axis_ in axes for verdict in axis_]
    if False in verdicts:
        return "failed"
    return "passed" if all(axes) and None not in verdicts else "not checked"


def _better(
    values: PictureValues | None, beside: PictureValues, metric: MetricRecord
) -> bool | None:
    """Whether pictures are better than an anchor's on average; None without common ones."""
    if values is None:
        return None
    mine, theirs = values.beside(beside)
    if not len(mine):
        return None
    gain = float((mine - theirs).sum())
    return gain > 0 if metric.direction == "higher" else gain < 0


def mark(rows: Iterable[Row], metrics: Mapping[str, MetricRecord]) -> None:
    """Mark the best numbers and the dominated rows; anchors take no part.

    A row that failed the quality gate is best at no cost and dominates nobody: it is no style
    transfer, however fast. A number on a method's own training loss is best at nothing. Times
    that differ by no more than the A/A noise are alike.
    """
    columns = numbers(metrics)
    axes = [
        column
        for column in columns
        if column.axis and (not isinstance(column, MetricColumn) or column.metric.judge)
    ]
    contests: dict[tuple[int, str], list[Row]] = {}
    for row in rows:
        if not row.anchor:
            contests.setdefault(row.where, []).append(row)
    for contest in contests.values():
        for column in columns:
            _mark_best(contest, column)
        rivals = [row for row in contest if row.quality_gate != "failed"]
        for row in contest:
            row.dominated = sorted(
                rival.label
                for rival in rivals
                if _setting(rival) != _setting(row) and _dominates(rival, row, axes)
            )


def _setting(row: Row) -> tuple[str, str]:
    """What it takes to be a rival: the same thing run twice differs by chance."""
    return row.method, row.variant.options


def _mark_best(rows: Sequence[Row], column: Numbers) -> None:
    merits = {
        index: merit
        for index, row in enumerate(rows)
        if not column.trained_on(row)
        and (isinstance(column, MetricColumn) or row.quality_gate != "failed")
        and math.isfinite(merit := _merit(row, column))
    }
    if len(merits) > 1:
        best = max(merits, key=lambda index: merits[index])
        for index, merit in merits.items():
            if merit == merits[best] or _gain(rows[best], rows[index], column) == 0:
                rows[index].best.add(column.key)


def _merit(row: Row, column: Numbers) -> float:
    """The number per picture, greater being better."""
    value = column.per_picture(row)
    return float(column.better * (max(value, column.floor) if math.isfinite(value) else value))


def _gain(rival: Row, row: Row, column: Numbers) -> float:
    """By how much a rival is better; 0 where that is a time within the noise."""
    better, worse = _merit(rival, column), _merit(row, column)
    if column.time:
        noise = max(rival.noise, row.noise)
        if abs(better - worse) <= noise * min(abs(better), abs(worse)):
            return 0.0
    return better - worse


def _dominates(rival: Row, row: Row, columns: Sequence[Numbers]) -> bool:
    """At least as good on every axis that both have a number on, and better on one."""
    gains: dict[str, list[float]] = {}
    for column in columns:
        gain = _gain(rival, row, column)
        if math.isfinite(gain) and not (column.trained_on(row) or column.trained_on(rival)):
            gains.setdefault(column.axis, []).append(gain)
    if not all(gains.get(axis) for axis in AXES):
        return False
    known = [gain for of_axis in gains.values() for gain in of_axis]
    return min(known) >= 0 and max(known) > 0
