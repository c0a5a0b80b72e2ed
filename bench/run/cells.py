"""A cell of a run: one method adapted to one style at one size, and every content stylized."""

from __future__ import annotations

import contextlib
import functools
import importlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench import images, results
from bench.contract import Context, Method
from bench.contract.phases import adapting, stylizing
from bench.contract.phases import made as loaded
from bench.errors import BenchError
from bench.machine import measure
from bench.machine.clock import drain, one_two_five
from bench.results import CellRecord, ContentRecord, RunInfo
from bench.run import isolation
from bench.run.failures import failures
from bench.run.inputs import read_input
from bench.run.plan import Plan, precision_label, seed

Place = tuple[int, str, str]
"""A cell's size, style and method."""


def grid_of(record: RunInfo, methods: Iterable[str]) -> Iterator[Place]:
    """The places of all cells of some methods, in order."""
    return itertools.product(record["sizes"], record["styles"], methods)


def missing_cells(run: Path, methods: Iterable[str]) -> list[Place]:
    """The places of the cells that are not there yet, in order."""
    done = results.completed(run, "cells")
    return [
        (size, style, name)
        for size, style, name in grid_of(results.read_run(run), methods)
        if results.key(name, style, size) not in done
    ]


def make_cells(
    run: Path,
    plan: Plan,
    context: Context,
    places: Sequence[Place],
    begin: Callable[[str], object],
    bar: Any,
) -> Iterator[str]:
    """Make cells, and give the method's name after each."""
    if places:
        # the first optimiser would import it: seconds that no adaptation is to be charged
        importlib.import_module("torch._dynamo")
    for size, style, name in places:
        begin(f"{name} · {style} · {size} px")
        cell = run_cell(run, plan, context, name, style, size, bar)
        results.write_json(results.record_path(run, "cells", name, style, size), cell)
        yield name


def make_cells_apart(
    run: Path,
    plan: Plan,
    context: Context,
    places: Sequence[Place],
    begin: Callable[[str], object],
    _: Any,
) -> Iterator[str]:
    """Have the cells made by processes, one for each method; otherwise as `make_cells`."""
    assert plan.isolate is not None
    for name in plan.methods:
        mine = [(size, style) for size, style, other in places if other == name]
        begin(f"{name} · in a process of its own")
        outcomes = isolation.cells(plan.isolate, run, name, mine)
        for (size, style), death in zip(mine, outcomes, strict=True):
            if death:
                precision = precision_label(plan.methods[name].cls, context)
                cell = results.new_cell(name, style, size, precision)
                cell["status"], cell["reason"] = "error", death
                results.write_json(results.record_path(run, "cells", name, style, size), cell)
            yield name


def image_path(
    run: Path, method: str, style: str, content: str, size: int, step: int | None = None
) -> Path:
    """Where a run keeps a stylized picture; `step`: of an observed adaptation."""
    folder = run / "images" / results.key(method) / str(size) / results.key(style)
    if step is not None:
        folder /= f"step-{step:06}"
    return folder / f"{results.key(content)}.png"


