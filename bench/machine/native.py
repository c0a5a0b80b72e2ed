"""C++ compiled where it runs, for its very processor; who asks has another way if that fails."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import secrets
import shlex
import shutil
import subprocess
from pathlib import Path

import torch

from bench.errors import BenchError

FLAGS = (
    *("-std=c++17", "-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math"),
    *("-Wno-psabi", "-fopenmp", "-fPIC", "-shared"),
)


@functools.cache
def library(source: str) -> ctypes.CDLL:
    """The functions of a C++ source, built once per processor and kept in the user's cache.

    The compiler is `$CXX`, g++ or clang++. Its threads are those of torch's OpenMP.

    Raises:
        BenchError: no compiler, it refuses the source, or the cache cannot be written.
    """
    found = shutil.which("g++") or shutil.which("clang++") or ""
    command = shlex.split(os.environ.get("CXX", "")) or [found]  # CXX may have arguments
    if not command[0]:
        raise BenchError("there is no C++ compiler: install g++, or name one in CXX")
    # the macros tell the compiler's version and what the processor can do
    macros = _run(*command, *FLAGS, "-dM", "-E", "-x", "c++", os.devnull)
    digest = hashlib.sha256("\0".join((*command, macros, *FLAGS, source)).encode()).hexdigest()
    file = folder() / f"{digest[:32]}.so"
    temporary = file.with_name(f".{secrets.token_hex(8)}")
    try:
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            written = temporary.with_suffix(".cpp")
            written.write_text(source, "utf-8")
            linked = Path(torch.__file__).parent / "lib"  # where torch brings an OpenMP of its own
            _run(*command, *FLAGS, str(written), "-o", str(temporary), f"-L{linked}")
            temporary.replace(file)
        return ctypes.CDLL(str(file))
    except OSError as error:
        raise BenchError(f"{file} cannot be made or loaded ({error}): check the folder") from None
    finally:
        temporary.unlink(missing_ok=True)
        temporary.with_suffix(".cpp").unlink(missing_ok=True)


def folder() -> Path:
    """Where compiled libraries are kept; it may be deleted at any time."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "bench" / "native"


def _run(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        raise BenchError(f"{command[0]} cannot be run ({error.strerror}): check CXX") from None
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "error" in line] or ["no message"]
        raise BenchError(f"{command[0]} failed ({errors[0].strip()}): try another in CXX")
    return done.stdout
