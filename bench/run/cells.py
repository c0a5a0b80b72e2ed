"""A cell of a run: one method adapted to one style at one size, and every content stylized."""

from __future__ import annotations

import contextlib
import functools
import importlib
import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from bench import images, results
from bench.contract import Context, Method
from bench.contract.phases import adapting, loaded, stylizing
from bench.errors import BenchError
from bench.machine import footprint
from bench.machine.clock import drain, one_two_five
from bench.results import (
    AdaptRecord,
    CellRecord,
    ContentRecord,
    ObservedRecord,
    ParameterCounts,
    RunInfo,
)
from bench.run.blocks import Place
from bench.run.failures import failures
from bench.run.inputs import read_input, read_style
from bench.run.isolation import Say
from bench.run.plan import Plan, precision_label
from bench.run.seeds import seed
from bench.run.sharing import Adaptation, family

Tell = Callable[[str], object]
"""Takes how far a cell is."""
HEARD_STEPS = 64

T = TypeVar("T")


def grid_of(record: RunInfo, methods: Iterable[str]) -> Iterator[Place]:
    """The places of all cells of some methods, in order."""
    return itertools.product(record.sizes, record.styles, methods)


def missing_cells(run: Path, methods: Iterable[str]) -> list[Place]:
    """The places of the cells that are not there yet, in order."""
    done = results.completed(run, "cells")
    return [
        (size, style, name)
        for size, style, name in grid_of(results.read_run(run), methods)
        if results.key(name, style, size) not in done
    ]


def make_cells(
    run: Path, plan: Plan, context: Context, places: Sequence[Place], say: Say
) -> Iterator[str]:
    """Make cells, and give the method's name after each.

    Rows of a family (see `bench.run.sharing`) share the adaptation where they follow each other.
    """
    kept: Adaptation | None = None
    if places:
        # the first optimiser would import it: seconds that no adaptation is to be charged
        importlib.import_module("torch._dynamo")
    for size, style, name in places:
        tell = functools.partial(say, name, f"{name} · {style} · {size} px")
        tell("")
        cell, kept = _made(run, plan, context, (size, style, name), tell, kept)
        results.write_record(run, cell)
        yield name


def image_path(
    run: Path, method: str, style: str, content: str, size: int, step: int | None = None
) -> Path:
    """Where a run keeps a stylized picture; `step`: of an observed adaptation."""
    folder = run / "images" / results.key(method) / str(size) / results.key(style)
    if step is not None:
        folder /= f"step-{step:06}"
    return folder / f"{results.key(content)}.png"


def run_cell(run: Path, plan: Plan, context: Context, place: Place, tell: Tell) -> CellRecord:
    """Adapt one method to one style at one size, and stylize every content."""
    return _made(run, plan, context, place, tell)[0]


def _made(
    run: Path,
    plan: Plan,
    context: Context,
    place: Place,
    tell: Tell,
    kept: Adaptation | None = None,
) -> tuple[CellRecord, Adaptation | None]:
    """A cell, with the adaptation kept so far or its own, and what is to be kept after it."""
    begun = time.perf_counter()
    making = _Making(run, plan, context, place, tell, kept)
    with failures(place[2], context) as outcome:
        making.make()
    seconds = time.perf_counter() - begun
    cell = replace(making.cell, status=outcome.status, reason=outcome.reason, seconds=seconds)
    return cell, making.kept