def run_cell(
    run: Path, plan: Plan, context: Context, name: str, style: str, size: int, bar: Any
) -> CellRecord:
    """Adapt one method to one style at one size, and stylize every content."""
    chosen = plan.methods[name]
    cell = results.new_cell(name, style, size, precision_label(chosen.cls, context))
    record = results.read_run(run)
    reference = read_input(run, context, "style", style, size)
    with failures(cell, context):
        seed(plan.seed, name, style, size, "load")
        method = loaded(chosen.cls, context, chosen.options)
        if method.arithmetic is not None:
            cell["precision"], cell["precision_reason"] = method.arithmetic
        stylize = functools.partial(stylize_content, run, plan, context, method, cell)
        start: list[Tensor] = []

        def observe(step: int, seconds: float, _: object) -> None:
            if step == 0:
                start.extend(p.detach().clone() for p in all_parameters(method))
            bar.set_postfix_str(f"step {step}, {seconds:.0f} s", refresh=False)
            if phase.iterates and step in record["observe"]:
                with kept_random_state(context.device):
                    contents = [stylize(content, step)[0] for content in record["contents"]]
                cell["observed"].append({"step": step, "seconds": seconds, "contents": contents})

        seed(plan.seed, name, style, size, "adapt")
        phase = adapting(method, reference)
        adapted = drain(
            phase,
            context.device,
            observe=observe,
            at=lambda step: one_two_five(step) or step in record["observe"],
            max_seconds=plan.adapt_seconds,
        )
        taken: results.AdaptRecord = {
            "seconds": adapted.seconds,
            "steps": adapted.steps,
            "finished": adapted.finished,
            "curve": adapted.curve if adapted.steps else None,
        }
        if adapted.device_seconds is not None:
            taken["device_seconds"] = adapted.device_seconds
        cell["adapt"] = taken
        parameters = measure.parameters(method.networks())
        per_style = changed_parameters(start, all_parameters(method))
        cell["parameters"] = {"shared": parameters - per_style, "per_style": per_style}
        with measure.peak_memory(context.device) as peak:
            for content in record["contents"]:
                made, steps = stylize(content)
                cell["contents"].append(made)
        cell["peak_memory_bytes"], cell["peak_memory_source"] = peak.bytes, peak.source
        with contextlib.suppress(Exception):  # unknown operations; the pictures are what matters
            given = read_input(run, context, "content", content, size)
            cell["flops"] = count_flops(method, given, steps)
    return cell


def stylize_content(
    run: Path,
    plan: Plan,
    context: Context,
    method: Method,
    cell: CellRecord,
    content: str,
    step: int | None = None,
) -> tuple[ContentRecord, int]:
    """Stylize and store one content of a cell.

    Args:
        step: of the adaptation under way; None where it is finished.

    Returns:
        The picture's record, and how many steps it took.

    Raises:
        BenchError: the picture is none, or (`StorageError`) the disk refuses.
    """
    name, style, size = cell["method"], cell["style"], cell["size"]
    given = read_input(run, context, "content", content, size)
    seed(plan.seed, name, style, size, content)
    made = drain(stylizing(method, given), context.device)
    check_picture(made.result, given)
    if cell["first_call"] is None:
        cell["first_call"] = made.seconds
    path = image_path(run, name, style, content, size, step)
    images.save(made.result, path)
    image = path.relative_to(run).as_posix()
    return {"content": content, "image": image, "seconds": made.seconds}, made.steps


@contextmanager
def kept_random_state(device: torch.device) -> Iterator[None]:
    """Leave torch's random numbers, the device's among them, as if nothing had been drawn."""
    module = None if device.type == "cpu" else torch.get_device_module(device)
    before = module.get_rng_state() if module else None
    with torch.random.fork_rng(devices=[]):
        yield
    if module:
        module.set_rng_state(before)


def all_parameters(method: Method) -> list[Tensor]:
    """The parameters of the networks that stylize, in a fixed order."""
    return [p for network in method.networks() for p in network.parameters()]


def changed_parameters(before: Sequence[Tensor], after: Sequence[Tensor]) -> int:
    """How many numbers a style keeps for itself: those in tensors that adaptation changed."""
    pairs = zip(before, after, strict=True)
    return sum(b.numel() for a, b in pairs if not torch.equal(a, b))


def count_flops(method: Method, content: Tensor, steps: int) -> int | None:
    """Floating-point operations of stylizing; of an iterative method by its first step.

    None where torch sees nothing of a network, since another library runs it.
    """
    if not steps:
        count = measure.flops(lambda: list(stylizing(method, content)))
        return count or (None if all_parameters(method) else count)
    start, first = (
        measure.flops(lambda n=n: list(itertools.islice(stylizing(method, content), n)))  # type: ignore[misc]
        for n in (1, 2)
    )
    return None if start is None or first is None else start + steps * (first - start)


def check_picture(stylized: Tensor, content: Tensor) -> None:
    """See that a method kept its word.

    Raises:
        BenchError: another shape than the content's, NaN, or values outside [0, 1].
    """
    if stylized.shape != content.shape:
        raise BenchError(
            f"the method gave shape {tuple(stylized.shape)} for {tuple(content.shape)}"
        )
    low, high = (float(value) for value in stylized.detach().float().aminmax())
    if not (low >= -1e-3 and high <= 1 + 1e-3):  # also false for NaN
        raise BenchError(f"the method gave values from {low:.3g} to {high:.3g}, not in [0, 1]")
