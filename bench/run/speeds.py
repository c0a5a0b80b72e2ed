"""The speed of a run's methods, timed in interleaved rounds."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench import images, results
from bench.contract import Context, Method
from bench.contract.phases import adapting, made, stylizing
from bench.machine import conditions
from bench.results import CellRecord, SpeedRecord
from bench.run.failures import describe_failure, failures
from bench.run.inputs import read_cell, read_input
from bench.run.plan import Plan, precision_label, seed
from bench.run.sampling import Rule, Samples, sample_interleaved
from bench.statistics import aa_noise


def run_speed(
    run: Path, plan: Plan, context: Context, names: Sequence[str], size: int, bar: Any
) -> Iterator[SpeedRecord]:
    """Time the methods at one size, interleaved; a phase that iterates is taken from the cells.

    `core` is tensor to tensor with the style prepared, `pair` has the style's preparation in it,
    `e2e` goes from a picture file's bytes to a picture file's bytes. `adapt` is sampled where it
    does not iterate. One scope is timed twice, in the same rounds: the A/A control, whose noise is
    the floor of every verdict.
    """
    record = results.read_run(run)
    content, style = record["contents"][0], record["styles"][0]
    tensors = [
        read_input(run, context, role, name, size)
        for role, name in (("content", content), ("style", style))
    ]
    file = results.input_path(run, "content", content, size).read_bytes()
    speeds: dict[str, SpeedRecord] = {}
    calls: dict[str, Callable[[], object]] = {}
    for name in names:
        chosen = plan.methods[name]
        speed: SpeedRecord = {
            "schema": results.SCHEMA,
            "method": name,
            "size": size,
            "status": "ok",
            "reason": "",
            "precision": precision_label(chosen.cls, context),
            "iterative": {"adapt": False, "stylize": False},
            "batch": 1,
            "scopes": {},
        }
        speeds[name] = speed
        cells = [read_cell(run, name, other, size) for other in record["styles"]]
        good = [cell for cell in cells if cell["status"] == "ok"]
        if not good:
            speed["status"], speed["reason"] = cells[0]["status"], cells[0]["reason"]
            continue
        with failures(speed, context):
            seed(plan.seed, name, size)
            method = made(chosen.cls, context, chosen.options)
            if method.arithmetic is not None:
                speed["precision"] = method.arithmetic[0]
            next(adapting(method, tensors[1]))  # ready, though not adapted: as fast as if it were
            speed["iterative"] = _iterates(method, good, tensors[0])
            calls |= {
                f"{name} {scope}": call
                for scope, call in _calls(method, speed, tensors, file, context).items()
            }
    control = _controlled(calls, plan)
    if control:
        calls[f"{control} again"] = calls[control]
    watch = conditions.Watch(context.device.type)
    rule = Rule(**plan.profile.sampling)
    samples = sample_interleaved(
        calls,
        rule,
        plan.seed,
        context.device,
        on_progress=lambda label, taken: bar.set_postfix_str(
            f"{label}, {len(taken.seconds)} samples", refresh=False
        ),
    )
    noise = None
    if control and (again := samples.pop(f"{control} again")).seconds:
        name, _, scope = control.partition(" ")
        first = samples[control]
        noise = aa_noise(first.seconds, again.seconds, first.rounds, again.rounds)
        speeds[name]["control"] = {**_record(again), "scope": scope}  # type: ignore[typeddict-item]
    happened = watch.end(noise)
    for speed in speeds.values():
        speed["conditions"] = happened
    for label, taken in samples.items():
        name, scope = label.split(" ")
        if taken.error is not None:
            speeds[name]["status"], speeds[name]["reason"] = describe_failure(taken.error)
        speeds[name]["scopes"][scope] = _record(taken)  # type: ignore[index]
    for name, speed in speeds.items():
        if speed["scopes"]:
            _derive(speed, [read_cell(run, name, other, size) for other in record["styles"]])
        yield speed


def _controlled(labels: Iterable[str], plan: Plan) -> str | None:
    """What is timed twice, as the A/A control: a method's `core`, or else an `e2e`."""
    anchors = {name for name, chosen in plan.methods.items() if chosen.cls.family == "anchor"}
    for scope, excluded in (("core", anchors), ("e2e", set())):
        for label in labels:
            name, _, of = label.partition(" ")
            if of == scope and name not in excluded:
                return label
    return None


def _iterates(
    method: Method, cells: Sequence[CellRecord], content: Tensor
) -> results.IterativeRecord:
    adapt = any(cell["adapt"] and cell["adapt"]["steps"] for cell in cells)
    phase = stylizing(method, content)
    iterative = len(list(itertools.islice(phase, 2))) > 1
    return {"adapt": adapt, "stylize": iterative}


def _calls(
    method: Method, speed: SpeedRecord, tensors: Sequence[Tensor], file: bytes, context: Context
) -> dict[str, Callable[[], object]]:
    content, style = tensors

    def core() -> Tensor:
        return list(stylizing(method, content))[-1]

    def adapt() -> None:
        for _ in adapting(method, style):
            pass

    def pair() -> Tensor:
        adapt()
        return core()

    def e2e() -> bytes:
        picture = context.precision.layout(images.decode(file).to(context.device))
        return images.encode_png(list(stylizing(method, picture))[-1])

    def transfer() -> bytes:
        return images.encode_png(images.decode(file).to(context.device))

    if speed["iterative"]["stylize"]:
        return {"e2e": transfer}  # what `_derive` adds to the core
    calls: dict[str, Callable[[], object]] = {"core": core, "e2e": e2e}
    if not speed["iterative"]["adapt"]:
        calls |= {"adapt": adapt, "pair": pair}
    return calls


def _derive(speed: SpeedRecord, cells: Sequence[CellRecord]) -> None:
    """Fill in the scopes of phases that iterate: too long to repeat, timed once per cell."""
    good = [cell for cell in cells if cell["status"] == "ok"]
    scopes = speed["scopes"]
    if speed["iterative"]["stylize"]:
        core = [
            (n, seconds)
            for n, cell in enumerate(good)
            for made in cell["contents"]
            if (seconds := made["seconds"]) is not None
        ]
        scopes["core"] = _derived(core)
        if transfers := scopes.pop("e2e")["samples"]:
            scopes["e2e"] = _derived([(n, s + _median(transfers)) for n, s in core])
    if "pair" not in scopes and scopes["core"]["samples"]:
        core_seconds = _median(scopes["core"]["samples"])
        adapted = [cell["adapt"]["seconds"] for cell in good if cell["adapt"]]
        scopes["pair"] = _derived([(n, s + core_seconds) for n, s in enumerate(adapted)])


def _derived(timings: Sequence[tuple[int, float]]) -> results.SamplesRecord:
    """Timings of cells, each with its style's number for a round: one style, one observation."""
    return {
        "samples": [seconds for _, seconds in timings],
        "rounds": [style for style, _ in timings],
        "warmup_calls": 0,
        "warmup_seconds": 0.0,
        "stopped": "from the cells",
    }


def _median(values: Sequence[float]) -> float:
    return float(torch.tensor(values, dtype=torch.float64).quantile(0.5))


def _record(samples: Samples) -> results.SamplesRecord:
    record: results.SamplesRecord = {
        "samples": samples.seconds,
        "rounds": samples.rounds,
        "warmup_calls": samples.warmup.calls,
        "warmup_seconds": samples.warmup.seconds,
        "stopped": samples.stopped,
    }
    if samples.device_seconds:
        record["device_samples"] = samples.device_seconds
    return record
