"""What a run is to do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.contract import Context, Dataset, Method, Metric, Picture
from bench.images import CROPPED, Fit
from bench.results import Specification
from bench.run.profiles import Profile

Reopen = Callable[[Path], "tuple[Plan, Context]"]


@dataclass(frozen=True)
class Chosen:
    """A method and the options it runs with."""

    cls: type[Method]
    options: Any


@dataclass(frozen=True)
class Plan:
    """What a run does.

    Attributes:
        methods: a row's name to class and options; two rows may be of one class.
        metrics: to compute on every picture.
        dataset: where the pictures come from.
        profile: the budget it was made for.
        contents: to stylize.
        styles: to adapt to.
        sizes: sides of the square pictures in pixels.
        seed: every phase is seeded by it and by its own place in the grid.
        adapt_seconds: a phase of adaptation ends after this long; None is no limit.
        command: the command line, for the record.
        specification: what was asked for, for resuming; None for what is not resumed.
        observe: after so many steps of an adaptation that iterates, the clock stands still and
            every content is stylized and stored.
        batches: to time the methods in batches of these sizes, too.
        threads: the CPU threads that the user asked for; None for torch's own number.
        fit: how pictures become squares.
        protocol: whose rules it goes by; empty for none.
        differs: in what it does not.
        reopen: gives plan and context of a run again, from its folder, in another process; it can
            be pickled. With it the work is done by processes of their own, else here.
        hang_seconds: such a process is ended when nothing has happened in it for so long.
    """

    methods: Mapping[str, Chosen]
    metrics: Sequence[Metric]
    dataset: Dataset
    profile: Profile
    contents: Sequence[Picture]
    styles: Sequence[Picture]
    sizes: Sequence[int]
    seed: int
    adapt_seconds: float | None
    command: str
    observe: Sequence[int] = ()
    batches: Sequence[int] = ()
    threads: int | None = None
    fit: Fit = CROPPED
    protocol: str = ""
    differs: Sequence[str] = ()
    reopen: Reopen | None = None
    hang_seconds: float = 3600.0
    specification: Specification | None = None

    @property
    def fingerprint(self) -> str:
        """Of the pictures as they are evaluated: the dataset's, and how they become squares."""
        found = self.dataset.fingerprint()
        if self.fit == CROPPED:
            return found
        text = f"{found} {self.fit.square} {self.fit.filter}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def style(self, name: str) -> Picture:
        """The style of that name."""
        return next(picture for picture in self.styles if picture.name == name)


def precision_label(cls: type[Method], context: Context) -> str:
    """The precision that a method really runs in."""
    precision = context.precision
    if cls.autocast:
        return precision.label
    return precision.label.replace(precision.dtype, "float32")
