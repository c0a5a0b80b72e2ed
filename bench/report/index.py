"""The frames of runs, cut so that every row of a report finds its own quickly."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bench.anchors import ANCHORS
from bench.report.model import Variant
from bench.results import Frames

if TYPE_CHECKING:
    from pandas import DataFrame

    from bench.report.judged import Scores


class Index:
    """The frames cut by run, method, size and style, so that a row finds its own quickly."""

    def __init__(self, frames: Frames, styles: bool) -> None:
        from bench.report.judged import Judged

        whole: dict[str, DataFrame] = {
            "cells": frames.cells,
            "speeds": frames.speeds,
            "samples": frames.samples,
            "batches": frames.batches,
            "sets": frames.sets,
        }
        self.records = frames.records
        self.styles = styles
        by = ["run", "method", "size", *["style"] * styles]
        self._judged = Judged(frames.scores)
        self._places: dict[Any, Any] = frames.scores.groupby(by, sort=False).indices
        of_control = (frames.controls[name].tolist() for name in ("run", "size", "noise"))
        self._noise: dict[tuple[str, int], float] = {}
        for run, size, noise in zip(*of_control, strict=True):
            self._noise[run, size] = max(noise, self._noise.get((run, size), 0.0))
        self._empty = {name: frame.iloc[:0] for name, frame in whole.items()}
        self._anchors: dict[tuple[str, str, int, str], Scores] = {}
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
        if where in self._anchors:
            return self._anchors[where]
        cells = self.take("cells", *where)
        done = set(cells.loc[cells["status"] == "ok", "style"])
        places = self._places.get(where if self.styles else where[:3], ())
        sets = self.take("sets", *where)  # nothing of one style: a set is of all
        scores = self._judged.scores(places, done, sets.iloc[: 0 if style else None])
        if method in ANCHORS:  # the others stand beside them
            self._anchors[where] = scores
        return scores


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
