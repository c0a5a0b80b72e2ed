"""The speed of a run's methods, timed in interleaved rounds."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

from torch import Tensor

from bench import images, results
from bench.contract import Context, Method
from bench.contract.phases import adapting, loaded, stylizing
from bench.machine import conditions, environment
from bench.results import (
    CellRecord,
    ConditionsRecord,
    ControlRecord,
    IterativeRecord,
    RunRecord,
    SamplesRecord,
    Scope,
    SpeedRecord,
)
from bench.run.failures import describe_failure, failures
from bench.run.inputs import read_input, read_style
from bench.run.isolation import Say
from bench.run.plan import Plan, precision_label
from bench.run.sampling import Samples, SamplingRule, sample_interleaved, untold
from bench.run.seeds import seed
from bench.statistics import aa_noise

S = TypeVar("S", bound=SamplesRecord)


@dataclass(frozen=True)
class _Given:
    """What is stylized: a content and a style, (1, 3, H, W) in [0, 1], and the content's file."""

    content: Tensor
    style: Tensor
    file: bytes


@dataclass(frozen=True)
class _Prepared:
    """A method that is to be timed: its record before, its whole cells, its calls by scope."""

    speed: SpeedRecord
    cells: Sequence[CellRecord]
    calls: Mapping[Scope, Callable[[], object]]


def make_speeds(
    run: Path, plan: Plan, context: Context, size: int, names: Sequence[str], say: Say
) -> None:
    """Time the methods at one size, and write their records when all are timed."""
    for speed in run_speed(run, plan, context, names, size, say):
        results.write_record(run, speed)


def run_speed(
    run: Path, plan: Plan, context: Context, names: Sequence[str], size: int, say: Say
) -> Iterator[SpeedRecord]:
    """Time the methods at one size, interleaved; a phase that iterates is taken from the cells.

    `core` is tensor to tensor with the style prepared, `pair` has the style's preparation in it,
    `e2e` goes from a picture file's bytes to a picture file's bytes. `adapt` is sampled where it
    does not iterate. One scope is timed twice, in the same rounds: the A/A control, whose noise is
    the floor of every verdict.
    """
    record = results.read_run(run)
    content, style = record.contents[0], record.styles[0]
    given = _Given(
        read_input(run, context, "content", content, size),
        read_style(run, context, plan.style(style), size),
        results.input_path(run, "content", content, size).read_bytes(),
    )
    title = f"speed · {size} px"
    prepared: dict[str, _Prepared] = {}
    for name in names:
        say(name, title, f"{name} is loaded")
        cells = _timed_cells(run, record, name, size)
        prepared[name] = _prepare(plan, context, name, size, cells, given)
    calls = {
        f"{name} {scope}": call
        for name, method in prepared.items()
        for scope, call in method.calls.items()
    }
    twice = _controlled(calls, plan)
    watch = conditions.Watch(context.device.type, uuid=environment.uuid(context.device))
    samples = sample_interleaved(
        calls | ({f"{twice} again": calls[twice]} if twice else {}),
        SamplingRule(**plan.profile.sampling),
        plan.seed,
        context.device,
        on_turn=lambda label, taken: say(
            label.partition(" ")[0], title, f"{label}, {len(taken.seconds)} samples"
        ),
        megahertz=watch.gpu.megahertz if watch.gpu else untold,
    )
    noise, control = None, None
    if twice and (again := samples.pop(f"{twice} again")).seconds and samples[twice].seconds:
        first = samples[twice]
        noise = aa_noise(first.seconds, again.seconds, first.rounds, again.rounds)
        control = sampled(again, ControlRecord, scope=twice.partition(" ")[2])
    happened = watch.end(noise)
    facts = ConditionsRecord(noisy=happened["noisy"], facts=happened["facts"])
    for name, method in prepared.items():
        taken = {scope: samples[f"{name} {scope}"] for scope in method.calls}
        mine = control if twice and twice.partition(" ")[0] == name else None
        yield replace(_timed(method, taken), control=mine, conditions=facts)


def _timed_cells(run: Path, record: RunRecord, name: str, size: int) -> list[CellRecord]:
    """The cells of a method whose times count: those that the run's own process has made."""
    paths = (results.record_path(run, "cells", name, style, size) for style in record.styles)
    cells = [results.read_record(path, CellRecord) for path in paths if path.exists()]
    return [cell for cell in cells if cell.worker is None]


def _prepare(
    plan: Plan,
    context: Context,
    name: str,
    size: int,
    cells: Sequence[CellRecord],
    given: _Given,
) -> _Prepared:
    """Load a method and prepare the style, unless all its cells failed."""
    chosen = plan.methods[name]
    speed = untimed(plan, context, name, size)
    good = [cell for cell in cells if cell.status == "ok"]
    if not cells:
        reason = "all its pictures were made elsewhere"
        return _Prepared(replace(speed, status="skipped", reason=reason), (), {})
    if not good:
        return _Prepared(replace(speed, status=cells[0].status, reason=cells[0].reason), (), {})
    calls: Mapping[Scope, Callable[[], object]] = {}
    with failures(name, context) as outcome:
        seed(plan.seed, name, size)
        method = loaded(chosen.cls, context, chosen.options)
        if method.arithmetic is not None:
            speed = replace(speed, precision=method.arithmetic[0])
        given = replace(given, style=given.style[: None if chosen.cls.several else 1])
        next(adapting(method, given.style))  # ready, though not adapted: as fast as if it were
        speed = replace(speed, iterative=_iterates(method, good, given.content))
        calls = _calls(method, speed.iterative, given, context)
    return _Prepared(replace(speed, status=outcome.status, reason=outcome.reason), good, calls)


