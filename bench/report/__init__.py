"""The three-way table of the trade-off: flexibility (adapt), speed, quality; read from run folders.

`bench.report.rows` turns frames into rows of unrounded numbers, `bench.report.summary` those into
tables of text, `bench.report.tidy` and `bench.report.wide` into data; `bench.tables` writes them.
No torch in any of them, so that a report starts fast.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, get_args

from bench.errors import unknown
from bench.report import columns, rows, tidy, wide
from bench.report.summary import section
from bench.results import Frames
from bench.tables import formats
from bench.tables.data import csv, frame, parquet
from bench.tables.model import WIDTH

if TYPE_CHECKING:
    from pandas import DataFrame

Format = Literal["plain", "github", "latex", "csv", "json", "parquet"]
FORMATS: Sequence[str] = get_args(Format)


def table(
    frames: Frames, *, by: str = "size", all_metrics: bool = False, seed: int = 0
) -> DataFrame:
    """The report as wide data: a row as in `bench.report.rows.groups`, unrounded.

    Returns:
        Seconds (`adapt_s`) and milliseconds (`core_ms`, `pair_ms`, `e2e_ms`): medians over the
        interleaving rounds, or over styles for an adaptation that iterates, each with `_low` and
        `_high` of its 95 % bootstrap interval, `_p90` and `_n` samples; `first_call_ms`: median
        over styles; parameters in millions, megabytes (1e6) and GFLOP of one picture; per metric
        id the mean over pairs, and `ID low`, `ID high` from the cluster bootstrap over styles and
        contents, `ID n` pictures. NaN where there is nothing.
    """
    groups = rows.groups(frames, by=by, all_metrics=all_metrics, seed=seed)
    lines = [wide.line(row) for group in groups for row in group.rows]
    return frame(lines)


def render(
    frames: Frames,
    format: str = "plain",
    *,
    columns_: Sequence[str] = columns.DEFAULT,
    by: str = "size",
    sort: str | None = None,
    all_metrics: bool = False,
    width: int = WIDTH,
    color: bool = False,
    seed: int = 0,
) -> str | bytes:
    """The report in a format; text ends with a newline.

    Args:
        frames: what `bench.results.load` gives.
        format: one of `FORMATS`. csv, json and parquet, which alone is bytes, hold the long
            data of `bench.report.tidy` with every column.
        columns_: see `bench.report.columns.choose`.
        by, sort, all_metrics, seed: see `bench.report.rows.groups`.
        width: characters that a line of plain text may take.
        color: bold and dim in plain text.

    Raises:
        BenchError: no such format, column or order; or what the format needs is not installed.
    """
    if format not in FORMATS:
        raise unknown("report format", format, FORMATS)
    groups = rows.groups(frames, by=by, sort=sort, all_metrics=all_metrics, seed=seed)
    if format in ("csv", "json", "parquet"):
        data = tidy.frame(groups)
        if format == "csv":
            return csv(data)
        if format == "parquet":
            return parquet(data)
        return tidy.document(data, groups, frames.warnings)
    chosen = columns.choose(columns_, [group.metrics for group in groups])
    sections = [section(group, shown, width) for group, shown in zip(groups, chosen, strict=True)]
    return formats.write(sections, frames.warnings, format, width, color)
