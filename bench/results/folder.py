"""Run folders: made with their `run.json`, and found."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import fields
from datetime import datetime, timezone
from pathlib import Path

from bench.errors import BenchError
from bench.files import storage_errors
from bench.results.records import CLASSES, RunInfo, RunRecord
from bench.results.storage import write_run


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
    try:
        with storage_errors(run):
            for kind in CLASSES:
                (run / kind).mkdir()
        begun = info(run) if callable(info) else info
        known = {field.name: getattr(begun, field.name) for field in fields(RunInfo)}
        created = now.isoformat(timespec="seconds")
        write_run(run, RunRecord(id=name, created=created, **known))
    except BaseException:
        shutil.rmtree(run, ignore_errors=True)
        raise
    return run


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
