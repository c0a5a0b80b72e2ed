"""Where things are: the user's home and caches, and `~` in what a user writes."""

from __future__ import annotations

import os
import re
from pathlib import Path

from bench.errors import BenchError


def expanded(path: Path | str) -> Path:
    """The path with `~` and `~user` replaced by their home folders.

    Raises:
        BenchError: there is no such home folder.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise BenchError(f"{path}: there is no such home folder; write the whole path") from None


def real(path: Path | str) -> Path:
    """The path, absolute and without links; one that goes round in a circle stays as it is."""
    return Path(os.path.realpath(path))


def without_home(text: str) -> str:
    """A text with the user's home folder shortened to `~`, wherever it stands in it."""
    try:
        home = str(Path.home())
    except RuntimeError:  # there is none
        return text
    return re.sub(rf"{re.escape(home)}(?![\w.-])", "~", text) if len(home) > 1 else text


def user_cache() -> Path:
    """The folder `bench` in `$XDG_CACHE_HOME`, or in `~/.cache` where that is no absolute path.

    So says the XDG Base Directory Specification: a relative path would make the working directory
    a cache, and with it what a stranger has put there.

    Raises:
        BenchError: the user has no home folder, and the variable does not say where else.
    """
    base = os.environ.get("XDG_CACHE_HOME", "")
    if Path(base).is_absolute():
        return Path(base) / "bench"
    try:
        return Path.home() / ".cache" / "bench"
    except RuntimeError:
        raise BenchError(
            "there is no home folder to keep a cache in: name a folder in XDG_CACHE_HOME"
        ) from None
