"""A report's numbers as long data: one row per number, for a spreadsheet, pandas or R."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bench.report.columns import Direction, Numbers, numbers
from bench.report.model import Batch, Estimate, Group, Row
from bench.report.wide import about
from bench.tables import data
from bench.tables.text import clean

if TYPE_CHECKING:
    from pandas import DataFrame


def frame(groups: Sequence[Group]) -> DataFrame:
    """One row per row of the report and quantity.

    Returns:
        What the row is about (see `bench.report.table`), `dominated`, and `measure` (a column's
        name or a metric's id), `axis`, `unit`, `direction`, `value`, `low` and `high` of its 95 %
        interval, `n` observations, `trained_on` (the method is trained on this metric), `best`.
        NaN where there is nothing.
    """
    return data.frame([line for group in groups for line in _lines(group)])


def _lines(group: Group) -> Iterator[dict[str, Any]]:
    columns = numbers(group.metrics)
    for row in group.rows:
        subject = about(row) | {"dominated": bool(row.dominated)}
        for column in columns:
            yield subject | _line(row, column)
        for batch in row.batches:
            failed = {"status": batch.status, "reason": batch.reason} if batch.reason else {}
            for line in _batch_lines(batch):
                yield subject | {"batch": batch.pictures} | failed | line


def _line(row: Row, column: Numbers) -> dict[str, Any]:
    number = column.of(row)
    return {
        "measure": column.key,
        "axis": column.axis,
        "unit": column.unit,
        "direction": column.direction,
        **_estimate(number),
        "trained_on": column.trained_on(row),
        "best": column.key in row.best,
    }


def _batch_lines(batch: Batch) -> Iterator[dict[str, Any]]:
    """What is told of one size of a batch; a call's milliseconds always are."""
    numbers: dict[str, tuple[str, Direction, Estimate]] = {
        "batch_core": ("ms", "lower", batch.call),
        "pictures_per_second": ("1/s", "higher", batch.per_second),
        "batch_allocated": ("MB", "lower", Estimate(batch.allocated)),
        "batch_reserved": ("MB", "lower", Estimate(batch.reserved)),
        "batch_device": ("MB", "lower", Estimate(batch.device)),
        "joules_per_picture": ("J", "lower", Estimate(batch.joules)),
        "batch_outside": ("%", "lower", Estimate(batch.outside)),
    }
    for name, (unit, direction, number) in numbers.items():
        if number.known or name == "batch_core":
            about = {"measure": name, "axis": "", "unit": unit, "direction": direction}
            yield about | _estimate(number) | {"trained_on": False, "best": False}


def _estimate(number: Estimate) -> dict[str, Any]:
    return {
        "value": float(number.value),
        "low": number.low,
        "high": number.high,
        "n": math.nan if number.samples is None else number.samples,
    }


def document(long: DataFrame, groups: Sequence[Group], warnings: Sequence[str]) -> str:
    """JSON: the long data as `rows`, and the environments, datasets, metrics and notes."""
    whole = {
        "groups": [
            {
                "environment": group.environment.facts,
                "dataset": asdict(group.dataset),
                "metrics": {id_: asdict(metric) for id_, metric in group.metrics.items()},
                "notes": group.notes,
            }
            for group in groups
        ],
        "rows": data.json_lines(long),
        "warnings": [clean(warning) for warning in warnings],
    }
    return json.dumps(whole, indent=1, allow_nan=False) + "\n"
