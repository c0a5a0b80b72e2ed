"""Whether a run that somebody else has made can stand in a public table: what its records show.

A run folder without its pictures (`bench merge RUN -o NEW --no-pictures`) is small enough for a
pull request. Records can be forged, and nothing here proves that they are not: what is found are
accidents, so that whoever reviews looks at the numbers and not for those. No torch here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from bench.errors import BenchError
from bench.machine.conditions import MOST
from bench.results.environment import fingerprint
from bench.results.frames import Frames, load
from bench.results.records import CLASSES, SCHEMA, RunRecord, SpeedRecord
from bench.results.storage import read_json, read_run, whole

FACTS = ("os", "python", "torch", "cpu", "device", "cores_available", "threads", "ram_bytes")
"""Of an environment: without one of these nobody can tell what a time was measured on."""

LOOKS = ("smoke", "demo")
"""Profiles that are too small to say anything."""

MOST_BYTES = 32_000_000
"""Of a run folder without pictures: a full run has about a tenth."""


@dataclass(frozen=True)
class Submission:
    """A run folder, read once.

    Attributes:
        path: the folder.
        record: its `run.json`.
        frames: all that it holds.
        version: of the bench that checks it.
        shipped: the folder of the weights that come with that.
    """

    path: Path
    record: RunRecord
    frames: Frames
    version: str
    shipped: Path


Check = Callable[[Submission], Iterator[str]]


def holds_records_alone(run: Submission) -> Iterator[str]:
    """No pictures, no links, nothing that a run does not write, and no more than 32 MB."""
    total = 0
    for file in sorted(run.path.rglob("*")):
        place = file.relative_to(run.path)
        if file.is_dir() and not file.is_symlink():
            continue
        known = place.parts[0] in CLASSES and len(place.parts) == 2 and place.suffix == ".json"
        if file.is_symlink() or not file.is_file() or not (known or str(place) == "run.json"):
            yield f"{place} is no record: bench merge {run.path} -o NEW --no-pictures leaves it out"
            return
        total += file.stat().st_size
    if total > MOST_BYTES:
        yield f"{total / 1e6:.0f} MB, at most {MOST_BYTES / 1e6:.0f}: submit fewer sizes or methods"


def keeps_the_schema(run: Submission) -> Iterator[str]:
    """Every record can be read, and is of the schema that this bench writes."""
    yield from run.frames.warnings
    schema = read_json(run.path / "run.json")["schema"]
    if schema != SCHEMA:
        yield f"schema {schema}, not {SCHEMA}: make the run with a newer bench"


def is_complete(run: Submission) -> Iterator[str]:
    """Every method has a cell for each style and size, and was timed at each size."""
    record, frames = run.record, run.frames
    cells = set(zip(*(frames.cells[name] for name in ("method", "style", "size")), strict=True))
    timed = set(zip(*(frames.speeds[name] for name in ("method", "size")), strict=True))
    lack = set(product(record.methods, record.styles, record.sizes)) - cells
    untimed = set(product(record.methods, record.sizes)) - timed
    if lack or untimed:
        yield (
            f"{len(lack)} cells and {len(untimed)} timings are missing: finish the run with"
            " bench run --resume"
        )
    if record.profile in LOOKS:
        yield f"profile {record.profile} is a first look: use quick, standard or full"


def has_the_fingerprints_of_its_contents(run: Submission) -> Iterator[str]:
    """The environment's fingerprint is that of its facts, weights are those that bench ships."""
    environment = run.record.environment
    if environment.fingerprint != fingerprint(environment.facts):
        yield f"environment {environment.fingerprint} is not that of the facts beside it"
    if run.record.bench_version != run.version:
        return  # which may have shipped others
    for owner, files in _weights(run.record):
        for file, sha256 in files.items():
            shipped = run.shipped / file
            if shipped.is_file() and sha256 != hashlib.sha256(shipped.read_bytes()).hexdigest():
                yield f"{owner} has another {file} than bench {run.version} ships: name it anew"


def _weights(record: RunRecord) -> Iterator[tuple[str, Mapping[str, str]]]:
    for kind in (record.methods, record.metrics):
        yield from ((name, thing.weights) for name, thing in kind.items())


def was_measured_in_quiet(run: Submission) -> Iterator[str]:
    """Each size has an A/A control, which finds little, and no timing is called noisy."""
    controls = run.frames.controls
    for size in run.record.sizes:
        noise = controls.loc[controls["size"] == size, "noise"]
        if noise.empty:
            yield f"no A/A control at {size} px: name no method out of its turn, and time it anew"
        elif not noise.max() <= MOST["aa_noise"]:
            yield (
                f"the A/A control at {size} px differs by {noise.max():.1%}, at most"
                f" {MOST['aa_noise']:.0%}: measure on a quiet machine"
            )
    for speed in whole(run.path, SpeedRecord):
        if speed.conditions is not None and speed.conditions.noisy:
            yield f"{speed.method} at {speed.size} px: {'; '.join(speed.conditions.noisy)}"
            return  # the others are likely to say the same


def names_its_environment(run: Submission) -> Iterator[str]:
    """Machine and libraries are known, and bench was one that others can have."""
    environment = run.record.environment
    lack = [name for name in FACTS if environment.facts.get(name) is None]
    if lack:
        yield f"not known: {', '.join(lack)}"
    if environment.dirty:
        yield "bench had changes of its own: commit them, or install a release"


CHECKS: tuple[Check, ...] = (
    holds_records_alone,
    keeps_the_schema,
    is_complete,
    has_the_fingerprints_of_its_contents,
    was_measured_in_quiet,
    names_its_environment,
)


def problems(path: Path, version: str, shipped: Path) -> Iterator[tuple[Check, list[str]]]:
    """Each check of a run folder, and what it found.

    Args:
        path: the folder.
        version: of the bench that checks it.
        shipped: the folder of the weights that come with that.

    Raises:
        BenchError: there is no run that can be read.
    """
    run = Submission(path, read_run(path), load([path]), version, shipped)
    for check in CHECKS:
        try:
            yield check, list(check(run))
        except BenchError as error:  # a file that appeared, or went, meanwhile
            yield check, [str(error)]
