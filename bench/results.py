"""A run on disk: one folder, one small JSON file per result, each written whole or not at all.

    runs/<UTC yyyymmdd-hhmmss>-<4 hex>/
      run.json            RunRecord: what was asked for, where, and with what
      cells/<key>.json    CellRecord: one method, one style, one size
      speed/<key>.json    SpeedRecord: one method, one size, raw samples
      scores/<key>.json   ScoreRecord: one cell's metrics
      sets/<key>.json     SetRecord: the metrics of all pictures of one method and size
      images/ inputs/     the pictures

A file is there when its result is: a killed run goes on with what `completed` does not name.
No torch here, and pandas only where frames are made.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, TypeVar, cast

from bench.errors import BenchError

if TYPE_CHECKING:
    from pandas import DataFrame

SCHEMA = 2

T = TypeVar("T")
_Row = tuple[Any, ...]

Status = Literal["ok", "error", "oom", "skipped"]
Scope = Literal["adapt", "core", "pair", "e2e"]
Kind = Literal["cells", "speed", "scores", "sets"]


class DatasetRecord(TypedDict):
    """Where the pictures came from."""

    name: str  # the dataset plugin
    options: dict[str, Any]  # its options
    fingerprint: str  # hash over every picture's role, name and bytes
    citation: str


class MethodRecord(TypedDict):
    """A method as it was run."""

    method: str  # the plugin's name for it; the row's own name, but for an alias
    family: str  # see bench.contract.Family
    citation: str
    options: dict[str, Any]  # every option's value
    defaults: dict[str, Any]  # every option's default, so that a report can name what differs
    source_sha256: str | None  # of the plugin's source; None where there is no file
    weights: dict[str, str]  # weight file to SHA-256
    trains_on: list[str]  # encoders whose features its losses or its network use
    autocast: bool  # False: always plain float32
    plugin: str  # where it was found


class _MoreOfMetric(TypedDict, total=False):
    of_set: bool  # a number for all pictures of a method and size


class MetricRecord(_MoreOfMetric):
    """A metric as it was run; see bench.contract.Metric."""

    name: str
    version: int
    unit: str  # "1" for a pure number
    axis: str  # style, content or both
    direction: str  # lower or higher is better
    encoder: str | None
    judge: bool  # no built-in method trains on its network
    training_loss_of: list[str]  # methods that are trained on this very number
    weights: dict[str, str]  # weight file of its encoder to SHA-256
    citation: str


class SkippedRecord(TypedDict):
    """Something asked for that the run went on without."""

    role: str  # content, style, method, metric ...
    name: str
    reason: str


class RunInfo(TypedDict):
    """What the runner knows when it starts; `create` adds the rest of a RunRecord."""

    command: str  # the command line
    bench_version: str
    profile: str
    seed: int
    adapt_seconds: float | None  # an adaptation ends after this long; None: by itself
    observe: list[int]  # the steps of an adaptation at which every content is stylized
    environment: dict[str, Any]  # machine and libraries; "fingerprint" tells two apart
    dataset: DatasetRecord
    sizes: list[int]  # picture sides in pixels
    contents: list[str]  # names, in order
    styles: list[str]  # names, in order
    methods: dict[str, MethodRecord]  # by name
    metrics: dict[str, MetricRecord]  # by id
    skipped: list[SkippedRecord]


class RunRecord(RunInfo):
    """`run.json`."""

    schema: int
    id: str  # the folder's name at birth
    created: str  # ISO 8601, UTC


class _MoreOfAdapt(TypedDict, total=False):
    device_seconds: float  # the same by CUDA events


class AdaptRecord(_MoreOfAdapt):
    """What the style cost."""

    seconds: float
    steps: int  # 0: not iterative
    finished: bool  # False: ended by the run's `adapt_seconds`
    curve: list[tuple[int, float]] | None  # (step, seconds so far) of an observed adaptation


class ContentRecord(TypedDict):
    """One stylized picture."""

    content: str  # name
    image: str  # path relative to the run folder
    seconds: float | None  # to stylize it, once, not a benchmark; None: made elsewhere


class ObservedRecord(TypedDict):
    """The pictures that an adaptation gave on its way, after so many steps."""

    step: int  # 0: before the first
    seconds: float  # of adaptation so far, without the observing
    contents: list[ContentRecord]


class ParameterCounts(TypedDict):
    """Learned numbers that `stylize` uses."""

    shared: int  # by all styles
    per_style: int  # kept for each style


class _MoreOfCell(TypedDict, total=False):
    precision_reason: str  # where the method itself chose, if only to keep the run's


class CellRecord(_MoreOfCell):
    """`cells/<key(method, style, size)>.json`."""

    schema: int
    method: str
    style: str
    size: int
    status: Status
    reason: str  # empty when ok
    precision: str  # bench.device.Precision.label, or bench.contract.Method.arithmetic
    adapt: AdaptRecord | None  # None: it never got there
    observed: list[ObservedRecord]  # in order; empty where not asked for or nothing iterates
    first_call: float | None  # seconds of the very first stylize
    contents: list[ContentRecord]
    parameters: ParameterCounts | None
    peak_memory_bytes: int | None  # while stylizing, above what was held before
    peak_memory_source: str | None  # how it was measured, see bench.measure.PeakMemory
    flops: int | None  # of stylizing one picture


def new_cell(name: str, style: str, size: int, precision: str = "") -> CellRecord:
    """A cell that is well and that nothing is known of yet."""
    return {
        "schema": SCHEMA,
        "method": name,
        "style": style,
        "size": size,
        "status": "ok",
        "reason": "",
        "precision": precision,
        "adapt": None,
        "observed": [],
        "first_call": None,
        "contents": [],
        "parameters": None,
        "peak_memory_bytes": None,
        "peak_memory_source": None,
        "flops": None,
    }


class IterativeRecord(TypedDict):
    """Which phases iterate."""

    adapt: bool
    stylize: bool


class _MoreOfSamples(TypedDict, total=False):
    device_samples: list[float]  # the same calls by CUDA events


class SamplesRecord(_MoreOfSamples):
    """Raw timings of one scope."""

    samples: list[float]  # seconds per call
    rounds: list[int]  # the interleaving round of each sample
    warmup_calls: int
    warmup_seconds: float
    stopped: str  # why sampling stopped


class ControlRecord(SamplesRecord):
    """The A/A control: a scope timed once more in the same rounds, under another label."""

    scope: Scope


class ConditionsRecord(TypedDict):
    """What the machine did while a size was timed, see bench.conditions."""

    noisy: list[str]  # why the timings are not to be trusted; empty when they are
    facts: dict[str, Any]


class _MoreOfSpeed(TypedDict, total=False):
    control: ControlRecord  # of one method of each size
    conditions: ConditionsRecord


class SpeedRecord(_MoreOfSpeed):
    """`speed/<key(method, size)>.json`."""

    schema: int
    method: str
    size: int
    status: Status
    reason: str
    precision: str
    iterative: IterativeRecord
    batch: int  # pictures per call
    scopes: dict[Scope, SamplesRecord]


class ScoreEntry(TypedDict):
    """One number for one picture."""

    step: int | None  # of an observed adaptation; None: the finished result
    metric: str  # id
    content: str  # name
    value: float | None
    status: Status
    reason: str


class ScoreRecord(TypedDict):
    """`scores/<key(method, style, size)>.json`."""

    schema: int
    method: str
    style: str
    size: int
    scores: list[ScoreEntry]


class SetEntry(TypedDict):
    """One number for a set of pictures."""

    metric: str  # id
    value: float | None
    parts: dict[str, float]  # by name, the numbers that it is made of
    pictures: int  # in the set
    status: Status
    reason: str


class SetRecord(TypedDict):
    """`sets/<key(method, size)>.json`."""

    schema: int
    method: str
    size: int
    scores: list[SetEntry]


_RUN_KEYS = frozenset(RunRecord.__required_keys__)
_KEYS: Mapping[Kind, frozenset[str]] = {
    "cells": frozenset(CellRecord.__required_keys__),
    "speed": frozenset(SpeedRecord.__required_keys__),
    "scores": frozenset(ScoreRecord.__required_keys__),
    "sets": frozenset(SetRecord.__required_keys__),
}


class DamagedFileError(BenchError):
    """A record that is there but cannot be read, or was written by an older bench."""


# names

_PLAIN = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?")  # device names on Windows
_LONGEST = 40


def key(*parts: object) -> str:
    """A file name's stem for names that may hold anything: unique, safe and readable.

    A part that is short, lower case and plain stays as it is; any other becomes a slug, `~` and a
    hash of the name. So names that differ in case alone also differ on disks that ignore case.
    Parts are joined by `__`, which no part holds.
    """
    return "__".join(_safe(str(part)) for part in parts)


def _safe(name: str) -> str:
    if len(name) <= _LONGEST and _PLAIN.fullmatch(name) and not _RESERVED.fullmatch(name):
        return name
    slug = "-".join(re.findall(r"[a-z0-9]+", name.lower()))[:_LONGEST].strip("-")
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{slug or 'x'}~{digest[:10]}"


# files


def write_json(path: Path, record: Mapping[str, Any]) -> None:
    """Write a record whole or not at all: after a crash there is the old file or the new one.

    Raises:
        ValueError: a number in it is NaN or infinite. JSON has neither; the writer must say what
            it means (None and a status), for nobody could tell it from the file.
        BenchError: the disk refuses.
    """
    try:
        text = json.dumps(record, indent=1, allow_nan=False)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise BenchError(
            f"{path} cannot be written ({error.strerror}): make room or choose another folder"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def read_json(path: Path | str) -> Any:
    """What a JSON file holds.

    Raises:
        BenchError: it is not there, may not be read, or holds no JSON.
    """
    try:
        with open(path, "rb") as file:  # noqa: PTH123 (a Path for every file takes longer)
            return json.loads(file.read().decode())
    except OSError as error:
        raise BenchError(
            f"{path} cannot be read ({error.strerror}): check the path and its permissions"
        ) from None
    except ValueError as error:
        raise _damaged(path, str(error)) from None


def _damaged(path: Path | str, cause: str) -> DamagedFileError:
    remedy = (
        "put back a copy or delete the run"
        if Path(path).name == "run.json"
        else "delete it and finish the run with bench run --resume"
    )
    return DamagedFileError(f"{path} is damaged ({' '.join(cause.split())}): {remedy}")


def _read_record(path: Path | str, keys: frozenset[str]) -> dict[str, Any]:
    record = read_json(path)
    if not isinstance(record, dict) or not isinstance(record.get("schema"), int):
        raise _damaged(path, "it holds no record")
    if record["schema"] > SCHEMA:
        raise BenchError(
            f"{path} was written by a newer bench (schema {record['schema']}, this one reads"
            f" {SCHEMA}): upgrade with pip install -U metastyle-bench"
        )
    if record["schema"] < SCHEMA:
        raise DamagedFileError(
            f"{path} was written by an older bench (schema {record['schema']}, this one reads"
            f" {SCHEMA}): run it again"
        )
    if missing := sorted(keys - record.keys()):
        raise _damaged(path, f"without {', '.join(missing)}")
    return record


# run folders


def create(root: Path, info: RunInfo | Callable[[Path], RunInfo]) -> Path:
    """Make a new run's folder under `root`, with its `run.json`, and return its path.

    `info` may be a function that first puts into the folder what the run rests on: a folder
    without `run.json` is no run, so a run that was killed at birth leaves none half made.

    Raises:
        BenchError: the folder cannot be made.
    """
    while True:
        now = datetime.now(timezone.utc)
        # the hex digits are the fraction of the second, so that names sort by time
        name = f"{now:%Y%m%d-%H%M%S}-{now.microsecond * 0x10000 // 1_000_000:04x}"
        run = root / name
        try:
            root.mkdir(parents=True, exist_ok=True)
            run.mkdir()
        except FileExistsError:
            if root.is_dir():
                continue
            raise BenchError(f"{root} is a file: choose another folder for the runs") from None
        except OSError as error:
            raise BenchError(
                f"{run} cannot be made ({error.strerror}): choose another folder for the runs"
            ) from None
        break
    for kind in _KEYS:
        (run / kind).mkdir()
    created = now.isoformat(timespec="seconds")
    try:
        told = info(run) if callable(info) else info
    except BenchError:
        shutil.rmtree(run)
        raise
    write_json(run / "run.json", {"schema": SCHEMA, "id": name, "created": created, **told})
    return run


def read_run(run: Path) -> RunRecord:
    """A run's `run.json`.

    Raises:
        BenchError: it is missing, damaged, or of a newer schema.
    """
    path = run / "run.json"
    record = cast(RunRecord, _read_record(path, _RUN_KEYS))
    try:
        _run_row(run, record)
    except (KeyError, TypeError) as error:
        raise _damaged(path, f"{type(error).__name__}: {error}") from None
    return record


def find_runs(root: Path) -> list[Path]:
    """The run folders under `root`, newest last; none when `root` is not there."""
    return sorted((path.parent for path in root.glob("*/run.json")), key=lambda run: run.name)


def latest(root: Path) -> Path:
    """The newest run under `root`.

    Raises:
        BenchError: there is none.
    """
    runs = find_runs(root)
    if not runs:
        raise BenchError(f"no run in {root}: make one with bench run, or name another folder")
    return runs[-1]


def record_path(run: Path, kind: Kind, *parts: object) -> Path:
    """Where a record lies: parts are (method, style, size), for "speed" (method, size)."""
    return run / kind / f"{key(*parts)}.json"


def input_path(run: Path, role: str, name: str, size: int) -> Path:
    """Where a run keeps a content or a style as it was given to the methods."""
    return run / "inputs" / str(size) / role / f"{key(name)}.png"


def whole(run: Path, kind: Kind) -> Iterator[tuple[str, Any]]:
    """The key and the record of all whole records of a kind, failures among them.

    Raises:
        BenchError: a record is of a newer schema.
    """
    for path in _files(run, kind):
        try:
            yield Path(path).stem, _read_record(path, _KEYS[kind])
        except DamagedFileError:
            continue


def completed(run: Path, kind: Kind) -> set[str]:
    """The keys of all whole records of a kind: what resuming leaves out.

    Raises:
        BenchError: a record is of a newer schema.
    """
    return {key for key, _ in whole(run, kind)}


def _files(run: Path, kind: Kind) -> list[str]:
    """The paths of the records of a kind, sorted: of text, for there may be thousands."""
    folder = run / kind
    names = os.listdir(folder) if folder.is_dir() else []  # noqa: PTH208
    # a leading dot marks a file that is still being written
    good = sorted(name for name in names if name.endswith(".json") and not name.startswith("."))
    return [os.path.join(folder, name) for name in good]  # noqa: PTH118


# frames


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
    rows: dict[str, list[_Row]] = {name: [] for name in _COLUMNS}
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
        rows["runs"].append(_run_row(path, run))
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
    for path in _files(run, kind):
        try:
            record = _read_record(path, _KEYS[kind])
            try:
                made = rows(record)
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise _damaged(path, f"{type(error).__name__}: {error}") from None
        except DamagedFileError as error:
            warnings.append(str(error))
        else:
            yield made


def _run_row(path: Path, run: RunRecord) -> _Row:
    return (
        run["id"],
        str(path),
        run["created"],
        run["environment"]["fingerprint"],
        run["dataset"]["name"],
        run["dataset"]["fingerprint"],
        run["profile"],
        run["seed"],
        run["bench_version"],
        run["command"],
    )


def _cell_rows(cell: CellRecord) -> tuple[_Row, list[_Row]]:
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


def _speed_rows(speed: SpeedRecord) -> tuple[_Row, list[_Row], list[_Row]]:
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


def _control_rows(speed: SpeedRecord) -> list[_Row]:
    from bench.statistics import aa_noise

    if "control" not in speed or not speed["control"]["samples"]:
        return []
    again = speed["control"]
    first = speed["scopes"][again["scope"]]
    noise = aa_noise(first["samples"], again["samples"], first["rounds"], again["rounds"])
    return [(speed["method"], speed["size"], again["scope"], noise)]


def _score_rows(record: ScoreRecord) -> tuple[list[_Row], list[_Row]]:
    """The scores of the finished pictures, and those of the observed ones."""
    which = (record["method"], record["style"], record["size"])
    finished: list[_Row] = []
    observed: list[_Row] = []
    for s in record["scores"]:
        told = (s["metric"], s["content"], _number(s["value"]), s["status"], s["reason"])
        if s["step"] is None:
            finished.append((*which, *told))
        else:
            observed.append((*which, s["step"], *told))
    return finished, observed


def _set_rows(record: SetRecord) -> list[_Row]:
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
