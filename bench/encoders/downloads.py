"""Weights of networks that installed packages carry, or that torch.hub downloads."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import socket
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path

import torch

from bench.contract import Weights
from bench.errors import BenchError, cause_of
from bench.weights import find, locate


def package_folder(package: str, inside: str) -> list[Path]:
    """The folder `inside` an installed package that need not be imported; nothing without it."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return []
    return [Path(spec.origin).parent / inside]


_CONNECT_SECONDS = 5.0


def hub_folder() -> Path:
    """torch.hub's cache."""
    return Path(torch.hub.get_dir()) / "checkpoints"


def hub_file(weights: Weights) -> Path:
    """Weights that torch.hub's cache holds, or that are downloaded to it from their source.

    Raises:
        BenchError: they cannot be had, or are not the ones declared.
    """
    cache = hub_folder()
    if find(weights, [cache]) is None:
        cause = download(weights, cache / weights.file)
        if cause is not None:
            raise BenchError(
                f"weights {weights.file} cannot be downloaded ({cause}): "
                f"get them from {weights.source} and put them in {cache}"
            )
    return locate(weights, [cache])


@functools.cache
def download(weights: Weights, path: Path) -> str | None:
    """Why the download failed, or None; tried once per process, so that nothing waits twice."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _socket_timeout(_CONNECT_SECONDS):
            torch.hub.download_url_to_file(weights.source, str(path), weights.sha256)
    except (OSError, HTTPException, RuntimeError) as error:
        return cause_of(error)
    return None


@contextlib.contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    """torch.hub opens its connection without a timeout; this gives it one."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