class _Making:
    """A cell under way: `cell` is what is known of it so far, also when a phase fails.

    `kept` is an adaptation for other rows of its family: that of a cell before, or its own.
    """

    def __init__(
        self,
        run: Path,
        plan: Plan,
        context: Context,
        place: Place,
        tell: Tell,
        kept: Adaptation | None,
    ) -> None:
        size, style, name = self.place = place
        self.family = family(plan, name)
        self.kept = kept if kept is not None and kept.serves(place, self.family) else None
        self.run, self.plan, self.context, self.tell = run, plan, context, tell
        self.chosen = plan.methods[name]
        self.record = results.read_run(run)
        self.reference = read_style(run, context, plan.style(style), size, self.chosen.cls.several)
        precision = precision_label(self.chosen.cls, context)
        self.cell = CellRecord(method=name, style=style, size=size, precision=precision)

    def make(self) -> None:
        """Load the method, adapt it and stylize.

        Raises:
            Exception: whatever the method raises, and what `stylize` does.
        """
        self._seed("load", self.family[0])
        method = loaded(self.chosen.cls, self.context, self.chosen.options)
        if method.arithmetic is not None:
            precision, reason = method.arithmetic
            self.cell = replace(self.cell, precision=precision, precision_reason=reason)
        per_style = self._adapt(method) if self.kept is None else self._take_over(method, self.kept)
        shared = footprint.parameters(method.networks()) - per_style
        counts = ParameterCounts(shared=shared, per_style=per_style)
        self.cell = replace(self.cell, parameters=counts)
        with footprint.peak_memory(self.context.device) as peak:
            for content in self.record.contents:
                picture, steps = self._stylize(method, content)
                self.cell = replace(self.cell, contents=[*self.cell.contents, picture])
                self.tell(f"{len(self.cell.contents)} of {len(self.record.contents)} pictures")
        self.cell = replace(self.cell, peak_memory_bytes=peak.bytes, peak_memory_source=peak.source)
        with contextlib.suppress(Exception):  # unknown operations; the pictures are what matters
            given = read_input(self.run, self.context, "content", content, self.cell.size)
            self.cell = replace(self.cell, flops=count_flops(method, given, steps))

    def _adapt(self, method: Method) -> int:
        """Adapt to the style, for the family too; returns how many numbers it keeps for itself."""
        asked = self.record.observe
        start: list[Tensor] = []

        def observe(step: int, seconds: float, _: object) -> None:
            if step == 0:
                start.extend(p.detach().clone() for p in all_parameters(method))
            self.tell(f"step {step}, {seconds:.0f} s")
            if phase.iterates and step in asked:
                with kept_random_state(self.context.device):
                    pictures = [
                        self._stylize(method, name, step)[0] for name in self.record.contents
                    ]
                moment = ObservedRecord(step=step, seconds=seconds, contents=pictures)
                self.cell = replace(self.cell, observed=[*self.cell.observed, moment])

        self._seed("adapt", self.family[0])
        phase = adapting(method, self.reference)
        adaptation = drain(
            self._heard(phase),
            self.context.device,
            observe=observe,
            at=lambda step: one_two_five(step) or step in asked,
            max_seconds=self.plan.adapt_seconds,
        )
        taken = AdaptRecord(
            seconds=adaptation.seconds,
            steps=adaptation.steps,
            finished=adaptation.finished,
            curve=adaptation.curve if adaptation.steps else None,
            device_seconds=adaptation.device_seconds,
            launched=method.launched,
        )
        self.cell = replace(self.cell, adapt=taken)
        per_style = changed_parameters(start, all_parameters(method))
        if len(self.family) > 1 and not self.cell.observed:  # what is observed is each row's own
            self.kept = Adaptation.of(method, self.place, taken, per_style)
        return per_style

    def _take_over(self, method: Method, kept: Adaptation) -> int:
        """Be adapted as another row of the family is; returns as `_adapt` does."""
        self.cell = replace(self.cell, adapt=kept.give(method))
        return kept.per_style

    def _stylize(
        self, method: Method, content: str, step: int | None = None
    ) -> tuple[ContentRecord, int]:
        """Stylize and store one content.

        Args:
            method: adapted, or on its way.
            content: its name.
            step: of the adaptation under way; None where it is finished.

        Returns:
            The picture's record, and how many steps it took.

        Raises:
            BenchError: the picture is none, or (`StorageError`) the disk refuses.
        """
        name, style, size = self.cell.method, self.cell.style, self.cell.size
        given = read_input(self.run, self.context, "content", content, size)
        self._seed(content)
        stylized = drain(self._heard(stylizing(method, given)), self.context.device)
        check_picture(stylized.result, given)
        if self.cell.first_call is None:
            self.cell = replace(self.cell, first_call=stylized.seconds)
        path = image_path(self.run, name, style, content, size, step)
        images.save(stylized.result, path)
        image = path.relative_to(self.run).as_posix()
        record = ContentRecord(content=content, image=image, seconds=stylized.seconds)
        return record, stylized.steps

    def _heard(self, phase: Iterator[T]) -> Iterator[T]:
        """The phase, which tells now and then that it still makes steps."""
        for step, value in enumerate(phase):
            if step and not step % HEARD_STEPS:
                self.tell(f"step {step}")
            yield value

    def _seed(self, phase: str, name: str | None = None) -> None:
        """Seed a phase by the cell's place, or by that of another row of its family."""
        size, style, own = self.place
        seed(self.plan.seed, name or own, style, size, phase)


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
        count = footprint.flops(lambda: list(stylizing(method, content)))
        return count or (None if all_parameters(method) else count)
    start, first = (
        footprint.flops(lambda n=n: list(itertools.islice(stylizing(method, content), n)))  # type: ignore[misc]
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
