"""Data as comma-separated values and as Parquet."""

from __future__ import annotations

import importlib.util
import io
from typing import TYPE_CHECKING

from bench.errors import BenchError

if TYPE_CHECKING:
    from pandas import DataFrame


def csv(data: DataFrame) -> str:
    """Comma-separated values with a header."""
    return data.to_csv(index=False, lineterminator="\n")


def parquet(data: DataFrame) -> bytes:
    """An Apache Parquet file.

    Raises:
        BenchError: pyarrow is not installed.
    """
    if importlib.util.find_spec("pyarrow") is None:
        raise BenchError("--format parquet needs pyarrow: pip install 'metastyle-bench[parquet]'")
    made = io.BytesIO()
    data.to_parquet(made, engine="pyarrow", index=False)
    return made.getvalue()
