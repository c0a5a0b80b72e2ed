"""The one writer: a file is there whole or not at all, and what the disk refuses is one error."""

from __future__ import annotations

import errno
import functools
import hashlib
import os
import platform
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bench import interrupts
from bench.errors import BenchError, StorageError, cause_of
from bench.paths import real

_REMEDIES = {
    **dict.fromkeys(
        (errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "make room or choose another folder"
    ),
    errno.EROFS: "choose a folder that is not read-only",
    **dict.fromkeys((errno.EACCES, errno.EPERM), "check its permissions or choose another folder"),
    errno.ENAMETOOLONG: "choose a shorter name",
    **dict.fromkeys(
        (errno.EILSEQ, errno.EINVAL), "choose a name that the file system allows, such as ASCII"
    ),
    **dict.fromkeys(
        (errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ENOENT, errno.ELOOP),
        "choose another name",
    ),
}
_LONGEST_SUFFIX = 16  # what goes by the suffix, as video containers do, has short ones

ABANDONED_SECONDS = 7 * 24 * 3600.0
"""What a writer that cannot be asked for has not touched for so long is left behind."""
_PART = re.compile(r"\.([0-9a-f]{8})-([0-9]{1,10})-[0-9a-f]{8}\.part(\..*)?", re.DOTALL)
_swept: dict[Path, int] = {}
"""Folders to the process that has removed from them what killed writers left."""


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn what the system refuses in this block into the error for the path.

    Raises:
        StorageError: an OSError was raised. A reader that has gone is none: it has seen enough.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise storage_error(path, error) from error


def storage_error(path: Path, error: OSError) -> StorageError:
    """The error for a file that cannot be written: its path, the cause and the remedy."""
    remedy = _REMEDIES.get(error.errno or 0, "make room or choose another folder")
    return StorageError(f"{path} cannot be written ({cause_of(error)}): {remedy}")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A place to write beside the path, which becomes it when the block ends without an error.

    Until then, and for ever after an error, the path is what it was. Folders are made; a link is
    followed; an old file's permissions stay. The place's name is short, so the path's may be as
    long as the file system allows, and ends with the path's suffix. Nothing written, nothing done.
    A folder may be made there too, where none is yet. Who is killed in the block leaves the place
    behind; the next process that writes into the folder removes it.

    Raises:
        StorageError: the disk refuses, or a file is there that may not be written.
    """
    interrupts.check()
    with storage_errors(path):
        target = real(path)
        mode = _mode(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target.parent)
        suffix = target.suffix if len(os.fsencode(target.suffix)) <= _LONGEST_SUFFIX else ""
        writer = f"{_machine()}-{os.getpid()}"
        part = target.with_name(f".{writer}-{secrets.token_hex(4)}.part{suffix}")
        try:
            yield part
            if part.exists():
                if mode is not None:
                    part.chmod(mode)
                part.replace(target)
        finally:
            _remove(part)


def _remove(part: Path) -> None:
    if part.is_dir():
        shutil.rmtree(part, ignore_errors=True)
    else:
        with suppress(OSError):
            part.unlink()


@functools.cache
def _machine() -> str:
    """Where numbers of processes mean the same: eight digits for a host, or a container of it."""
    try:
        numbers = os.readlink("/proc/self/ns/pid")  # noqa: PTH115 (there is no such file)
    except OSError:
        numbers = ""
    return hashlib.sha256(f"{platform.node()} {numbers}".encode()).hexdigest()[:8]


def _sweep(folder: Path) -> None:
    """Remove what killed writers left in a folder, once for each process."""
    if _swept.get(folder) == os.getpid():
        return
    _swept[folder] = os.getpid()
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            writer = _PART.fullmatch(entry.name)
            if writer and _is_left(writer[1], int(writer[2]), Path(entry.path)):
                _remove(Path(entry.path))


def _is_left(machine: str, process: int, part: Path) -> bool:
    """Whether a part's writer is dead; one that cannot be asked for is by the part's age."""
    if machine == _machine() and os.name == "posix":  # elsewhere to ask a process would end it
        try:
            os.kill(process, 0)
        except (ProcessLookupError, OverflowError):
            return True
        except OSError:
            pass  # another user's
        return False
    try:
        return time.time() - part.stat().st_mtime > ABANDONED_SECONDS
    except OSError:
        return False


def write(path: Path, data: bytes | str, *, durable: bool = False) -> None:
    """Write a file whole or not at all; a terminal, a pipe or a device is written to as it is.

    Args:
        path: of the file.
        data: text is written as UTF-8, what UTF-8 has no letter for as `?`.
        durable: the file is on the disk when this returns, should the power fail.

    Raises:
        StorageError: the disk refuses, or a file is there that may not be written.
    """
    raw = data.encode("utf-8", "replace") if isinstance(data, str) else data
    with storage_errors(path):
        if _is_stream(path):
            path.write_bytes(raw)
            return
    with replacing(path) as part, part.open("xb") as file:
        file.write(raw)
        if durable:
            file.flush()
            os.fsync(file.fileno())


@contextmanager
def held(lock: Path, otherwise: str, seconds: float = 0) -> Iterator[None]:
    """Hold a lock file, so that of several processes one works; it goes with its holder.

    Args:
        lock: the file; it stays, for to delete it would let two in.
        otherwise: the message where another process holds it.
        seconds: to wait for it.

    Raises:
        BenchError: another process holds it.
        StorageError: the file cannot be made.
    """
    from filelock import FileLock, Timeout

    one = FileLock(lock)
    with storage_errors(lock):
        lock.parent.mkdir(parents=True, exist_ok=True)
        try:
            one.acquire(timeout=seconds)
        except Timeout:
            raise BenchError(otherwise) from None
    try:
        yield
    finally:
        one.release()


def _is_stream(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _mode(target: Path) -> int | None:
    """The permissions of the file that is to be replaced; None where there is none."""
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(mode):
        kind = errno.EISDIR if stat.S_ISDIR(mode) else errno.EEXIST
        raise OSError(kind, "Is a folder" if stat.S_ISDIR(mode) else "Is not a regular file")
    if not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return stat.S_IMODE(mode)
