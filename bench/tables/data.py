"""Data: frames of named values, as comma-separated values, as JSON's and as Parquet."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.extras import extra
from bench.results.columnwise import keep_texts

if TYPE_CHECKING:
    from pandas import DataFrame


def frame(lines: Sequence[Mapping[str, Any]], columns: Sequence[str] | None = None) -> DataFrame:
    """A frame of lines of named values, NaN where a line lacks a name.

    Args:
        lines: a row each.
        columns: their names and order; by default all names, in the order in which they come.
    """
    from pandas import DataFrame

    keep_texts()
    data: DataFrame = DataFrame(lines, columns=list(columns) if columns else None)
    return data


def csv(data: DataFrame) -> str:
    """Comma-separated values with a header."""
    return data.to_csv(index=False, lineterminator="\n")


def json_lines(data: DataFrame) -> list[dict[str, Any]]:
    """A dictionary for each row, of what JSON can hold: what is no finite number is None."""
    return [
        {str(name): _json_value(value) for name, value in line.items()}
        for line in data.to_dict("records")
    ]


def _json_value(value: Any) -> Any:
    if isinstance(value, float):  # numpy's float64 is one
        return float(value) if math.isfinite(value) else None
    return value


def parquet(data: DataFrame) -> bytes:
    """An Apache Parquet file, whose texts are UTF-8: what it has no letter for is a `?`.

    Raises:
        NeedError: pyarrow is not installed.
    """
    extra("pyarrow", "parquet", "--format parquet")
    buffer = io.BytesIO()
    data.map(_utf8).to_parquet(buffer, engine="pyarrow", index=False)
    return buffer.getvalue()


def _utf8(value: Any) -> Any:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
