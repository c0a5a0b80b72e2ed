"""Weights that a user downloads: from where, checked, and one line where they are missing."""

import socket

import pytest
import torch

from bench import encoders
from bench.errors import BenchError


@pytest.mark.parametrize("cls", [encoders.Vgg16, encoders.Vgg19])
def test_offline_is_one_line_that_says_what_from_where_and_where_to(cls, hub):
    with pytest.raises(BenchError) as caught:
        cls().build()
    message = str(caught.value)
    assert "\n" not in message
    for part in (cls.weights.file, cls.weights.source, str(hub), "no network in tests"):
        assert part in message


def test_a_download_has_a_timeout_and_is_tried_once(hub, monkeypatch):
    timeouts = []

    def slow(url, dst, hash_prefix=None, progress=True):
        timeouts.append(socket.getdefaulttimeout())
        raise TimeoutError

    monkeypatch.setattr(torch.hub, "download_url_to_file", slow)
    for _ in range(2):
        with pytest.raises(BenchError, match="TimeoutError"):
            encoders.Vgg16().build()
    assert len(timeouts) == 1
    assert 0 < timeouts[0] <= 10
    assert socket.getdefaulttimeout() is None


def test_a_download_is_checked_by_its_hash_and_read(hub, monkeypatch):
    def other(url, dst, hash_prefix=None, progress=True):
        assert hash_prefix == encoders.Vgg16.weights.sha256
        raise RuntimeError('invalid hash value (expected "397923af", got "00")')

    monkeypatch.setattr(torch.hub, "download_url_to_file", other)
    with pytest.raises(BenchError, match="invalid hash value"):
        encoders.Vgg16().build()


@pytest.mark.parametrize("folder", ["hub/checkpoints", "user"])
def test_a_wrong_file_in_either_folder_is_refused(hub, tmp_path, folder):
    path = tmp_path / folder / encoders.Vgg16.weights.file
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not these")
    with pytest.raises(BenchError, match="is not the declared file") as caught:
        encoders.Vgg16().build()
    assert str(path) in str(caught.value)
