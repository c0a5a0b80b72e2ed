"""A report's numbers as wide data: one line per row of the report, unrounded."""

from __future__ import annotations

import math
from typing import Any

from bench.report.columns import MEASURED, Measured
from bench.report.model import Row


def about(row: Row) -> dict[str, Any]:
    """What a row is about, and how it went."""
    variant = row.variant
    return {
        "run": row.run,
        "environment": variant.environment,
        "dataset": row.dataset,
        "dataset_fingerprint": variant.dataset,
        "method": row.method,
        "family": row.family,
        "options": variant.options,
        "precision": variant.precision,
        "adapt_limit_s": math.nan if variant.adapt_limit is None else variant.adapt_limit,
        "seed": variant.seed,
        "bench": variant.bench,
        "commit": variant.commit,
        "batch": row.batch,
        "size": row.size,
        "style": row.style,
        "status": row.outcome.status,
        "reason": row.outcome.reason,
        "gate": row.quality_gate,
    }


def line(row: Row) -> dict[str, Any]:
    """All of a row by the names that `bench.report.table` documents."""
    numbers = about(row) | {"aa_noise": row.noise}
    for column in MEASURED:
        numbers |= _measured(row, column)
    numbers["adapt_ended"] = row.adapt_ended
    numbers |= {"pairs": row.pairs, "styles": row.styles, "contents": row.contents}
    for id_, quality in row.quality.items():
        mean = quality.estimate
        numbers |= {id_: mean.value, f"{id_} low": mean.low, f"{id_} high": mean.high}
        numbers[f"{id_} n"] = mean.samples
    trained_on = sorted(id_ for id_, quality in row.quality.items() if quality.trained_on)
    return numbers | {"trained_on": " ".join(trained_on)}


def _measured(row: Row, column: Measured) -> dict[str, Any]:
    number, name = column.of(row), column.data
    if not column.sampled:
        return {name: number.value}
    ends = {"": number.value, "_low": number.low, "_high": number.high, "_p90": number.p90}
    return {f"{name}{end}": value for end, value in ends.items()} | {f"{name}_n": number.samples}
