"""The files of a run: where each lies, written whole or not at all, and read."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, cast

from bench.errors import BenchError
from bench.files import storage_errors, write
from bench.results.records import (
    SCHEMA,
    CellRecord,
    Kind,
    RunInfo,
    RunRecord,
    ScoreRecord,
    SetRecord,
    SpeedRecord,
)

Values = tuple[Any, ...]


_RUN_KEYS = frozenset(RunRecord.__required_keys__)
REQUIRED: Mapping[Kind, frozenset[str]] = {
    "cells": frozenset(CellRecord.__required_keys__),
    "speed": frozenset(SpeedRecord.__required_keys__),
    "scores": frozenset(ScoreRecord.__required_keys__),
    "sets": frozenset(SetRecord.__required_keys__),
}


LARGEST = 256 * 2**20
"""Bytes of a JSON file that are read at most: a full run's largest record has a few million."""


class DamagedFileError(BenchError):
    """A record that is there but cannot be used, or was written by an older bench."""


class UnreadableFileError(BenchError):
    """A file that the system does not let be read, or that is no regular file."""


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


def write_json(path: Path, record: Mapping[str, Any]) -> None:
    """Write a record whole or not at all: after a crash there is the old file or the new one.

    Raises:
        ValueError: a number in it is NaN or infinite. JSON has neither; the writer must say what
            it means (None and a status), for nobody could tell it from the file.
        StorageError: the disk refuses.
    """
    try:
        text = json.dumps(record, indent=1, allow_nan=False)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    write(path, text, durable=True)


def read_json(path: Path | str) -> Any:
    """What a JSON file holds.

    Raises:
        UnreadableFileError: it is not there, may not be read, or is no regular file.
        DamagedFileError: it holds no JSON, or is larger than `LARGEST`.
    """
    try:
        about = os.stat(path)  # noqa: PTH116 (a Path for every file takes longer)
        if not stat.S_ISREG(about.st_mode):  # a pipe would be waited for, a device has no end
            raise UnreadableFileError(f"{path} is no regular file: remove it or name another")
        if about.st_size > LARGEST:
            raise damaged(path, f"{about.st_size} bytes, at most {LARGEST} are read")
        with open(path, "rb") as file:  # noqa: PTH123
            return json.loads(file.read().decode())
    except OSError as error:
        raise UnreadableFileError(
            f"{path} cannot be read ({error.strerror}): check the path and its permissions"
        ) from None
    except (ValueError, RecursionError) as error:
        raise damaged(path, str(error)) from None


def damaged(path: Path | str, cause: str) -> DamagedFileError:
    """The error for a file that cannot be used, with the remedy."""
    remedy = (
        "put back a copy or delete the run"
        if Path(path).name == "run.json"
        else "delete it and finish the run with bench run --resume"
    )
    return DamagedFileError(f"{path} is damaged ({' '.join(cause.split())}): {remedy}")


def read_record(path: Path | str, keys: frozenset[str]) -> dict[str, Any]:
    """A record with all its keys, of the schema that is read here."""
    record = read_json(path)
    if not isinstance(record, dict) or not isinstance(record.get("schema"), int):
        raise damaged(path, "it holds no record")
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
        raise damaged(path, f"without {', '.join(missing)}")
    return record


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
    created = now.isoformat(timespec="seconds")
    try:
        with storage_errors(run):
            for kind in REQUIRED:
                (run / kind).mkdir()
        told = info(run) if callable(info) else info
        write_json(run / "run.json", {"schema": SCHEMA, "id": name, "created": created, **told})
    except BaseException:
        shutil.rmtree(run, ignore_errors=True)
        raise
    return run


def read_run(run: Path) -> RunRecord:
    """A run's `run.json`.

    Raises:
        BenchError: it is missing, damaged, or of a newer schema.
    """
    path = run / "run.json"
    record = cast(RunRecord, read_record(path, _RUN_KEYS))
    try:
        run_row(run, record)
    except (KeyError, TypeError) as error:
        raise damaged(path, f"{type(error).__name__}: {error}") from None
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
    for path in files(run, kind):
        try:
            yield Path(path).stem, read_record(path, REQUIRED[kind])
        except (DamagedFileError, UnreadableFileError):
            continue


def completed(run: Path, kind: Kind) -> set[str]:
    """The keys of all whole records of a kind: what resuming leaves out.

    Raises:
        BenchError: a record is of a newer schema.
    """
    return {key for key, _ in whole(run, kind)}


def files(run: Path, kind: Kind) -> list[str]:
    """The paths of the records of a kind, sorted: of text, for there may be thousands."""
    folder = run / kind
    names = os.listdir(folder) if folder.is_dir() else []  # noqa: PTH208
    # a leading dot marks a file that is still being written
    good = sorted(name for name in names if name.endswith(".json") and not name.startswith("."))
    return [os.path.join(folder, name) for name in good]  # noqa: PTH118


def run_row(path: Path, run: RunRecord) -> Values:
    """A run's row of `Frames.runs`; raises KeyError and TypeError where `run.json` is not whole."""
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
