"""A piece of a run's work in a process of its own: what ends or hangs the interpreter is a row.

The process is forked by a server that has imported torch and the suite once, while the run was
planned; where that cannot be, a new interpreter is started.
"""

from __future__ import annotations

import ctypes
import json
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from bench import files, interrupts
from bench.errors import BenchError, cause_of
from bench.plugins.discovery import built_ins

POLL_SECONDS = 0.1
START_SECONDS = 60.0
"""How long a process may take to begin, besides."""
WORKER_SECONDS = 5.0
"""How long a worker whose parent is gone may take to end."""

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_LONGEST_MESSAGE = 1 << 20

Say = Callable[[str, str, str], None]
"""Takes who is at work from now on, with what, and how far it is."""
Said = tuple[str, str, str]
Piece = Callable[[Path, Say], None]
"""Does a piece of the work on a run folder; it can be pickled."""


class End(NamedTuple):
    """How a process ended: in which way it died, or an empty text; whether it left others."""

    death: str
    left_processes: bool


def is_cheap() -> bool:
    """Whether there can be a server, so that a process is there in tenths of a second."""
    return sys.platform == "linux"


def prepare() -> None:
    """Let the server import what every process needs, while the run is planned."""
    if is_cheap():
        _context()
        forkserver.ensure_running()


def _context() -> BaseContext:
    if not is_cheap():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_preloaded())
    return context


def _preloaded() -> list[str]:
    """What the server imports: nothing of somebody else's, which could end it."""
    modules = [f"bench.{plugin.name}" for plugin in built_ins()]
    return ["torch._dynamo", "bench.run.execution", *modules]  # dynamo: see `bench.run.cells`


def apart(piece: Piece, run: Path, seconds: float) -> Generator[Said, None, End]:
    """Have a piece of work done in a process of its own, and wait for it.

    Args:
        piece: what to do.
        run: the run folder.
        seconds: a process that says nothing for longer is ended.

    Yields:
        What the process says (see `Say`).

    Returns:
        How it ended.

    Raises:
        BenchError: it was raised there, as what concerns the whole run.
    """
    context = _context()
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(piece, run, theirs))  # type: ignore[attr-defined]
    with _no_main():
        process.start()
    theirs.close()
    death, left = "", False
    try:
        heard = time.monotonic() + START_SECONDS
        while True:
            interrupts.check()
            over = process.exitcode is not None  # asked first: its last words may just be there
            if ours.poll(0 if over else POLL_SECONDS):
                try:
                    message = _received(ours)
                except (EOFError, OSError):  # it has hung up
                    process.join(WORKER_SECONDS)
                    death = _how(process.exitcode)
                    break
                if message is None:
                    break
                heard = time.monotonic()
                yield message
            elif over:
                death = _how(process.exitcode)
                break
            elif time.monotonic() - heard > seconds:
                death = f"nothing happened in its process for {seconds:g} s, and it was ended"
                break
    finally:
        process.kill()
        left = _end_others(process)
        ours.close()
    return End(death, left)


@contextmanager
def _no_main() -> Iterator[None]:
    """Hide the program's main module: a worker needs it not, and to import it may start it anew."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _received(answer: Connection) -> Said | None:
    """What a worker said; None where it has finished.

    Raises:
        BenchError: it failed for the whole run.
    """
    try:
        kind, who, what, detail = json.loads(answer.recv_bytes(_LONGEST_MESSAGE))
    except (ValueError, TypeError):  # the plugin's code wrote to the pipe
        return "", "", ""
    if kind == "failed":
        raise BenchError(what)
    return None if kind == "finished" else (who, what, detail)


def _child(piece: Piece, run: Path, answer: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which ends it
    if hasattr(os, "setsid"):
        os.setsid()  # so that what it starts can be ended with it
    _die_with_parent()
    os.dup2(2, 1)  # standard output is the command's

    def send(kind: str, who: str = "", what: str = "", detail: str = "") -> None:
        answer.send_bytes(json.dumps([kind, who, what, detail]).encode())

    last, when = ("", ""), 0.0

    def say(who: str, what: str, detail: str) -> None:
        nonlocal last, when
        now = time.monotonic()
        if (who, what) != last or now - when >= POLL_SECONDS:
            last, when = (who, what), now
            send("said", who, what, detail)

    try:
        with worker_lock(run):
            piece(run, say)
    except BenchError as error:
        send("failed", what=str(error))
    except OSError as error:
        send("failed", what=f"{error.filename or run}: {cause_of(error)}")
    else:
        send("finished")
    signal.pause() if hasattr(signal, "pause") else time.sleep(WORKER_SECONDS)  # it is ended now


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
        if hasattr(os, "killpg"):
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    if sys.platform == "linux":  # a method that never lets another thread run is killed too
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if not parent.is_alive():  # before the kernel was asked
        os._exit(1)


def _end_others(process: BaseProcess) -> bool:
    """End what an ended process has started and left; whether there was anything."""
    process.join()
    if not hasattr(os, "killpg") or process.pid is None:
        return False
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
        return True
    return False


def _how(status: int | None) -> str:
    if status is None:
        return "its process broke off"
    if status >= 0:
        return f"it ended its process, with status {status}"
    name = signal.Signals(-status).name
    memory = ", as the system does when memory runs out" * (name == "SIGKILL")
    return f"its process was ended by {name}{memory}"
