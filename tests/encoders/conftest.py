"""The cache of torch.hub, empty."""

import urllib.error

import pytest
import torch


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty torch.hub cache and user folder; downloads are refused."""
    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path / "user"))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))

    def offline(url, dst, hash_prefix=None, progress=True):
        raise urllib.error.URLError("no network in tests")

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    return tmp_path / "hub" / "checkpoints"
