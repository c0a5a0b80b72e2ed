"""Progress of long work with the time left: a bar in a terminal, now and then a line in a log."""

from __future__ import annotations

import io
import sys
import threading
import time
from collections.abc import Callable, Hashable, Iterable
from typing import Any

from tqdm import tqdm

LOG_SECONDS = 30.0
"""Between two lines of a log."""

# A bar is drawn by one process. tqdm's own lock, for several, is a semaphore of the system, which
# stays behind where a process is killed.
tqdm.set_lock(threading.RLock())


class _Lines(io.TextIOBase):
    """What a bar writes over itself, each time on a line of its own."""

    def write(self, text: str) -> int:
        shown = text.replace("\r", "").strip()
        if shown:
            sys.stderr.write(f"{shown}\n")
        return len(text)

    def flush(self) -> None:
        sys.stderr.flush()


def bar(iterable: Iterable[Any] | None = None, **options: Any) -> Any:
    """A tqdm bar that suits where it is written to; arguments are tqdm's."""
    if sys.stderr.isatty():
        return tqdm(iterable, dynamic_ncols=True, mininterval=0.5, **options)
    return tqdm(iterable, file=_Lines(), ncols=100, mininterval=LOG_SECONDS, **options)


def write(text: str) -> None:
    """A line on standard error, above a bar if there is one."""
    tqdm.write(text, file=sys.stderr)


class Forecast:
    """The time left of work whose parts differ: parts of a kind take alike.

    A cell of one method takes a thousand times as long as another's, so that a mean over all parts
    would tell nothing.
    """

    def __init__(
        self, parts: Iterable[Hashable], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._left: dict[Hashable, int] = {}
        for part in parts:
            self._left[part] = self._left.get(part, 0) + 1
        self._taken: dict[Hashable, list[float]] = {}
        self._since = clock()

    def done(self, part: Hashable, worked: bool = True) -> None:
        """A part is finished; `worked` tells whether just now, or in an earlier session."""
        now = self._clock()
        if worked:
            self._taken.setdefault(part, []).append(now - self._since)
        self._since = now
        self._left[part] -= 1

    def seconds(self) -> tuple[float, bool]:
        """Time left, and whether it is only that of the kinds seen so far."""
        known = sum(
            left * sum(self._taken[part]) / len(self._taken[part])
            for part, left in self._left.items()
            if part in self._taken
        )
        return known, any(left and part not in self._taken for part, left in self._left.items())

    def __str__(self) -> str:
        """For example `about 2:05 left`, or `more than 2:05 left`."""
        seconds, more = self.seconds()
        if more and not self._taken:
            return "time left unknown"
        word = "more than" if more else "about"
        return f"{word} {tqdm.format_interval(round(seconds))} left"
