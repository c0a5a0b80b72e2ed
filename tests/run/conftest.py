"""What tests of runs share: a plugin file in a working directory of its own."""

import pytest
from helpers import strangers


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    return strangers.written(tmp_path, monkeypatch)
