"""A method's cells in a process of its own: what crashes the interpreter becomes a row."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from multiprocessing.connection import Connection, wait
from pathlib import Path

from bench import files, results
from bench.errors import BenchError

POLL_SECONDS = 0.1
WORKER_SECONDS = 5.0
"""How long a worker whose parent is gone may take to end."""

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
Target = Callable[[Path, str], None]
"""Makes the cells of a run that a method lacks; it must be importable by its name."""


def cells(target: Target, run: Path, name: str, places: Sequence[tuple[int, str]]) -> Iterator[str]:
    """Have the cells of one method made in processes of their own, and wait for them.

    Where a process dies in a cell, the next one goes on behind it.

    Args:
        target: makes the cells, in the order of `places`.
        run: the run folder.
        name: of the method.
        places: size and style of each cell that is to be made.

    Yields:
        For each cell how the process died in it; an empty text where the cell is there.

    Raises:
        BenchError: what concerns the whole run.
    """
    left = [results.record_path(run, "cells", name, style, size) for size, style in places]
    spawn = multiprocessing.get_context("spawn")
    while left:
        ours, theirs = spawn.Pipe(duplex=False)
        process = spawn.Process(target=_child, args=(target, run, name, theirs), daemon=True)
        process.start()
        theirs.close()
        try:
            while left:
                over = process.exitcode is not None  # asked first: its last cell may just be there
                if left[0].exists():
                    del left[0]
                    yield ""
                elif over:
                    break
                else:
                    process.join(POLL_SECONDS)
            process.join()
        finally:
            process.kill()
        told = _told(ours)
        if told:
            raise BenchError(told)
        if left:
            del left[0]
            yield _how(process.exitcode or 0)


def _child(target: Target, run: Path, name: str, answer: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which ends it
    _die_with_parent()
    try:
        with worker_lock(run):
            target(run, name)
    except (BenchError, OSError) as error:
        answer.send(str(error))


def worker_lock(run: Path) -> AbstractContextManager[None]:
    """Held by a worker: one whose parent was killed may not be gone when the run is taken up.

    Raises:
        BenchError: another worker holds it and does not end.
    """
    busy = f"a worker of another process still works on {run}: end it, or wait for it"
    return files.held(run / ".worker.lock", busy, WORKER_SECONDS)


def _die_with_parent() -> None:
    """Let this process be killed when its parent ends, however that ends."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        wait([parent.sentinel])  # a pipe that the parent holds: it ends with it
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    if sys.platform == "linux":  # a method that never lets another thread run is killed too
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if not parent.is_alive():  # before the kernel was asked
        os._exit(1)


def _told(answer: Connection) -> str:
    try:
        return str(answer.recv())
    except EOFError:
        return ""
    finally:
        answer.close()


def _how(status: int) -> str:
    if status >= 0:
        return f"the method ended its process, with status {status}"
    name = signal.Signals(-status).name
    memory = ", as the system does when memory runs out" * (name == "SIGKILL")
    return f"the method's process was ended by {name}{memory}"
