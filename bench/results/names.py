"""Where each file of a run lies, whatever the names of methods and pictures hold."""

from __future__ import annotations

import functools
import hashlib
import re
from pathlib import Path

from bench.paths import real
from bench.results.values import Kind

_PLAIN = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?")  # device names on Windows
_LONGEST = 40


def key(*parts: object) -> str:
    """A file name's stem for names that may hold anything: unique, safe and readable.

    A part that is short, lower case and plain stays as it is; any other becomes a slug, `~` and a
    hash of the name. So names that differ in case alone also differ on disks that ignore case.
    Parts are joined by `__`, which no part holds.
    """
    return "__".join(_safe(str(part)) for part in parts)


@functools.lru_cache(maxsize=8192)  # the same few in each of a run's files
def _safe(name: str) -> str:
    if len(name) <= _LONGEST and _PLAIN.fullmatch(name) and not _RESERVED.fullmatch(name):
        return name
    slug = "-".join(re.findall(r"[a-z0-9]+", name.lower()))[:_LONGEST].strip("-")
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{slug or 'x'}~{digest[:10]}"


def record_path(run: Path, kind: Kind, *parts: object) -> Path:
    """Where a record lies: parts are the record's `place`."""
    return run / kind / f"{key(*parts)}.json"


def input_path(run: Path, role: str, name: str, size: int) -> Path:
    """Where a run keeps a content or a style as it was given to the methods."""
    return run / "inputs" / str(size) / role / f"{key(name)}.png"


def picture_path(run: Path, image: str | Path) -> Path | None:
    """Where a picture lies that a record names; None where it is missing or outside the run."""
    try:
        path = real(run / image)
        return path if path.is_relative_to(real(run)) and path.is_file() else None
    except (OSError, ValueError):  # no name that a file could have
        return None
