"""A plugin is loaded in a fork of this process first: what ends or hangs it ends that alone."""

from __future__ import annotations

import faulthandler
import os
import select
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import suppress

SECONDS = 120.0
"""How long loading may take."""
PATIENCE_SECONDS = 10.0
"""After this long, what takes so long is named."""
_POLL_SECONDS = 0.02


def fault(name: str, load: Callable[[], object], seconds: float | None = None) -> str:
    """Why loading would end this process or hang it; an empty text where it does neither.

    What it raises is no matter of this: that can be caught. Elsewhere than on Linux, and in other
    threads than the main one, nothing is tried.

    Args:
        name: of the plugin.
        load: imports it and calls its hooks.
        seconds: how long it may take, else `SECONDS`.
    """
    if sys.platform != "linux" or threading.current_thread() is not threading.main_thread():
        return ""
    limit = SECONDS if seconds is None else seconds
    read, write = os.pipe()
    with warnings.catch_warnings():
        # other threads are OpenBLAS's, which survives a fork, or torch's, which the fork does
        # without
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        _load(load, write)
    os.close(write)
    try:
        return _watch(name, pid, read, limit)
    finally:
        os.close(read)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)


def _load(load: Callable[[], object], write: int) -> None:
    """What the fork does; it never returns."""
    try:
        os.setsid()
        faulthandler.disable()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        sys.stdout = sys.stderr = open(nowhere, "w")  # noqa: PTH123, SIM115 (a descriptor)
        torch = sys.modules.get("torch")
        if torch is not None:
            torch.set_num_threads(1)  # a fork has none of the threads that others would wait for
        with suppress(BaseException):
            load()
        os.write(write, b".")
    finally:
        os._exit(0)


def _watch(name: str, pid: int, read: int, limit: float) -> str:
    begun, announced = time.monotonic(), False
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if select.select([read], [], [], 0 if ended else _POLL_SECONDS)[0] and os.read(read, 1):
            return ""
        if ended:
            code = os.waitstatus_to_exitcode(status)
            how = f"with status {code}" if code >= 0 else f"by {signal.Signals(-code).name}"
            return f"loading it ends the program, {how}"
        taken = time.monotonic() - begun
        if taken > limit:
            return f"loading it takes more than {limit:g} s"
        if taken > PATIENCE_SECONDS and not announced:
            announced = True
            from bench import progress

            progress.write(f"bench: plugin {name} has been loading for {taken:.0f} s")
