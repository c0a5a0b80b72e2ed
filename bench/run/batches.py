"""How speed grows with the batch: pictures per second, memory and energy, until memory ends."""

from __future__ import annotations

import gc
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from bench import results
from bench.anchors import ANCHORS
from bench.contract import Context
from bench.contract.phases import adapting, loaded, stylize
from bench.machine import conditions, environment
from bench.machine.clock import Clock, wall_clock
from bench.machine.gpu import Gpu
from bench.results import (
    BatchEntry,
    BatchRecord,
    ConditionsRecord,
    SamplesRecord,
    SpeedRecord,
)
from bench.run.failures import describe_failure, failures
from bench.run.inputs import read_input, read_style
from bench.run.isolation import Say
from bench.run.plan import Plan, precision_label
from bench.run.sampling import Samples, SamplingRule, sample_interleaved, untold
from bench.run.seeds import seed
from bench.run.speeds import sampled

Place = tuple[int, str]
"""A size and a method."""
Prepare = Callable[[int], Callable[[], object]]
"""Makes the pictures of a batch of this size, and gives the call that is timed."""


def missing_batches(run: Path, plan: Plan) -> list[Place]:
    """What is not there yet, in order; nothing where the run was asked for no batches."""
    if not plan.batches:
        return []
    done = results.completed(run, "batches")
    return [place for place in batches_of(plan) if results.key(*reversed(place)) not in done]


def batches_of(plan: Plan) -> list[Place]:
    """Sizes and methods, without the anchors, whose speed nobody asks for."""
    names = [name for name in plan.methods if name not in ANCHORS]
    return list(itertools.product(plan.sizes, names)) if plan.batches else []


def make_batches(
    run: Path, plan: Plan, context: Context, places: Sequence[Place], say: Say
) -> Iterator[str]:
    """Time the methods in batches of each size, and give the method's name after each.

    What is timed is `core`, whose speed at batch 1 is known by then (see `bench.run.speeds`).
    """
    for size, name in places:
        say(name, f"batches · {size} px", name)
        results.write_record(run, _record(run, plan, context, size, name, say))
        yield name


def unbatched(plan: Plan, context: Context, size: int, name: str) -> BatchRecord:
    """The record of a method that has not been timed."""
    precision = precision_label(plan.methods[name].cls, context)
    return BatchRecord(method=name, size=size, precision=precision)


def _record(run: Path, plan: Plan, context: Context, size: int, name: str, say: Say) -> BatchRecord:
    """One method at one picture size."""
    record = unbatched(plan, context, size, name)
    speed = results.read_record(results.record_path(run, "speed", name, size), SpeedRecord)
    if speed.status != "ok":
        return replace(record, status=speed.status, reason=speed.reason)
    if speed.iterative.stylize:
        return replace(record, status="skipped", reason="it stylizes one picture at a time")
    chosen, about = plan.methods[name], results.read_run(run)
    watch = conditions.Watch(context.device.type, uuid=environment.uuid(context.device))
    entries: list[BatchEntry] = []
    with failures(name, context) as outcome:
        seed(plan.seed, name, size)
        method = loaded(chosen.cls, context, chosen.options)
        if method.arithmetic is not None:
            record = replace(record, precision=method.arithmetic[0])
        style = read_style(run, context, plan.style(about.styles[0]), size, chosen.cls.several)
        next(adapting(method, style))  # ready, though not adapted: as fast as if it were
        content = read_input(run, context, "content", about.contents[0], size)

        def prepare(count: int) -> Callable[[], Tensor]:
            say(name, f"batches · {size} px", f"{name}, {count} pictures")
            pictures = context.precision.layout(content.repeat(count, 1, 1, 1))
            return lambda: stylize(method, pictures)

        rule = SamplingRule(**plan.profile.sampling)
        entries.extend(batch_speeds(prepare, plan.batches, context.device, rule, watch.gpu))
    happened = watch.end()
    return replace(
        record,
        status=outcome.status,
        reason=outcome.reason,
        entries=entries,
        conditions=ConditionsRecord(noisy=happened["noisy"], facts=happened["facts"]),
    )


def batch_speeds(
    prepare: Prepare,
    batches: Sequence[int],
    device: torch.device,
    rule: SamplingRule,
    gpu: Gpu | None = None,
    clock: Clock = wall_clock,
) -> Iterator[BatchEntry]:
    """Time a call at one size after the other, the caches as warm as the calls before leave them.

    A size without room is an entry that says so, and the next one is tried all the same.

    Args:
        prepare: see `Prepare`.
        batches: the sizes.
        device: to synchronise, and whose memory is asked for.
        rule: when a size is timed often enough.
        gpu: to ask for clock, memory and energy.
        clock: to read.
    """
    for batch in batches:
        _forget(device)
        yield _entry(prepare, batch, device, rule, gpu, clock)


def _entry(
    prepare: Prepare,
    batch: int,
    device: torch.device,
    rule: SamplingRule,
    gpu: Gpu | None,
    clock: Clock,
) -> BatchEntry:
    joules = gpu.joules() if gpu else None
    try:
        call = prepare(batch)
    except Exception as error:
        samples = Samples()
        samples.failed(error)
    else:
        megahertz = gpu.megahertz if gpu else untold
        taken = sample_interleaved({"": call}, rule, 0, device, clock, megahertz=megahertz)
        samples = taken[""]
        del call
    if samples.error is not None:
        status, reason = describe_failure(samples.error)
        return BatchEntry(batch=batch, status=status, reason=reason)
    allocated = reserved = None
    if device.type != "cpu":
        allocated = torch.accelerator.max_memory_allocated(device)
        reserved = torch.accelerator.max_memory_reserved(device)
    after = gpu.joules() if gpu else None
    energy = None
    if joules is not None and after is not None:
        energy = (after - joules) / batch / (samples.warmup.calls + len(samples.seconds))
    return BatchEntry(
        batch=batch,
        core=sampled(samples, SamplesRecord),
        allocated_bytes=allocated,
        reserved_bytes=reserved,
        device_bytes=gpu.memory_used() if gpu else None,
        joules=energy,
    )


def _forget(device: torch.device) -> None:
    """Give back what the size before has held, and begin to look for the peak anew."""
    gc.collect()
    if device.type != "cpu":
        torch.accelerator.empty_cache()
        torch.accelerator.reset_peak_memory_stats(device)
