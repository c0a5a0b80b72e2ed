"""How a record becomes a file and comes back: written whole or not at all, read with bounds.

Whatever a file holds, reading it gives a record that keeps the bounds of its types, or an error
that names the file, the field and the remedy.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import msgspec

from bench import interrupts
from bench.errors import BenchError
from bench.files import write
from bench.results.names import key, record_path
from bench.results.records import (
    CLASSES,
    SCHEMA,
    BatchRecord,
    CellRecord,
    Result,
    RunInfo,
    RunRecord,
    ScoreRecord,
    SetRecord,
    SpeedRecord,
)
from bench.results.values import Kind

T = TypeVar("T")
R = TypeVar("R", CellRecord, SpeedRecord, BatchRecord, ScoreRecord, SetRecord)

LARGEST = 64 * 2**20
"""Bytes of a JSON file that are read at most: a full run's largest record has a few million."""

_LONGEST_CAUSE = 300


class DamagedFileError(BenchError):
    """A record that is there but cannot be used."""


class UnreadableFileError(BenchError):
    """A file that the system does not let be read, or that is no regular file."""


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write JSON whole or not at all: after a crash there is the old file or the new one.

    Raises:
        ValueError: a number in it is NaN or infinite. JSON has neither; the writer must say what
            it means (None and a status), for nobody could tell it from the file.
        StorageError: the disk refuses.
    """
    try:
        text = json.dumps(values, indent=1, allow_nan=False)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    write(path, text, durable=True)


def to_json(record: Result | RunInfo) -> dict[str, Any]:
    """What the file of a record holds."""
    values = {"schema": SCHEMA, **asdict(record)}
    if isinstance(record, RunInfo):
        values["environment"] = record.environment.facts
    return values


def write_record(run: Path, record: Result) -> None:
    """Write a result into its place in the run folder; raises as `write_json`."""
    write_json(record_path(run, record.kind, *record.place), to_json(record))


def write_run(run: Path, record: RunRecord) -> None:
    """Write a run's `run.json`; raises as `write_json`."""
    write_json(run / "run.json", to_json(record))


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)

_READING = os.O_RDONLY | sum(  # a pipe that nobody writes to is opened at once, and then refused
    getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY")
)


def read_bytes(path: Path | str) -> bytes:
    """What a regular file holds, if that is no more than `LARGEST` bytes.

    Raises:
        UnreadableFileError: it is not there, may not be read, or is no regular file.
        DamagedFileError: it is larger.
    """
    interrupts.check()
    try:
        file = os.open(path, _READING)  # half the time of a file object, of which there may be 1e5
        try:
            about = os.fstat(file)
            if not stat.S_ISREG(about.st_mode):  # a pipe would be waited for, a device has no end
                raise UnreadableFileError(f"{path} is no regular file: remove it or name another")
            if about.st_size > LARGEST:
                raise damaged(path, f"{about.st_size} bytes, at most {LARGEST} are read")
            data = os.read(file, about.st_size)
            while len(data) < about.st_size and (more := os.read(file, about.st_size - len(data))):
                data += more
            return data
        finally:
            os.close(file)
    except OSError as error:
        raise UnreadableFileError(
            f"{path} cannot be read ({error.strerror}): check the path and its permissions"
        ) from None
    except ValueError as error:  # a path with a NUL
        raise UnreadableFileError(f"{path} cannot be read ({error}): check the path") from None


def parse_json(data: bytes) -> Any:
    """What JSON says, its numbers being finite.

    Raises:
        ValueError: it is none, or is nested too deep.
    """
    try:
        return _DECODER.decode(data.decode())
    except RecursionError:
        raise ValueError("nested too deep") from None


def read_json(path: Path | str) -> Any:
    """What a JSON file holds; raises as `read_bytes`, and DamagedFileError where it is no JSON."""
    data = read_bytes(path)
    try:
        return parse_json(data)
    except ValueError as error:
        raise damaged(path, error) from None


def checked(values: Any, cls: type[T]) -> T:
    """Values from a file as a class whose types bound them.

    Raises:
        ValueError: the field, and what is wrong with it.
    """
    try:
        return msgspec.convert(values, cls)
    except msgspec.ValidationError as error:
        problem, _, where = str(error).partition(" - at ")
        field = "".join(re.findall(r"`\$\.?(.*?)`", where))
        text = problem.replace("`", "")
        raise ValueError(f"{field}: {text}" if field else text) from None


