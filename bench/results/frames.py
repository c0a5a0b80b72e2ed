"""Runs as pandas tables, for reports and whoever reads results; `load` imports pandas."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.results.columnwise import Columns, Values
from bench.results.records import (
    BatchRecord,
    CellRecord,
    RunRecord,
    ScoreRecord,
    SetRecord,
    SpeedRecord,
)
from bench.results.storage import (
    DamagedFileError,
    R,
    UnreadableFileError,
    damaged,
    files,
    read_record,
    read_run,
)

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class Frames:
    """Runs as tables. Column `run` is the run's id, `environment` its machine's fingerprint.

    Attributes:
        runs: one row per run: run, path, created, environment, dataset, dataset_fingerprint,
            profile, seed, bench_version, command.
        cells: one row per cell: run, environment, method, style, size, status, reason, precision,
            adapt_seconds, adapt_steps, adapt_finished, adapt_shared_with (a row, or None),
            first_call (s), contents (list of names), params_shared, params_per_style,
            peak_memory_bytes, flops. What a worker of `bench run --on` made has no adapt_seconds,
            first_call and peak_memory_bytes.
        speeds: one row per method and size: run, environment, method, size, status, reason,
            precision, batch, iterative_adapt, iterative_stylize, noisy (why, or empty).
        samples: one row per raw sample: run, environment, method, size, scope, round, seconds.
        controls: one row per A/A control: run, environment, method, size, scope, noise (a share,
            see `bench.statistics.aa_noise`).
        batches: one row per method, size and batch: run, environment, method, size, batch (0 where
            all of them failed by what is said), status,
            reason, samples, rounds and device_samples (lists, of the calls), allocated_bytes,
            reserved_bytes, device_bytes, joules (a picture).
        scores: one row per metric and finished picture: run, environment, method, style, size,
            metric, content, value, status, reason.
        sets: one row per metric of a set of pictures: run, environment, method, size, metric,
            value, parts (name to number), pictures, status, reason.
        observed: one row per picture that an adaptation gave on its way: run, environment, method,
            style, size, step, seconds (of adaptation so far), content, image (path).
        observed_scores: one row per metric and such picture: as `scores`, with its step.
        records: run id to its `run.json`.
        warnings: one line per file that could not be read.
    """

    runs: DataFrame
    cells: DataFrame
    speeds: DataFrame
    samples: DataFrame
    controls: DataFrame
    batches: DataFrame
    scores: DataFrame
    sets: DataFrame
    observed: DataFrame
    observed_scores: DataFrame
    records: Mapping[str, RunRecord]
    warnings: Sequence[str]


_COLUMNS = {
    "runs": "run path created environment dataset dataset_fingerprint profile seed bench_version"
    " command",
    "cells": "run environment method style size status reason precision adapt_seconds adapt_steps"
    " adapt_finished adapt_shared_with first_call contents params_shared params_per_style"
    " peak_memory_bytes flops",
    "speeds": "run environment method size status reason precision batch iterative_adapt"
    " iterative_stylize noisy",
    "samples": "run environment method size scope round seconds",
    "controls": "run environment method size scope noise",
    "batches": "run environment method size batch status reason samples rounds device_samples"
    " allocated_bytes reserved_bytes device_bytes joules",
    "scores": "run environment method style size metric content value status reason",
    "sets": "run environment method size metric value parts pictures status reason",
    "observed": "run environment method style size step seconds content image",
    "observed_scores": "run environment method style size step metric content value status reason",
}


def load(runs: Sequence[Path]) -> Frames:
    """Read runs into tables; damaged files become warnings, never a failure.

    Raises:
        BenchError: no run can be read, or a file is of a newer schema.
    """
    records: dict[str, RunRecord] = {}
    texts: dict[Any, Any] = {}
    rows = {name: Columns(names.split(), texts) for name, names in _COLUMNS.items()}
    warnings: list[str] = []
    for path in runs:
        try:
            run = read_run(path)
        except DamagedFileError as error:
            warnings.append(str(error))
            continue
        if run.id in records:
            warnings.append(f"{path} is another copy of run {run.id}: left out")
            continue
        records[run.id] = run
        head = (run.id, run.environment.fingerprint)
        rows["runs"].append(_run_row(path, run))
        for cell in _read_all(path, run, CellRecord, warnings):
            rows["cells"].append(head + _cell_row(cell))
            rows["observed"].extend((*head, *picture) for picture in _observed_rows(cell))
        for speed in _read_all(path, run, SpeedRecord, warnings):
            rows["speeds"].append(head + _speed_row(speed))
            rows["controls"].extend(head + control for control in _control_rows(speed))
            rows["samples"].extend(head + sample for sample in _sample_rows(speed))
        for batched in _read_all(path, run, BatchRecord, warnings):
            rows["batches"].extend(head + batch for batch in _batch_rows(batched))
        for scored in _read_all(path, run, ScoreRecord, warnings):
            finished, on_the_way = _score_rows(scored)
            rows["scores"].extend(head + score for score in finished)
            rows["observed_scores"].extend(head + score for score in on_the_way)
        for of_set in _read_all(path, run, SetRecord, warnings):
            rows["sets"].extend(head + entry for entry in _set_rows(of_set))
    if not records:
        raise BenchError(warnings[0] if warnings else "no run to read: make one with bench run")
    frames = {name: columns.frame() for name, columns in rows.items()}
    return Frames(**frames, records=records, warnings=warnings)


def _read_all(path: Path, run: RunRecord, cls: type[R], warnings: list[str]) -> Iterator[R]:
    for file in files(path, cls.kind):
        try:
            record = read_record(file, cls)
            if record.method not in run.methods:
                raise damaged(file, f"{record.method} is no method of the run")
            yield record
        except (DamagedFileError, UnreadableFileError) as error:
            warnings.append(str(error))


def _run_row(path: Path, run: RunRecord) -> Values:
    return (
        run.id,
        str(path),
        run.created,
        run.environment.fingerprint,
        run.dataset.name,
        run.dataset.fingerprint,
        run.profile,
        run.seed,
        run.bench_version,
        run.command,
    )


def _cell_row(cell: CellRecord) -> Values:
    adapt, parameters = cell.adapt, cell.parameters
    at_home = cell.worker is None  # what was timed elsewhere, or beside others, compares with none
    return (
        *cell.place,
        cell.status,
        cell.reason,
        cell.precision,
        adapt.seconds if adapt and at_home else None,
        adapt.steps if adapt else None,
        adapt.finished if adapt else None,
        adapt.shared_with if adapt else None,
        cell.first_call if at_home else None,
        [sys.intern(picture.content) for picture in cell.contents],
        parameters.shared if parameters else None,
        parameters.per_style if parameters else None,
        cell.peak_memory_bytes if at_home else None,
        cell.flops,
    )


def _observed_rows(cell: CellRecord) -> Iterator[Values]:
    for moment in cell.observed:
        for picture in moment.contents:
            yield *cell.place, moment.step, moment.seconds, picture.content, picture.image


def _speed_row(speed: SpeedRecord) -> Values:
    return (
        *speed.place,
        speed.status,
        speed.reason,
        speed.precision,
        speed.batch,
        speed.iterative.adapt,
        speed.iterative.stylize,
        "; ".join(speed.conditions.noisy) if speed.conditions else "",
    )


def _sample_rows(speed: SpeedRecord) -> Iterator[Values]:
    for scope, taken in speed.scopes.items():
        for round_, seconds in zip(taken.rounds, taken.samples, strict=True):
            yield *speed.place, scope, round_, seconds


def _control_rows(speed: SpeedRecord) -> list[Values]:
    from bench.statistics import aa_noise

    again = speed.control
    if again is None or not again.samples:
        return []
    first = speed.scopes[again.scope]
    noise = aa_noise(first.samples, again.samples, first.rounds, again.rounds)
    return [(*speed.place, again.scope, noise)]


def _batch_rows(record: BatchRecord) -> Iterator[Values]:
    if record.status != "ok":
        no_timings: tuple[list[float], ...] = ([], [], [])
        yield *record.place, 0, record.status, record.reason, *no_timings, None, None, None, None
    for e in record.entries:
        core = e.core
        timed = (core.samples, core.rounds, core.device_samples or []) if core else ([], [], [])
        memory = e.allocated_bytes, e.reserved_bytes, e.device_bytes
        yield *record.place, e.batch, e.status, e.reason, *timed, *memory, e.joules


def _score_rows(record: ScoreRecord) -> tuple[list[Values], list[Values]]:
    """The scores of the finished pictures, and those of the observed ones."""
    finished: list[Values] = []
    observed: list[Values] = []
    place = record.place
    for s in record.scores:
        score = (s.metric, s.content, s.value, s.status, s.reason)
        if s.step is None:
            finished.append((*place, *score))
        else:
            observed.append((*place, s.step, *score))
    return finished, observed


def _set_rows(record: SetRecord) -> Iterator[Values]:
    for s in record.scores:
        yield *record.place, s.metric, s.value, s.parts, s.pictures, s.status, s.reason
