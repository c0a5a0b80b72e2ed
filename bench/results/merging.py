"""Runs of one specification, made on several machines, as one run.

The rule for duplicates: of a cell, the first run's that is whole and ok, in the order given; where
none is ok, the first that is there. A cell's pictures and scores come with it. Speed is never put
together: that of a size is taken whole, from the first run that has timed it in the environment of
the first run. Times of other machines stay in their own runs.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from bench.errors import BenchError
from bench.files import replacing, storage_errors
from bench.paths import real
from bench.results.environment import SOFTWARE_KEYS, fingerprint
from bench.results.names import picture_path, record_path
from bench.results.provenance import WorkerRecord
from bench.results.records import (
    CLASSES,
    BatchRecord,
    CellRecord,
    RunRecord,
    ScoreRecord,
    SetRecord,
    SpeedRecord,
    by_time,
)
from bench.results.storage import (
    DamagedFileError,
    R,
    UnreadableFileError,
    read_record,
    read_run,
    write_record,
    write_run,
)


@dataclass(frozen=True)
class Source:
    """A run that is merged."""

    path: Path
    record: RunRecord

    def read(self, cls: type[R], *place: object) -> R | None:
        """A record of it; None where it is missing or damaged."""
        try:
            return read_record(record_path(self.path, cls.kind, *place), cls)
        except (DamagedFileError, UnreadableFileError):
            return None

    @property
    def worker(self) -> WorkerRecord:
        """Who made its cells, for the run that they come to."""
        environment = self.record.environment
        host = str(environment.device_name or environment.cpu or environment.device)
        return WorkerRecord(host=host, environment=environment.fingerprint, run=self.record.id)


@dataclass(frozen=True)
class Merged:
    """What came of it: cells from each run by its id, cells that none has, remarks."""

    cells: Mapping[str, int]
    missing: int
    notes: Sequence[str]


_ASKED = ("sizes", "contents", "styles", "seed", "profile", "observe", "adapt_seconds")


def merge(
    paths: Sequence[Path], out: Path, any_software: bool = False, pictures: bool = True
) -> Merged:
    """Put runs together in a new folder; of a single run that is a copy.

    Args:
        paths: run folders; the first one's environment and name for things are the new one's.
        out: the folder, which must not be there.
        any_software: even where the version of bench or of a library differs.
        pictures: whether they are copied; what is left without them is small, and still reported.

    Raises:
        BenchError: the runs are not of one specification, `out` is there, or a run is unreadable.
    """
    if out.exists():
        raise BenchError(f"{out} is there: name a new folder with -o")
    sources = [Source(path, read_run(path)) for path in paths]
    if len({source.record.id for source in sources}) < len(sources):
        raise BenchError("two of these are one run: name each run once")
    for other in sources[1:]:
        if found := list(differences(sources[0].record, other.record, any_software)):
            raise BenchError(
                f"{sources[0].path} and {other.path} differ in {', '.join(found)}: merge runs of "
                "one specification, code, weights and pictures"
            )
    with storage_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    with replacing(out) as part:
        part.mkdir()
        if pictures:
            shutil.copytree(sources[0].path / "inputs", part / "inputs")
        for kind in CLASSES:
            (part / kind).mkdir()
        merged = _fill(part, sources, pictures)
        write_run(part, replace(sources[0].record, id=out.absolute().name))
    return merged


def differences(one: RunRecord, other: RunRecord, any_software: bool = False) -> Iterator[str]:
    """What keeps two runs from being one, in words.

    Args:
        one: a run.
        other: another.
        any_software: whether versions of bench and of libraries may differ.
    """
    if not any_software:
        facts = one.environment.facts, other.environment.facts
        if fingerprint(facts[0], SOFTWARE_KEYS) != fingerprint(facts[1], SOFTWARE_KEYS):
            names = [n for n in SOFTWARE_KEYS if facts[0].get(n) != facts[1].get(n)]
            yield f"software ({', '.join(names)})"
        versions = [(r.bench_version, r.environment.version) for r in (one, other)]
        if versions[0] != versions[1]:
            yield "the version of bench"
    if one.environment.precision != other.environment.precision:
        yield "precision"
    machines = [r.environment.fingerprint for r in (one, other)]
    if by_time(one.observe, one.adapt_seconds) and machines[0] != machines[1]:
        yield "the machine, where time decides what a cell holds (--observe, --adapt-seconds)"
    if one.dataset.fingerprint != other.dataset.fingerprint:
        yield "the pictures"
    for name in (*_ASKED, "batches"):
        if getattr(one, name) != getattr(other, name):
            yield name.replace("_", " ")
    for name in sorted({*one.methods, *other.methods}):
        mine, others = one.methods.get(name), other.methods.get(name)
        if mine is None or others is None:
            yield f"the rows ({name})"
        else:
            for what in ("method", "options", "source_sha256", "weights"):
                if getattr(mine, what) != getattr(others, what):
                    yield f"{what.partition('_')[0]} of {name}"
    for name in sorted({*one.metrics, *other.metrics}):
        if one.metrics.get(name) != other.metrics.get(name):
            yield f"the metric {name}"


def _fill(out: Path, sources: Sequence[Source], pictures: bool) -> Merged:
    first = sources[0].record
    cells = {source.record.id: 0 for source in sources}
    missing = 0
    notes: list[str] = []
    for size, name in product(first.sizes, first.methods):
        used: set[str] = set()
        for style in first.styles:
            found = _chosen(sources, name, style, size)
            if found is None:
                missing += 1
                continue
            source, cell = found
            used.add(source.record.id)
            cells[source.record.id] += 1
            if pictures:
                _copy_pictures(out, source, cell)
            _copy_cell(out, source, cell, home=source is sources[0])
        if len(used) == 1:
            (id_,) = used
            (source,) = (each for each in sources if each.record.id == id_)
            of_set = source.read(SetRecord, name, size)
            if of_set is not None and len(first.styles) == _count(out, first, name, size):
                write_record(out, of_set)
    for size in first.sizes:
        notes += _copy_speed(out, sources, size)
    return Merged(cells, missing, notes)


def _count(out: Path, record: RunRecord, name: str, size: int) -> int:
    paths = (record_path(out, "cells", name, style, size) for style in record.styles)
    return sum(path.exists() for path in paths)


def _chosen(
    sources: Sequence[Source], name: str, style: str, size: int
) -> tuple[Source, CellRecord] | None:
    """By the rule for duplicates."""
    failed = None
    for source in sources:
        cell = source.read(CellRecord, name, style, size)
        if cell is not None and cell.status == "ok":
            return source, cell
        if cell is not None and failed is None:
            failed = source, cell
    return failed


def _copy_pictures(out: Path, source: Source, cell: CellRecord) -> None:
    pictures = [*cell.contents, *(each for moment in cell.observed for each in moment.contents)]
    for picture in pictures:
        path = picture_path(source.path, picture.image)
        if path is None or path.relative_to(real(source.path)).as_posix() != picture.image:
            raise BenchError(
                f"{source.path}: its picture {picture.image} is missing or outside: finish that "
                "run first, with bench run --resume"
            )
        copy = out / picture.image
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)


def _copy_cell(out: Path, source: Source, cell: CellRecord, home: bool) -> None:
    records: list[CellRecord | ScoreRecord] = [cell]
    scores = source.read(ScoreRecord, *cell.place)
    records += [] if scores is None else [scores]
    for record in records:
        if not home:
            worker = source.worker if record.worker is None else record.worker
            record = replace(record, worker=replace(worker, run=source.record.id))
        write_record(out, record)


def _copy_speed(out: Path, sources: Sequence[Source], size: int) -> Iterator[str]:
    """One run's speed of a size; what is left out, in words."""
    home, taken = sources[0].record, ""
    for source in sources:
        found = [source.read(SpeedRecord, name, size) for name in home.methods]
        speeds = [speed for speed in found if speed is not None]
        if not speeds:
            continue
        alike = source.record.environment.fingerprint == home.environment.fingerprint
        if alike and not taken and len(speeds) == len(found):
            taken = source.record.id
            batched = [source.read(BatchRecord, name, size) for name in home.methods]
            for record in (*speeds, *batched):
                if record is not None:
                    write_record(out, record)
        elif not alike:
            yield f"{size} px: the times of {source.path} are of another environment and stay there"
