"""The blind test: two unnamed methods side by side, and every vote on disk.

What is shown is drawn so that pairs of methods, and then styles and contents, get equally many
votes; which side a method stands on, and the order, are random. No torch here.
"""

from __future__ import annotations

import errno
import itertools
import json
import os
import random
import secrets
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from io import FileIO
from pathlib import Path
from typing import Any, NamedTuple

from bench import results
from bench.errors import BenchError
from bench.results import CellRecord
from bench.vote import votes
from bench.vote.votes import CHOICES, Vote


class Trial(NamedTuple):
    """What is shown at once: two methods' pictures of a content in a style."""

    style: str
    content: str
    left: str
    right: str


@dataclass(frozen=True)
class Material:
    """The pictures of one size of a run that can be compared.

    Attributes:
        run: the run folder.
        size: side in pixels.
        pictures: (method, style, content) to the stylized picture.
    """

    run: Path
    size: int
    pictures: Mapping[tuple[str, str, str], Path]

    def trials(self) -> list[Trial]:
        """Every pair of methods on every content and style that both have, in a fixed order."""
        shown: dict[tuple[str, str], list[str]] = {}
        for method, style, content in self.pictures:
            shown.setdefault((style, content), []).append(method)
        return [
            Trial(style, content, *pair)
            for (style, content), methods in shown.items()
            for pair in itertools.combinations(sorted(methods), 2)
        ]

    def path(self, trial: Trial, what: str) -> Path:
        """A picture of a trial: left, right, content or style."""
        if what == "content":
            return results.input_path(self.run, "content", trial.content, self.size)
        if what == "style":
            return results.input_path(self.run, "style", trial.style, self.size)
        method = trial.left if what == "left" else trial.right
        return self.pictures[method, trial.style, trial.content]


def material(run: Path, size: int | None = None) -> Material:
    """The pictures to vote on, anchors apart.

    Args:
        run: the run folder.
        size: side in pixels; by default the largest.

    Raises:
        BenchError: no run, no such size, or fewer than two methods with pictures.
    """
    record = results.read_run(run)
    size = max(record.sizes) if size is None else size
    if size not in record.sizes:
        known = ", ".join(map(str, record.sizes))
        raise BenchError(f"--size {size} is not in {run}: it has {known}")
    rows = {name for name, method in record.methods.items() if method.family != "anchor"}
    pictures = {}
    for cell in results.whole(run, CellRecord):
        for picture in cell.contents if cell.size == size and cell.method in rows else ():
            if path := results.picture_path(run, picture.image):
                pictures[cell.method, cell.style, picture.content] = path
    found = Material(run, size, pictures)
    if not found.trials():
        raise BenchError(
            f"{run} has nothing to compare at {size} px: it takes the pictures of two methods"
            " besides the anchors"
        )
    return found


def draw(trials: Sequence[Trial], votes: Sequence[Vote], rng: random.Random) -> Trial | None:
    """The trial to show next, sides drawn at random; None when all have a vote.

    It is of the methods that were compared least often, and of those on the style, then the
    content, that they were compared on least often; what is still alike is drawn.
    """
    judged = [(frozenset((v.left, v.right)), v.style, v.content) for v in votes]
    whole = set(judged)
    of_pair = Counter(pair for pair, _, _ in judged)
    of_style = Counter((pair, style) for pair, style, _ in judged)
    of_content = Counter((pair, content) for pair, _, content in judged)
    ranked: dict[tuple[int, int, int], list[Trial]] = {}
    for trial in trials:
        pair = frozenset((trial.left, trial.right))
        if (pair, trial.style, trial.content) not in whole:
            counts = of_pair[pair], of_style[pair, trial.style], of_content[pair, trial.content]
            ranked.setdefault(counts, []).append(trial)
    if not ranked:
        return None
    trial = rng.choice(ranked[min(ranked)])
    return trial if rng.random() < 0.5 else trial._replace(left=trial.right, right=trial.left)


def append(run: Path, record: Mapping[str, Any]) -> None:
    """Put one line at the end of a run's votes; it is on the disk when this returns.

    Raises:
        BenchError: the disk refuses.
    """
    path = run / votes.FILE
    line = (json.dumps(record) + "\n").encode()
    try:
        with path.open("a+b", buffering=0) as file:
            if file.tell() and not _whole(file):
                line = b"\n" + line  # a crash cut the last line off
            if file.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(file.fileno())
    except OSError as error:
        raise BenchError(
            f"{path} cannot be written ({error.strerror}): make room or check its permissions"
        ) from None


def _whole(file: FileIO) -> bool:
    """Whether a file that holds something ends with a whole line."""
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


class Ballot:
    """One voter's session: what is shown, and what was chosen. Safe to use from many threads."""

    def __init__(self, material: Material, voter: str = "", seed: int | None = None) -> None:
        self.material = material
        self.voter = voter
        self._trials = material.trials()
        self._rng = random.Random(seed)
        self._lock = threading.Lock()
        self._shown: dict[str, tuple[Trial, float]] = {}  # by an id that says nothing
        self._current: str | None = None

    def votes(self) -> list[Vote]:
        """All votes on this size that count, of whoever gave them."""
        return [
            vote for vote in votes.read_votes(self.material.run) if vote.size == self.material.size
        ]

    def state(self) -> dict[str, Any]:
        """What the page needs: the trial that is open, and how far the test is."""
        with self._lock:
            return self._state()

    def _state(self) -> dict[str, Any]:
        mine = self._mine()
        if self._current is None:
            trial = draw(self._trials, mine, self._rng)
            if trial is not None:
                self._show(trial)
        return {
            "trial": self._current,
            "votes": len(mine),
            "trials": len(self._trials),
            "undo": bool(mine),
        }

    def _mine(self) -> list[Vote]:
        return [vote for vote in self.votes() if vote.voter == self.voter]

    def _show(self, trial: Trial) -> None:
        self._current = secrets.token_hex(8)
        self._shown = {self._current: (trial, time.monotonic())}

    def picture(self, id_: str, what: str) -> Path | None:
        """A picture of the trial that is open; `what` as in `Material.path`."""
        shown = self._shown.get(id_)
        if shown is None or what not in ("left", "right", "content", "style"):
            return None
        return self.material.path(shown[0], what)

    def vote(self, id_: object, choice: object) -> dict[str, Any] | None:
        """Record a choice and go on; None where that trial is not open or there is no such choice.

        Raises:
            BenchError: the disk refuses.
        """
        with self._lock:
            if self._current is None or id_ != self._current:
                return None
            if not isinstance(choice, str) or choice not in CHOICES:
                return None
            trial, since = self._shown[self._current]
            append(
                self.material.run,
                {
                    "schema": votes.SCHEMA,
                    "id": secrets.token_hex(8),
                    "time": _now(),
                    "voter": self.voter,
                    **trial._asdict(),
                    "size": self.material.size,
                    "choice": choice,
                    "seconds": round(time.monotonic() - since, 3),
                },
            )
            self._current = None
            return self._state()

    def undo(self) -> dict[str, Any]:
        """Take back this voter's last vote and show what it was on.

        Raises:
            BenchError: the disk refuses.
        """
        with self._lock:
            mine = self._mine()
            if mine:
                last = mine[-1]
                append(
                    self.material.run,
                    {"schema": votes.SCHEMA, "undo": last.id, "time": _now()},
                )
                self._show(Trial(last.style, last.content, last.left, last.right))
            return self._state()


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
