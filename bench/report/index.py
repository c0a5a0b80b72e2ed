"""The frames of runs, cut so that every row of a report finds its own quickly."""

from __future__ import annotations

import itertools
import json
import math
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.report.model import Variant
from bench.results import Frames

if TYPE_CHECKING:
    from pandas import DataFrame


class Index:
    """The frames cut by run, method, size and style, so that a row finds its own quickly."""

    def __init__(self, frames: Frames, styles: bool) -> None:
        whole: dict[str, DataFrame] = {
            "cells": frames.cells,
            "speeds": frames.speeds,
            "samples": frames.samples,
            "sets": frames.sets,
        }
        self.records = frames.records
        self.styles = styles
        # by far the longest frame: cut as lists, which takes a third of the time
        self._entries: dict[tuple[Any, ...], list[_Entry]] = {}
        names = ("style", "metric", "content", "value", "status", "reason")
        where = (frames.scores[name].tolist() for name in ("run", "method", "size"))
        entries = [frames.scores[name].tolist() for name in names]
        by_style = entries[0] if styles else itertools.repeat("")
        for key, entry in zip(zip(*where, by_style), zip(*entries, strict=True)):  # noqa: B905
            self._entries.setdefault(key, []).append(entry)
        of_control = (frames.controls[name].tolist() for name in ("run", "size", "noise"))
        self._noise: dict[tuple[str, int], float] = {}
        for run, size, noise in zip(*of_control, strict=True):
            self._noise[run, size] = max(noise, self._noise.get((run, size), 0.0))
        self._empty = {name: frame.iloc[:0] for name, frame in whole.items()}
        self._scores: dict[tuple[str, str, int, str], Scores] = {}
        self._cut: dict[str, dict[Any, DataFrame]] = {}
        for name, frame in whole.items():
            by = ["run", "method", "size", *["style"] * (styles and "style" in frame)]
            self._cut[name] = dict(iter(frame.groupby(by, sort=False)))

    def noise(self, run: str, size: int) -> float:
        """What the A/A control of a run says at a size, a share; 0 where there was none."""
        return self._noise.get((run, size), 0.0)

    def take(self, name: str, run: str, method: str, size: int, style: str = "") -> DataFrame:
        """The rows of one frame, of one style where frames are cut by style."""
        cut = self._cut[name]
        by_style = self.styles and "style" in self._empty[name]
        where = (run, method, size, style) if by_style else (run, method, size)
        return cut[where] if where in cut else self._empty[name]

    def scores(self, run: str, method: str, size: int, style: str = "") -> Scores:
        """The numbers of one method's finished cells, of one style where cut by style."""
        where = (run, method, size, style)
        if where not in self._scores:
            cells = self.take("cells", *where)
            done = set(cells.loc[cells["status"] == "ok", "style"])
            entries = (entry for entry in self._entries.get(where, ()) if entry[0] in done)
            sets = self.take("sets", *where)  # nothing of one style: a set is of all
            self._scores[where] = _scores(entries, sets.iloc[: 0 if style else None])
        return self._scores[where]


_Entry = tuple[str, str, str, float, str, str]
"""Style, metric, content, value, status and reason of a row of the frame of scores."""


class Scores(NamedTuple):
    """What the metrics say about some pictures."""

    values: dict[str, dict[tuple[str, str], float]]  # metric id to (style, content) to number
    missing: dict[str, Counter[tuple[str, str]]]  # metric id to (status, reason) to how many
    sets: dict[str, tuple[int, dict[str, float]]]  # metric id of a set to its pictures and parts


WHOLE = ("", "")
"""What stands for style and content where a number is of a set of pictures."""


def _scores(entries: Iterable[_Entry], whole: DataFrame) -> Scores:
    values: dict[str, dict[tuple[str, str], float]] = {}
    missing: dict[str, Counter[tuple[str, str]]] = {}
    for style, metric, content, value, status, reason in entries:
        if status == "ok" and not math.isnan(value):
            values.setdefault(metric, {})[style, content] = value
        else:
            missing.setdefault(metric, Counter())[status, reason] += 1
    sets: dict[str, tuple[int, dict[str, float]]] = {}
    names = ("metric", "status", "reason", "value", "pictures", "parts")
    columns = (whole[name].tolist() for name in names)
    for metric, status, reason, value, pictures, parts in zip(*columns, strict=True):
        if status == "ok":
            values[metric], sets[metric] = {WHOLE: value}, (pictures, parts)
        else:
            missing[metric] = Counter({(status, reason): 1})
    return Scores(values, missing, sets)


def variants_of(frames: Frames) -> dict[Variant, list[str]]:
    """Every variant with the runs that hold it, oldest first (a run's id begins with its time)."""
    precisions = {
        (run, method): precision
        for frame in (frames.cells, frames.speeds)
        for run, method, precision in zip(
            *(frame[name].tolist() for name in ("run", "method", "precision")), strict=True
        )
        if precision
    }
    found: dict[Variant, list[str]] = {}
    for run, record in sorted(frames.records.items()):
        environment = record.environment
        for name, method in record.methods.items():
            variant = Variant(
                environment.fingerprint,
                record.dataset.fingerprint,
                name,
                json.dumps(method.options, sort_keys=True),
                precisions.get((run, name), ""),
                record.adapt_seconds,
                record.seed,
                record.bench_version,
                environment.version,
            )
            found.setdefault(variant, []).append(run)
    return found
