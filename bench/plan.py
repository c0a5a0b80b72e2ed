"""What a run is to do, and what its parts share: seeds, stored inputs, failures as rows."""

from __future__ import annotations

import traceback
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench import images, isolation, results
from bench.contract import Dataset, Method, Metric, Picture
from bench.device import Context
from bench.errors import BenchError, StorageError
from bench.profiles import Profile
from bench.results import CellRecord, SpeedRecord, Status
from bench.timing import synchronize


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
        command: the command line, for the record and for resuming.
        observe: after so many steps of an adaptation that iterates, the clock stands still and
            every content is stylized and stored.
        threads: the CPU threads that the user asked for; None for torch's own number.
        isolate: makes the cells of a run that a method lacks, as `bench.cells.make_cells`: it is
            called in a process of its own for every method. None makes them here.
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
    threads: int | None = None
    isolate: isolation.Target | None = None


def seed(base: int, *place: object) -> None:
    """Seed torch by a run's seed and a place in its grid, so that cells do not depend on order."""
    torch.manual_seed(zlib.crc32(repr((base, *place)).encode()))


def precision_label(cls: type[Method], context: Context) -> str:
    """The precision that a method really runs in."""
    precision = context.precision
    if cls.autocast or precision.dtype == "float32":
        return precision.label
    return precision.label.replace(precision.dtype, "float32")


def read_cell(run: Path, name: str, style: str, size: int) -> CellRecord:
    """A cell's record."""
    cell: CellRecord = results.read_json(results.record_path(run, "cells", name, style, size))
    return cell


def read_input(run: Path, context: Context, role: str, name: str, size: int) -> Tensor:
    """A stored content or style, on the device and in its memory format."""
    picture = images.decode(results.input_path(run, role, name, size))
    return context.precision.layout(picture.to(context.device))


@contextmanager
def failures(record: CellRecord | SpeedRecord, context: Context) -> Iterator[None]:
    """Turn an exception into the record's status and reason.

    Raises:
        BenchError: the device itself or (`StorageError`) the disk has failed, and with it all
            that would come after.
    """
    try:
        yield
    except StorageError:
        raise
    except Exception as error:
        record["status"], record["reason"] = describe_failure(error)
        try:
            synchronize(context.device)
        except RuntimeError as dead:
            cause = str(dead).splitlines()[0]
            raise BenchError(
                f"{record['method']} left {context.device} unusable ({cause}); go on with "
                "bench run --resume"
            ) from None


def describe_failure(error: BaseException) -> tuple[Status, str]:
    """Status and one-line reason of what went wrong."""
    if isinstance(error, BenchError):
        return "error", str(error)
    lines = str(error).strip().splitlines() or [""]
    text = f"{type(error).__name__}: {lines[0]}".rstrip(": ")
    memory = ("out of memory", "can't allocate memory", "not enough memory")
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)) or (
        isinstance(error, RuntimeError) and any(word in str(error).lower() for word in memory)
    ):
        return "oom", text
    frames = traceback.extract_tb(error.__traceback__)
    if frames:
        text += f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})"
    return "error", text
