"""The beginning of a run: its folder, its pictures, and the record of what is to be run."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import torch

import bench
from bench import images, results, weights
from bench.contract import Context, Metric, Picture, SetMetric
from bench.errors import BenchError, StorageError
from bench.machine import environment, roofline
from bench.plugins import provenance
from bench.plugins.registry import Registry
from bench.results import (
    DatasetRecord,
    Environment,
    MethodRecord,
    MetricRecord,
    RunInfo,
    SkippedRecord,
    TrainingRecord,
)
from bench.results.environment import fingerprint
from bench.run.plan import Chosen, Plan


def start(plan: Plan, root: Path, context: Context, registry: Registry) -> Path:
    """Make the run folder: the pictures at every size, and the record of what is to be run.

    Pictures that cannot be used are left out and named in the record.

    Raises:
        BenchError: no content or no style can be used, or the folder cannot be written.
    """
    return results.create(root, lambda run: lay_out(run, plan, context, registry))


def lay_out(run: Path, plan: Plan, context: Context, registry: Registry) -> RunInfo:
    """Put the inputs into a new run's folder and say what is to be run; raises as `start`."""
    skipped: list[SkippedRecord] = []
    contents = _usable(run, plan, "content", plan.contents, skipped)
    styles = _usable(run, plan, "style", plan.styles, skipped)
    fetch_encoders(plan, context)
    return RunInfo(
        command=plan.command,
        specification=plan.specification,
        protocol=plan.protocol,
        differs=list(plan.differs),
        bench_version=bench.__version__,
        profile=plan.profile.name,
        seed=plan.seed,
        adapt_seconds=plan.adapt_seconds,
        observe=sorted(set(plan.observe)),
        batches=list(plan.batches),
        environment=_environment(plan, context),
        dataset=DatasetRecord(
            name=plan.dataset.name,
            options=asdict(plan.dataset.options),
            fingerprint=plan.fingerprint,
            citation=plan.dataset.citation,
            references=max((len(style.references) for style in plan.styles), default=1),
        ),
        sizes=list(plan.sizes),
        contents=contents,
        styles=styles,
        methods={name: _method(chosen, context, registry) for name, chosen in plan.methods.items()},
        metrics={metric.id: _metric(metric, context, registry) for metric in plan.metrics},
        skipped=skipped,
    )


def _usable(
    run: Path,
    plan: Plan,
    role: str,
    wanted: Sequence[Picture],
    skipped: list[SkippedRecord],
) -> list[str]:
    """Store the pictures of a role at every size; the names of those that can be used."""
    usable, reason = [], "the dataset has none"
    for picture in wanted:
        try:
            for size, each in itertools.product(plan.sizes, picture.references):
                path = results.input_path(run, role, each.name, size)
                images.save(images.load(each, size, fit=plan.fit), path)
            usable.append(picture.name)
        except StorageError:  # no property of the picture
            raise
        except BenchError as error:
            reason = str(error)
            skipped.append(SkippedRecord(role=role, name=picture.name, reason=reason))
    if not usable:
        raise BenchError(f"no {role} can be used: {reason}")
    return usable


def _environment(plan: Plan, context: Context) -> Environment:
    captured = environment.capture(context.device, context.precision, plan.threads)
    peak = roofline.measured_peaks(context.device, torch.get_num_threads())
    return Environment.of({**captured, "fingerprint": fingerprint(captured), "peak": peak})


def _method(chosen: Chosen, context: Context, registry: Registry) -> MethodRecord:
    cls = chosen.cls
    return MethodRecord(
        method=cls.name,
        family=cls.family,
        citation=cls.citation,
        options=asdict(chosen.options),
        defaults=asdict(cls.Options()),
        source_sha256=provenance.source_sha256(cls),
        weights=weight_files(chosen, context),
        trains_on=list(cls.learns_from(chosen.options)),
        autocast=cls.autocast,
        several=cls.several,
        strength=cls.strength.option if cls.strength else "",
        trainings=list(trainings(chosen)),
        licences={Path(own.file).name: own.licence for own in cls.needs(chosen.options)},
        plugin=registry.origin("methods", cls.name).source,
    )


def trainings(chosen: Chosen) -> Iterator[TrainingRecord]:
    """What making the method's own weights took: not that of the encoders, which all share."""
    for needed in chosen.cls.needs(chosen.options):
        path = weights.find(needed, chosen.cls.folders())
        known = weights.training(path) if path else None
        name = Path(needed.file).name
        if known is None:
            yield TrainingRecord(file=name, seconds=None)
        else:
            yield TrainingRecord(file=name, **asdict(known))


def _metric(metric: Metric, context: Context, registry: Registry) -> MetricRecord:
    return MetricRecord(
        name=metric.name,
        version=metric.version,
        unit=metric.unit,
        axis=metric.axis,
        direction=metric.direction,
        encoder=metric.encoder,
        judge=all(registry.encoder(name).judge for name in metric.encoders),
        of_set=isinstance(metric, SetMetric),
        training_loss_of=list(metric.training_loss_of),
        weights=metric_files(metric, context),
        citation=metric.citation,
    )


def weight_files(chosen: Chosen, context: Context) -> dict[str, str]:
    """SHA-256 of every weights file behind a method: its own and those of its loss networks."""
    needed = chosen.cls.needs(chosen.options)
    files = weights.fingerprints(needed, chosen.cls.folders())
    return files | encoder_files(chosen.cls.learns_from(chosen.options), context)


def metric_files(metric: Metric, context: Context) -> dict[str, str]:
    """SHA-256 of every weights file behind a metric: its own and its encoder's."""
    files = weights.fingerprints(metric.weights, weights.beside(type(metric)))
    return files | encoder_files(metric.encoders, context)


def encoder_files(names: Sequence[str], context: Context) -> dict[str, str]:
    """SHA-256 of the named encoders' weights files."""
    files: dict[str, str] = {}
    for name in names:
        encoder = context.find_encoder(name)
        files |= weights.fingerprints([encoder.weights], encoder.folders())
    return files


def fetch_encoders(plan: Plan, context: Context) -> None:
    """Build every encoder of the run: a download must not come after its file is recorded.

    One that cannot be had is left to the methods and metrics that want it, as their rows' reason.
    """
    names = [name for metric in plan.metrics for name in metric.encoders]
    for chosen in plan.methods.values():
        names += chosen.cls.learns_from(chosen.options)
    for name in dict.fromkeys(names):
        with contextlib.suppress(BenchError):
            context.encoder(name)
