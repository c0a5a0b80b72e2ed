"""Runs as pandas tables, for reports and whoever reads results; `load` imports pandas."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bench.errors import BenchError
from bench.results.folder import (
    REQUIRED,
    DamagedFileError,
    UnreadableFileError,
    Values,
    damaged,
    files,
    read_record,
    read_run,
    run_row,
)
from bench.results.records import CellRecord, Kind, RunRecord, ScoreRecord, SetRecord, SpeedRecord

if TYPE_CHECKING:
    from pandas import DataFrame

T = TypeVar("T")


@dataclass(frozen=True)
class Frames:
    """Runs as tables. Column `run` is the run's id, `environment` its machine's fingerprint.

    Attributes:
        runs: one row per run: run, path, created, environment, dataset, dataset_fingerprint,
            profile, seed, bench_version, command.
        cells: one row per cell: run, environment, method, style, size, status, reason, precision,
            adapt_seconds, adapt_steps, adapt_finished, first_call (s), contents (list of names),
            params_shared, params_per_style, peak_memory_bytes, flops.
        speeds: one row per method and size: run, environment, method, size, status, reason,
            precision, batch, iterative_adapt, iterative_stylize, noisy (why, or empty).
        samples: one row per raw sample: run, environment, method, size, scope, round, seconds.
        controls: one row per A/A control: run, environment, method, size, scope, noise (a share,
            see `bench.statistics.aa_noise`).
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
    " adapt_finished first_call contents params_shared params_per_style peak_memory_bytes flops",
    "speeds": "run environment method size status reason precision batch iterative_adapt"
    " iterative_stylize noisy",
    "samples": "run environment method size scope round seconds",
    "controls": "run environment method size scope noise",
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
    from pandas import DataFrame

    records: dict[str, RunRecord] = {}
    rows: dict[str, list[Values]] = {name: [] for name in _COLUMNS}
    warnings: list[str] = []
    for path in runs:
        try:
            run = read_run(path)
        except DamagedFileError as error:
            warnings.append(str(error))
            continue
        if run["id"] in records:
            warnings.append(f"{path} is another copy of run {run['id']}: left out")
            continue
        records[run["id"]] = run
        head = (run["id"], run["environment"]["fingerprint"])
        rows["runs"].append(run_row(path, run))
        for cell, observed in _read_all(path, "cells", _cell_rows, warnings):
            rows["cells"].append(head + cell)
            rows["observed"].extend((*head, *picture) for picture in observed)
        for speed, samples, controls in _read_all(path, "speed", _speed_rows, warnings):
            rows["speeds"].append(head + speed)
            rows["controls"].extend(head + control for control in controls)
            rows["samples"].extend(head + sample for sample in samples)
        for finished, on_the_way in _read_all(path, "scores", _score_rows, warnings):
            rows["scores"].extend(head + score for score in finished)
            rows["observed_scores"].extend(head + score for score in on_the_way)
        for entries in _read_all(path, "sets", _set_rows, warnings):
            rows["sets"].extend(head + entry for entry in entries)
    if not records:
        raise BenchError(warnings[0] if warnings else "no run to read: make one with bench run")
    frames = {}
    for name, columns in _COLUMNS.items():
        frame = DataFrame(rows[name], columns=columns.split(), dtype=_DTYPES.get(name))
        frames[name] = frame.astype({n: kind for n, kind in _NUMBERS.items() if n in frame})
    return Frames(**frames, records=records, warnings=warnings)


_DTYPES = {"scores": object, "observed_scores": object}
"""The longest frames keep Python's own texts: they are read as lists, and pandas' cost twice."""

_NUMBERS = {
    **dict.fromkeys(("size", "step"), int),
    **dict.fromkeys(
        (
            "adapt_seconds",
            "adapt_steps",
            "first_call",
            "params_shared",
            "params_per_style",
            "peak_memory_bytes",
            "flops",
            "seconds",
            "noise",
            "value",
        ),
        float,
    ),
}


def _read_all(run: Path, kind: Kind, rows: Callable[[Any], T], warnings: list[str]) -> Iterator[T]:
    for path in files(run, kind):
        try:
            record = read_record(path, REQUIRED[kind])
            try:
                made = rows(record)
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise damaged(path, f"{type(error).__name__}: {error}") from None
        except (DamagedFileError, UnreadableFileError) as error:
            warnings.append(str(error))
        else:
            yield made


def _cell_rows(cell: CellRecord) -> tuple[Values, list[Values]]:
    adapt, parameters = cell["adapt"], cell["parameters"]
    which = (cell["method"], cell["style"], cell["size"])
    row = (
        *which,
        cell["status"],
        cell["reason"],
        cell["precision"],
        _number(adapt["seconds"]) if adapt else None,
        _number(adapt["steps"]) if adapt else None,
        adapt["finished"] if adapt else None,
        _number(cell["first_call"]),
        [picture["content"] for picture in cell["contents"]],
        _number(parameters["shared"]) if parameters else None,
        _number(parameters["per_style"]) if parameters else None,
        _number(cell["peak_memory_bytes"]),
        _number(cell["flops"]),
    )
    observed = [
        (*which, moment["step"], float(moment["seconds"]), picture["content"], picture["image"])
        for moment in cell["observed"]
        for picture in moment["contents"]
    ]
    return row, observed


def _speed_rows(speed: SpeedRecord) -> tuple[Values, list[Values], list[Values]]:
    which = (speed["method"], speed["size"])
    samples = [
        (*which, scope, round_, float(seconds))
        for scope, taken in speed["scopes"].items()
        for round_, seconds in zip(taken["rounds"], taken["samples"], strict=True)
    ]
    row = (
        *which,
        speed["status"],
        speed["reason"],
        speed["precision"],
        speed["batch"],
        speed["iterative"]["adapt"],
        speed["iterative"]["stylize"],
        "; ".join(speed["conditions"]["noisy"]) if "conditions" in speed else "",
    )
    return row, samples, _control_rows(speed)


def _control_rows(speed: SpeedRecord) -> list[Values]:
    from bench.statistics import aa_noise

    if "control" not in speed or not speed["control"]["samples"]:
        return []
    again = speed["control"]
    first = speed["scopes"][again["scope"]]
    noise = aa_noise(first["samples"], again["samples"], first["rounds"], again["rounds"])
    return [(speed["method"], speed["size"], again["scope"], noise)]


def _score_rows(record: ScoreRecord) -> tuple[list[Values], list[Values]]:
    """The scores of the finished pictures, and those of the observed ones."""
    which = (record["method"], record["style"], record["size"])
    finished: list[Values] = []
    observed: list[Values] = []
    for s in record["scores"]:
        told = (s["metric"], s["content"], _number(s["value"]), s["status"], s["reason"])
        if s["step"] is None:
            finished.append((*which, *told))
        else:
            observed.append((*which, s["step"], *told))
    return finished, observed


def _set_rows(record: SetRecord) -> list[Values]:
    return [
        (
            record["method"],
            record["size"],
            s["metric"],
            _number(s["value"]),
            s["parts"],
            s["pictures"],
            s["status"],
            s["reason"],
        )
        for s in record["scores"]
    ]


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)
