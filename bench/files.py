"""The one writer: a file is there whole or not at all, and what the disk refuses is one error."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.errors import BenchError, StorageError

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
        (errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ENOENT), "choose another name"
    ),
}
_LONGEST_SUFFIX = 16  # what goes by the suffix, as video containers do, has short ones


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
    cause = error.strerror or str(error) or type(error).__name__
    remedy = _REMEDIES.get(error.errno or 0, "make room or choose another folder")
    return StorageError(f"{path} cannot be written ({cause}): {remedy}")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A place to write beside the path, which becomes it when the block ends without an error.

    Until then, and for ever after an error, the path is what it was. Folders are made; a link is
    followed; an old file's permissions stay. The place's name is short, so the path's may be as
    long as the file system allows, and ends with the path's suffix. Nothing written, nothing done.
    A folder may be made there too, where none is yet.

    Raises:
        StorageError: the disk refuses, or a file is there that may not be written.
    """
    with storage_errors(path):
        target = Path(os.path.realpath(path))
        mode = _mode(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        suffix = target.suffix if len(os.fsencode(target.suffix)) <= _LONGEST_SUFFIX else ""
        part = target.with_name(f".{secrets.token_hex(8)}.part{suffix}")
        try:
            yield part
            if part.exists():
                if mode is not None:
                    part.chmod(mode)
                part.replace(target)
        finally:
            if part.is_dir():
                shutil.rmtree(part, ignore_errors=True)
            else:
                with suppress(OSError):
                    part.unlink()


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
