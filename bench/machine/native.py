"""C++ compiled where it runs, for its very processor; who asks has another way if that fails."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import shlex
import shutil
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path

import torch

from bench import files, paths
from bench.errors import BenchError, cause_of

FLAGS = (
    *("-std=c++17", "-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math"),
    *("-Wno-psabi", "-fopenmp", "-fPIC", "-shared"),
)


@functools.cache
def library(source: str) -> ctypes.CDLL:
    """The functions of a C++ source, built once per processor and kept in the user's cache.

    The compiler is `$CXX`, g++ or clang++. Its threads are those of torch's OpenMP.

    Raises:
        BenchError: no compiler, it refuses the source, or the cache cannot be written or is not
            the user's own: what others can write is not run.
    """
    command = compiler()
    # the macros tell the compiler's version and what the processor can do
    macros = _run(*command, *FLAGS, "-dM", "-E", "-x", "c++", os.devnull)
    digest = hashlib.sha256("\0".join((*command, macros, *FLAGS, source)).encode()).hexdigest()
    key = digest[:32]
    try:
        built = _built(key) or _build(command, source, key)
        return ctypes.CDLL(str(built))
    except OSError as error:
        raise BenchError(
            f"nothing can be built in or loaded from {folder()} ({cause_of(error)}): check it"
        ) from None


def compiler() -> list[str]:
    """The C++ compiler and its arguments: `$CXX`, g++ or clang++.

    Raises:
        BenchError: there is none.
    """
    found = shutil.which("g++") or shutil.which("clang++") or ""
    command = shlex.split(os.environ.get("CXX", "")) or [found]
    if not command[0]:
        raise BenchError("there is no C++ compiler: install g++, or name one in CXX")
    return command


def folder() -> Path:
    """Where compiled libraries are kept; it may be deleted at any time.

    Raises:
        BenchError: there is no place for a cache (see `paths.user_cache`).
    """
    return paths.user_cache() / "native"


def _built(key: str) -> Path | None:
    """The library of this key that was built before and is what it was then; None without one.

    Its name ends with its SHA-256, so that half a library or a changed one is not loaded.

    Raises:
        BenchError: others may have put it there.
    """
    if not folder().is_dir():
        return None
    _require_own(folder())
    for file in sorted(folder().glob(f"{key}-*.so")):
        if file.name == _name(key, file.read_bytes()):
            _require_own(file)
            return file
        file.unlink()
    return None


def _build(command: Sequence[str], source: str, key: str) -> Path:
    folder().parent.mkdir(parents=True, exist_ok=True)
    folder().mkdir(mode=0o700, exist_ok=True)
    _require_own(folder())
    linked = Path(torch.__file__).parent / "lib"  # where torch brings an OpenMP of its own
    with (
        files.replacing(folder() / f"{key}.cpp") as written,
        files.replacing(folder() / f"{key}.so") as library,
    ):
        written.write_text(source, "utf-8")
        _run(*command, *FLAGS, str(written), "-o", str(library), f"-L{linked}")
        library.chmod(0o700)
        written.unlink()
        return library.replace(folder() / _name(key, library.read_bytes()))


def _name(key: str, library: bytes) -> str:
    return f"{key}-{hashlib.sha256(library).hexdigest()}.so"


def _require_own(path: Path) -> None:
    """Insist that nobody else can have written what is about to be run.

    Raises:
        BenchError: it is a link or another user's, or others may write to it.
    """
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        fault = "is a link"
    elif hasattr(os, "geteuid") and status.st_uid != os.geteuid():
        fault = "is another user's"
    elif os.name == "posix" and status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        fault = "can be written to by others"
    else:
        return
    raise BenchError(f"{path} {fault}, so nothing is loaded from it: delete it")


def _run(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        raise BenchError(f"{command[0]} cannot be run ({error.strerror}): check CXX") from None
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "error" in line] or ["no message"]
        raise BenchError(f"{command[0]} failed ({errors[0].strip()}): try another in CXX")
    return done.stdout