def untimed(plan: Plan, context: Context, name: str, size: int) -> SpeedRecord:
    """The record of a method that has not been timed."""
    return SpeedRecord(
        method=name,
        size=size,
        precision=precision_label(plan.methods[name].cls, context),
        iterative=IterativeRecord(),
        batch=1,
        scopes={},
    )


def _timed(method: _Prepared, samples: Mapping[Scope, Samples]) -> SpeedRecord:
    """The record of a method with what was sampled, and what its cells say of the rest."""
    status, reason = method.speed.status, method.speed.reason
    for taken in samples.values():
        if taken.error is not None:
            status, reason = describe_failure(taken.error)
    scopes = {scope: sampled(taken, SamplesRecord) for scope, taken in samples.items()}
    if scopes:
        derived = dict(_derived(method, scopes))
        scopes = derived if method.speed.iterative.stylize else scopes | derived
    return replace(method.speed, status=status, reason=reason, scopes=scopes)


def _controlled(labels: Iterable[str], plan: Plan) -> str | None:
    """What is timed twice, as the A/A control: a method's `core`, or else an `e2e`."""
    anchors = {name for name, chosen in plan.methods.items() if chosen.cls.family == "anchor"}
    for scope, excluded in (("core", anchors), ("e2e", set())):
        for label in labels:
            name, _, of = label.partition(" ")
            if of == scope and name not in excluded:
                return label
    return None


def _iterates(method: Method, cells: Sequence[CellRecord], content: Tensor) -> IterativeRecord:
    adapt = any(cell.adapt and cell.adapt.steps for cell in cells)
    phase = stylizing(method, content)
    return IterativeRecord(adapt=adapt, stylize=len(list(itertools.islice(phase, 2))) > 1)


def _calls(
    method: Method, iterative: IterativeRecord, given: _Given, context: Context
) -> dict[Scope, Callable[[], object]]:
    def core() -> Tensor:
        return list(stylizing(method, given.content))[-1]

    def adapt() -> None:
        for _ in adapting(method, given.style):
            pass

    def pair() -> Tensor:
        adapt()
        return core()

    def e2e() -> bytes:
        picture = context.precision.layout(images.decode(given.file).to(context.device))
        return images.encode_png(list(stylizing(method, picture))[-1])

    def transfer() -> bytes:
        return images.encode_png(images.decode(given.file).to(context.device))

    if iterative.stylize:
        return {"e2e": transfer}  # what `_derived` adds to the core
    calls: dict[Scope, Callable[[], object]] = {"core": core, "e2e": e2e}
    if not iterative.adapt:
        calls |= {"adapt": adapt, "pair": pair}
    return calls


def _derived(
    method: _Prepared, sampled: Mapping[Scope, SamplesRecord]
) -> Iterator[tuple[Scope, SamplesRecord]]:
    """The scopes of phases that iterate: too long to repeat, timed once per cell."""
    core = sampled.get("core")
    if method.speed.iterative.stylize:
        timings = [
            (n, picture.seconds)
            for n, cell in enumerate(method.cells)
            for picture in cell.contents
            if picture.seconds is not None
        ]
        core = _of_cells(timings)
        yield "core", core
        if transfers := sampled["e2e"].samples:
            yield "e2e", _of_cells([(n, s + median(transfers)) for n, s in timings])
    if "pair" not in sampled and core and core.samples:
        adapt_seconds = [cell.adapt.seconds for cell in method.cells if cell.adapt]
        both = [seconds + median(core.samples) for seconds in adapt_seconds]
        yield "pair", _of_cells(list(enumerate(both)))


def _of_cells(timings: Sequence[tuple[int, float]]) -> SamplesRecord:
    """Timings of cells, each with its style's number for a round: one style, one observation."""
    return SamplesRecord(
        samples=[seconds for _, seconds in timings],
        rounds=[style for style, _ in timings],
        warmup_calls=0,
        warmup_seconds=0.0,
        stopped="from the cells",
    )


def sampled(samples: Samples, cls: type[S], **more: Any) -> S:
    """The record of what was sampled."""
    return cls(
        samples=samples.seconds,
        rounds=samples.rounds,
        warmup_calls=samples.warmup.calls,
        warmup_seconds=samples.warmup.seconds,
        stopped=samples.stopped,
        device_samples=samples.device_seconds or None,
        warmup_stable=samples.warmup.stable,
        warmup_megahertz=samples.warmup.megahertz,
        **more,
    )
