"""Ctrl-C, SIGTERM and SIGHUP end a command in order, even where the first exception for it is lost.

Python raises what a signal's handler raises wherever the program happens to be: inside a finaliser
it is printed and dropped, and a plugin's bare `except` swallows it. So the handler also notes the
signal, and `check` raises again at the next place where work is divided: before each call into
foreign code, each file that is read or written, and each round of whoever waits.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""What asks the program to end; the last one comes when its terminal is closed."""

_come: list[int] = []
"""The signals of `raising` so far."""


class Interrupted(KeyboardInterrupt):
    """A signal asked the program to end: what is under way is put in order.

    Attributes:
        number: the signal's.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    @property
    def status(self) -> int:
        """The exit status, as shells have it: 130 for Ctrl-C, 143 for SIGTERM, 129 for SIGHUP."""
        return 128 + self.number

    def __str__(self) -> str:
        number = signal.Signals(self.number)
        return "interrupted" if number == signal.SIGINT else f"ended by {number.name}"


def check() -> None:
    """Raise what a signal's handler has raised and nobody has seen.

    While it is under way nothing is raised again: what puts things in order is let do so.
    """
    if not _come or threading.current_thread() is not threading.main_thread():
        return
    if not isinstance(sys.exc_info()[1], KeyboardInterrupt):
        raise Interrupted(_come[0])


@contextmanager
def raising() -> Iterator[None]:
    """In this block `SIGNALS` raise `Interrupted`; a second one ends at once, but for Ctrl-C."""

    def end(number: int, _: FrameType | None) -> None:
        _come.append(number)
        if number != signal.SIGINT:
            signal.signal(number, signal.SIG_DFL)
        raise Interrupted(number)

    with _handled(end):
        hook = sys.unraisablehook

        def tell(lost: Any) -> None:
            if not isinstance(lost.exc_value, Interrupted):  # that is not lost: see `check`
                hook(lost)

        sys.unraisablehook = tell
        try:
            yield
        finally:
            sys.unraisablehook = hook
            _come.clear()


@contextmanager
def noted() -> Iterator[list[int]]:
    """In this block they are noted alone, so that whoever looks can end where it suits."""
    come: list[int] = []
    with _handled(lambda number, _: come.append(number)):
        yield come


@contextmanager
def _handled(handler: Any) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heeded = [n for n in SIGNALS if signal.getsignal(n) not in (signal.SIG_IGN, None)]
    before = {number: signal.signal(number, handler) for number in heeded}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