def damaged(path: Path | str, cause: object) -> DamagedFileError:
    """The error for a file that cannot be used, with the remedy."""
    remedy = (
        "put back a copy or delete the run"
        if Path(path).name == "run.json"
        else "delete it and finish the run with bench run --resume"
    )
    return DamagedFileError(f"{path} is damaged ({brief(cause)}): {remedy}")


def brief(cause: object) -> str:
    """A cause in one line of bearable length: it may quote what a file holds."""
    text = " ".join(str(cause).split())
    return text if len(text) <= _LONGEST_CAUSE else text[:_LONGEST_CAUSE] + "…"


def read_run(run: Path) -> RunRecord:
    """A run's `run.json`, of this schema or an earlier one.

    Raises:
        BenchError: it is missing, damaged, or of a newer schema.
    """
    path = run / "run.json"
    values = _values(path, read_bytes(path))
    environment, methods = values.get("environment"), values.get("methods")
    if isinstance(environment, dict):
        values["environment"] = {**environment, "facts": environment}
    if values["schema"] == 1 and isinstance(methods, dict):
        values = {"observe": [], **values}
        values["methods"] = {
            name: {"method": name, **method} if isinstance(method, dict) else method
            for name, method in methods.items()
        }
    try:
        return checked(values, RunRecord)
    except ValueError as error:
        raise damaged(path, error) from None


def read_record(path: Path | str, cls: type[R]) -> R:
    """The record of a result, of this schema or an earlier one.

    Raises:
        BenchError: it is missing, damaged, of another place than its name says, or of a newer
            schema.
    """
    data = read_bytes(path)
    record = _decoded(data, cls)
    if record is None:  # the slow way finds out what is wrong, if anything is
        try:
            record = checked(_values(path, data), cls)
        except ValueError as error:
            raise damaged(path, error) from None
    if os.path.basename(path) != f"{key(*record.place)}.json":  # noqa: PTH119
        raise damaged(path, f"it is of {' '.join(map(str, record.place))}")
    return record


_DECODERS = {kind: msgspec.json.Decoder(cls) for kind, cls in CLASSES.items()}
_SCHEMA = re.compile(rb'\s*{\s*"schema":\s*([1-9]\d?)\s*,')


def _decoded(data: bytes, cls: type[R]) -> R | None:
    """A record of a schema that is read here, a third of the slow way's time; None: perhaps one."""
    schema = _SCHEMA.match(data)
    if schema is None or int(schema[1]) > SCHEMA:
        return None
    try:
        record: R = _DECODERS[cls.kind].decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return record


def _values(path: Path | str, data: bytes) -> dict[str, Any]:
    """What a record's file holds, of a schema that is read here."""
    try:
        values = parse_json(data)
    except ValueError as error:
        raise damaged(path, error) from None
    schema = values.get("schema") if isinstance(values, dict) else None
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise damaged(path, "it holds no record")
    if schema > SCHEMA:
        raise BenchError(
            f"{path} was written by a newer bench (schema {str(schema)[:20]}, this one reads up to"
            f" {SCHEMA}): upgrade with pip install -U metastyle-bench"
        )
    found: dict[str, Any] = values
    return found


def whole(run: Path, cls: type[R]) -> Iterator[R]:
    """All whole records of a kind, failures among them.

    Raises:
        BenchError: a record is of a newer schema.
    """
    for path in files(run, cls.kind):
        try:
            yield read_record(path, cls)
        except (DamagedFileError, UnreadableFileError):
            continue


def completed(run: Path, kind: Kind) -> set[str]:
    """The keys of all whole records of a kind: what resuming leaves out.

    Raises:
        BenchError: a record is of a newer schema.
    """
    return {key(*record.place) for record in whole(run, CLASSES[kind])}


def files(run: Path, kind: Kind) -> list[str]:
    """The paths of the records of a kind, sorted: of text, for there may be thousands."""
    folder = run / kind
    names = os.listdir(folder) if folder.is_dir() else []  # noqa: PTH208
    # a leading dot marks a file that is still being written
    good = sorted(name for name in names if name.endswith(".json") and not name.startswith("."))
    return [f"{folder}{os.sep}{name}" for name in good]
