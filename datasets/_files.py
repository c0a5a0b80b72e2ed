"""Datasets whose pictures are files: names, fingerprints, lists of paths."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from pathlib import Path

from bench import paths
from bench.contract import Picture
from bench.errors import BenchError
from bench.images import open_picture
from bench.picture_files import find
from bench.weights import sha256


def pictures(files: Sequence[Path], licence: str = "") -> list[Picture]:
    """Pictures named by their files' stems; a file that cannot be used fails when it is read."""
    return [
        Picture(
            name,
            functools.partial(open_picture, file),
            path=file,
            licence=licence,
            fingerprint=_fingerprint(file),
        )
        for name, file in zip(unique([f.stem for f in files]), files, strict=True)
    ]


def unique(texts: Sequence[str]) -> list[str]:
    """The names, in which a second `cat` becomes `cat-2`.

    Upper and lower case count as equal, since names become file names; what cannot be printed
    becomes an underscore.
    """
    taken: set[str] = set()
    names = []
    for text in texts:
        stem = "".join(c if c.isprintable() else "_" for c in text)
        name, number = stem, 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name.casefold())
        names.append(name)
    return names


def split(text: str) -> list[Path]:
    """Paths from text that separates them as `$PATH` does; a path that is there is never split."""
    if text and paths.expanded(text).exists():
        return [paths.expanded(text)]
    return [paths.expanded(part) for part in text.split(os.pathsep) if part.strip()]


def found(text: str, option: str, remedy: str) -> list[Picture]:
    """The pictures at the paths of an option's text.

    Raises:
        BenchError: the text names no path, or `find` refuses one.
    """
    paths = split(text)
    if not paths:
        raise BenchError(f"{option} is not set: {remedy}")
    return pictures(find(paths))


def _fingerprint(file: Path) -> str:
    try:
        return sha256(file)
    except OSError:  # reading it will say why
        return f"unreadable {file}"
