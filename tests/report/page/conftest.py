"""A run with pictures."""

import pytest
from helpers.painted import paint

from bench.report import plots


@pytest.fixture
def painted(fake_run, monkeypatch):
    """A function as `fake_run`, with pictures; plots, which take time, are left out."""
    monkeypatch.setattr(plots, "figures", lambda *_, **__: {})
    return lambda *args, **changes: paint(fake_run(*args, **changes))
