"""Tables as data."""

import pytest
from helpers.report import frames_of

from bench.errors import BenchError
from bench.report import render


def test_parquet_without_pyarrow_names_the_extra(fake_run, monkeypatch):
    frames = frames_of(fake_run())

    def not_there(name):
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr("bench.extras.importlib.import_module", not_there)
    with pytest.raises(BenchError, match=r"^--format parquet needs pyarrow: pip .*\[parquet\]'$"):
        render(frames, "parquet")
