"""Whether a run can be gone on with here, and what of it is to be done anew."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import bench
from bench import results
from bench.contract import Context
from bench.errors import BenchError
from bench.files import storage_errors
from bench.machine import environment
from bench.plugins import provenance
from bench.results import BatchRecord, CellRecord, Kind, SpeedRecord
from bench.results.environment import FINGERPRINT_KEYS, SOFTWARE_KEYS, fingerprint
from bench.run.plan import Plan
from bench.run.recording import metric_files, weight_files


def check_resumable(
    run: Path, plan: Plan, context: Context, same_code: bool = False, elsewhere: bool = False
) -> None:
    """See that nothing the run's numbers depend on has changed since it began.

    Args:
        run: the folder.
        plan: what is to be done now.
        context: where.
        same_code: bench itself is what the run began with: it is the run's own worker, and what
            a repository holds by now is not what it has loaded.
        elsewhere: for what may move to other hardware with the same software.

    Raises:
        BenchError: another machine, precision or version of the suite, other pictures, options or
            metrics, or another version of a method.
    """
    record = results.read_run(run)
    now = environment.capture(context.device, context.precision)
    keys = SOFTWARE_KEYS if elsewhere else FINGERPRINT_KEYS
    changes = []
    if fingerprint(record.environment.facts, keys) != fingerprint(now, keys):
        changes.append("the environment")
    version = record.bench_version, record.environment.commit
    if not same_code and version != (bench.__version__, now["commit"]):
        changes.append("bench itself")
    if set(record.metrics) != {metric.id for metric in plan.metrics}:
        changes.append("the metrics")
    for metric in plan.metrics:
        known = record.metrics.get(metric.id)
        if known is not None and known.weights != metric_files(metric, context):
            changes.append(f"the weights of {metric.id}")
    if record.dataset.fingerprint != plan.fingerprint:
        changes.append("the pictures")
    for name, chosen in plan.methods.items():
        before = record.methods.get(name)
        if before is None:
            changes.append(f"the rows, {name} among them")
            continue
        if before.options != asdict(chosen.options):
            changes.append(f"the options of {name}")
        if before.source_sha256 != provenance.source_sha256(chosen.cls):
            changes.append(f"the source of {name}")
        if before.weights != weight_files(chosen, context):
            changes.append(f"the weights of {name}")
    if changes:
        raise BenchError(
            f"{run} cannot be resumed: {', '.join(changes)} changed since; start a new run"
        )


def forget_failures(run: Path) -> None:
    """Remove the records of what failed, so that it is tried again.

    One that cannot be read counts as missing anyway.

    Raises:
        StorageError: one cannot be removed.
    """
    found: list[CellRecord | SpeedRecord | BatchRecord] = [*results.whole(run, CellRecord)]
    found += [*results.whole(run, SpeedRecord), *results.whole(run, BatchRecord)]
    for record in found:
        if record.status == "ok":
            continue
        of_method = record.method, record.size
        made_of_it: list[tuple[Kind, tuple[str | int, ...]]] = []
        if isinstance(record, CellRecord):
            made_of_it = [("sets", of_method), ("scores", record.place)]
        elif isinstance(record, SpeedRecord):
            made_of_it = [("batches", of_method)]
        # itself last: a crash leaves it to be retried
        for kind, place in [*made_of_it, (record.kind, record.place)]:
            path = results.record_path(run, kind, *place)
            with storage_errors(path):
                path.unlink(missing_ok=True)
