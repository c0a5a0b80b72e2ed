"""Data as comma-separated values and as Parquet."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from bench.extras import extra

if TYPE_CHECKING:
    from pandas import DataFrame


def csv(data: DataFrame) -> str:
    """Comma-separated values with a header."""
    return data.to_csv(index=False, lineterminator="\n")


def parquet(data: DataFrame) -> bytes:
    """An Apache Parquet file.

    Raises:
        NeedError: pyarrow is not installed.
    """
    extra("pyarrow", "parquet", "--format parquet")
    buffer = io.BytesIO()
    data.to_parquet(buffer, engine="pyarrow", index=False)
    return buffer.getvalue()
