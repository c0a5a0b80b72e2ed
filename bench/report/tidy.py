"""A report's numbers as long data: one row per number, for a spreadsheet, pandas or R."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from bench.report.columns import FIXED, Column, of_metrics
from bench.report.model import Group, Row
from bench.tables.text import clean

if TYPE_CHECKING:
    from pandas import DataFrame

_ABOUT: Sequence[str] = """
    run environment dataset dataset_fingerprint method family options precision adapt_limit_s seed
    bench commit batch size style status reason gate
""".split()  # noqa: SIM905


def frame(groups: Sequence[Group]) -> DataFrame:
    """One row per row of the report and quantity.

    Returns:
        What the row is about (see `bench.report.table`), `dominated`, and `measure` (a column's
        name or a metric's id), `axis`, `unit`, `direction`, `value`, `low` and `high` of its 95 %
        interval, `n` observations, `trained_on` (the method is trained on this metric), `best`.
        NaN where there is nothing.
    """
    from pandas import DataFrame

    made: DataFrame = DataFrame([line for group in groups for line in _lines(group)])
    return made


def _lines(group: Group) -> Iterator[dict[str, Any]]:
    columns = [*FIXED.values(), *of_metrics(group.metrics)]
    for row in group.rows:
        about = {name: row.values[name] for name in _ABOUT} | {"dominated": bool(row.dominated)}
        for column in columns:
            if column.direction:
                yield about | _line(row, column)


def _line(row: Row, column: Column) -> dict[str, Any]:
    metric = column.interval == f"{column.key} "
    low, high, count = (
        row.values.get(f"{column.interval}{end}", math.nan) if column.interval else math.nan
        for end in ("low", "high", "n")
    )
    return {
        "measure": column.key if metric else column.name,
        "axis": column.axis,
        "unit": column.unit,
        "direction": column.direction,
        "value": float(row.values[column.key]),
        "low": low,
        "high": high,
        "n": count,
        "trained_on": column.key in row.own,
        "best": column.key in row.best,
    }


def document(data: DataFrame, groups: Sequence[Group], warnings: Sequence[str]) -> str:
    """JSON: the long data as `rows`, and the environments, datasets, metrics and notes."""
    told = {
        "groups": [
            {
                "environment": group.environment,
                "dataset": group.dataset,
                "metrics": group.metrics,
                "notes": group.notes,
            }
            for group in groups
        ],
        "rows": [
            {str(name): _json_value(value) for name, value in line.items()}
            for line in data.to_dict("records")
        ],
        "warnings": [clean(warning) for warning in warnings],
    }
    return json.dumps(told, indent=1, allow_nan=False) + "\n"


def _json_value(value: Any) -> Any:
    if isinstance(value, float):  # numpy's float64 is one
        return float(value) if math.isfinite(value) else None
    return value
