"""Downloads of declared weights: resumed where they were cut, and kept only if they are whole."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

from bench import interrupts
from bench.contract import Weights
from bench.errors import BenchError, StorageError
from bench.weights.files import sha256

SECONDS = 30.0
"""How long a server may be silent."""

Report = Callable[[int, "int | None"], object]
"""Takes the bytes that are there, and how many there will be, if the server says."""


def download(weights: Weights, folder: Path, report: Report = lambda *_: None) -> Path:
    """The file, downloaded from its address into the folder; what is there already is replaced.

    Until it is whole it lies beside its place with the suffix `.part`; another call goes on from
    there, if the server still has the same file.

    Raises:
        BenchError: it has no address, cannot be had, or is not the declared file; the message has
            the remedy.
        StorageError: it cannot be written.
    """
    if weights.address is None:
        raise BenchError(f"weights {weights.file} cannot be downloaded: {weights.source}")
    path = folder / weights.file
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(part.with_suffix(".lock"), timeout=0):
            _fill(weights, part, report)
            _check(weights, part)
            part.replace(path)
            _tag(part).unlink(missing_ok=True)
    except Timeout:
        raise BenchError(f"{path} is being downloaded by another process: wait for it") from None
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written ({error.strerror or error}): make room, or name another "
            "folder in BENCH_WEIGHTS"
        ) from None
    return path


class _RefusedError(Exception):
    """The server's answer is not the file."""


class _CutError(Exception):
    """No server could be reached, or the connection did not last."""


def _fill(weights: Weights, part: Path, report: Report) -> None:
    """Let the partial file become as long as the server's; go on as long as something comes."""
    while True:
        before = _size(part)
        by_hand = f"get it from {weights.source} in a browser and put it there as "
        by_hand += str(part.with_suffix(""))
        try:
            return _receive(weights, part, report)
        except _RefusedError as refused:
            raise BenchError(f"weights {weights.file} {refused}: {by_hand}") from None
        except _CutError as cut:
            if (after := _size(part)) > before:
                continue
            kept = f"; {after / 1e6:.1f} MB are kept, the same command goes on" if after else ""
            raise BenchError(
                f"weights {weights.file} cannot be downloaded ({cut}){kept}: check the network, "
                f"or {by_hand}"
            ) from None


def _receive(weights: Weights, part: Path, report: Report) -> None:
    """Take what one connection gives.

    Raises:
        _CutError: the file is not whole.
        _RefusedError: and will not be.
        OSError: it cannot be written.
    """
    have = _size(part)
    with _answer(weights, part, have) as answer:
        if answer.headers.get_content_type() == "text/html":
            raise _RefusedError(f"are not at {weights.address}, a web page came instead")
        goes_on = answer.status == 206
        have = have if goes_on else 0
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length is not None else None
        _tag(part).write_text(answer.headers.get("ETag") or "")
        with part.open("ab" if goes_on else "wb") as file:
            report(have, total)
            while block := _read(answer):
                interrupts.check()
                file.write(block)
                have += len(block)
                report(have, total)
    if total is not None and have < total:
        raise _CutError("the connection was cut")


def _answer(weights: Weights, part: Path, have: int) -> http.client.HTTPResponse:
    """The server's answer to a request for what is missing."""
    headers = {"User-Agent": "metastyle-bench", "Accept-Encoding": "identity"}
    tag = _tag(part).read_text() if _tag(part).is_file() else ""
    if have and (tag or weights.sha256):  # else nothing would tell that the file is another now
        headers["Range"] = f"bytes={have}-"
        if tag:
            headers["If-Range"] = tag
    request = urllib.request.Request(str(weights.address), headers=headers)
    try:
        answer: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=SECONDS)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and have:  # there is no more of it: begin anew
            part.unlink()
            return _answer(weights, part, 0)
        raise _RefusedError(f"are not at {weights.address} ({error.code} {error.reason})") from None
    except (OSError, http.client.HTTPException) as error:
        cause = getattr(error, "reason", error)
        raise _CutError(getattr(cause, "strerror", None) or cause or type(error).__name__) from None
    return answer


def _read(answer: http.client.HTTPResponse) -> bytes:
    try:
        return answer.read(1 << 18)
    except (OSError, http.client.HTTPException) as error:
        raise _CutError(f"the connection was cut: {error or type(error).__name__}") from None


def _check(weights: Weights, part: Path) -> None:
    digest = sha256(part)
    if weights.sha256 not in (None, digest):
        part.unlink()
        raise BenchError(
            f"{weights.source} gave another file than the declared one (SHA-256 {digest[:12]}…, "
            f"expected {weights.sha256:.12}…), which was deleted: try again, and if it stays so, "
            "ask its authors"
        )


def _size(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0


def _tag(part: Path) -> Path:
    """Beside the partial file, what the server calls this version of it."""
    return part.with_suffix(".etag")
