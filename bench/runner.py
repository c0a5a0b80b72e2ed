"""A run: a grid of method × style × size, then speed in interleaved rounds, then the metrics.

Everything that is finished is on disk at once, one file per result, so a run that is killed goes
on where it was. Metrics read the stored pictures, never a live method.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import itertools
import math
import traceback
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from torch import Tensor

import bench
from bench import (
    conditions,
    environment,
    images,
    isolation,
    measure,
    progress,
    results,
    roofline,
    weights,
)
from bench.contract import Dataset, Method, Metric, Picture, SetMetric, Triple
from bench.device import Context
from bench.errors import BenchError, StorageError
from bench.phases import adapting, stylizing
from bench.profiles import Profile
from bench.registry import Registry
from bench.results import (
    CellRecord,
    ContentRecord,
    RunInfo,
    ScoreEntry,
    SetEntry,
    SkippedRecord,
    SpeedRecord,
    Status,
)
from bench.statistics import aa_noise
from bench.timing import Rule, Samples, drain, one_two_five, sample_interleaved, synchronize


@dataclass(frozen=True)
class Chosen:
    """A method and the options it runs with."""

    cls: type[Method]
    options: Any


@dataclass(frozen=True)
class Plan:
    """What a run does.

    Attributes:
        methods: a row's name to class and options; two rows may be of one class.
        metrics: to compute on every picture.
        dataset: where the pictures come from.
        profile: the budget it was made for.
        contents: to stylize.
        styles: to adapt to.
        sizes: sides of the square pictures in pixels.
        seed: every phase is seeded by it and by its own place in the grid.
        adapt_seconds: a phase of adaptation ends after this long; None is no limit.
        command: the command line, for the record and for resuming.
        observe: after so many steps of an adaptation that iterates, the clock stands still and
            every content is stylized and stored.
        threads: the CPU threads that the user asked for; None for torch's own number.
        isolate: makes the cells of a run that a method lacks, see `make_cells`: it is called in a
            process of its own for every method. None makes them here.
    """

    methods: Mapping[str, Chosen]
    metrics: Sequence[Metric]
    dataset: Dataset
    profile: Profile
    contents: Sequence[Picture]
    styles: Sequence[Picture]
    sizes: Sequence[int]
    seed: int
    adapt_seconds: float | None
    command: str
    observe: Sequence[int] = ()
    threads: int | None = None
    isolate: isolation.Target | None = None


def start(plan: Plan, root: Path, context: Context, registry: Registry) -> Path:
    """Make the run folder: the pictures at every size, and the record of what is to be run.

    Pictures that cannot be used are left out and named in the record.

    Raises:
        BenchError: no content or no style can be used, or the folder cannot be written.
    """
    return results.create(root, lambda run: begin(run, plan, context, registry))


def begin(run: Path, plan: Plan, context: Context, registry: Registry) -> RunInfo:
    """Put the inputs into a new run's folder and say what is to be run; raises as `start`."""
    usable: dict[str, list[str]] = {"content": [], "style": []}
    skipped: list[SkippedRecord] = []
    for role, wanted in (("content", plan.contents), ("style", plan.styles)):
        for picture in wanted:
            try:
                for size in plan.sizes:
                    images.save(
                        images.load(picture, size),
                        results.input_path(run, role, picture.name, size),
                    )
                usable[role].append(picture.name)
            except BenchError as error:
                skipped.append({"role": role, "name": picture.name, "reason": str(error)})
        if not usable[role]:
            reason = skipped[-1]["reason"] if skipped else "the dataset has none"
            raise BenchError(f"no {role} can be used: {reason}")
    fetch_encoders(plan, context)
    captured = environment.capture(context.device, context.precision, plan.threads)
    return {
        "command": plan.command,
        "bench_version": bench.__version__,
        "profile": plan.profile.name,
        "seed": plan.seed,
        "adapt_seconds": plan.adapt_seconds,
        "observe": sorted(set(plan.observe)),
        "environment": {
            **captured,
            "fingerprint": environment.fingerprint(captured),
            "peak": roofline.measure(context.device, torch.get_num_threads()),
        },
        "dataset": {
            "name": plan.dataset.name,
            "options": asdict(plan.dataset.options),
            "fingerprint": plan.dataset.fingerprint(),
            "citation": plan.dataset.citation,
        },
        "sizes": list(plan.sizes),
        "contents": usable["content"],
        "styles": usable["style"],
        "methods": {
            name: {
                "method": chosen.cls.name,
                "family": chosen.cls.family,
                "citation": chosen.cls.citation,
                "options": asdict(chosen.options),
                "defaults": asdict(chosen.cls.Options()),
                "source_sha256": environment.source_sha256(chosen.cls),
                "weights": weight_files(chosen, context),
                "trains_on": list(chosen.cls.learns_from(chosen.options)),
                "autocast": chosen.cls.autocast,
                "plugin": registry.origin("methods", chosen.cls.name).source,
            }
            for name, chosen in plan.methods.items()
        },
        "metrics": {
            metric.id: {
                "name": metric.name,
                "version": metric.version,
                "unit": metric.unit,
                "axis": metric.axis,
                "direction": metric.direction,
                "encoder": metric.encoder,
                "judge": all(registry.encoder(name).judge for name in metric.encoders),
                "of_set": isinstance(metric, SetMetric),
                "training_loss_of": list(metric.training_loss_of),
                "weights": metric_files(metric, context),
                "citation": metric.citation,
            }
            for metric in plan.metrics
        },
        "skipped": skipped,
    }


def weight_files(chosen: Chosen, context: Context) -> dict[str, str]:
    """SHA-256 of every weights file behind a method: its own and those of its loss networks."""
    needed = chosen.cls.needs(chosen.options)
    files = weights.fingerprints(needed, weights.beside(chosen.cls))
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


def check_resumable(run: Path, plan: Plan, context: Context) -> None:
    """See that nothing the run's numbers depend on has changed since it began.

    Raises:
        BenchError: another machine, precision or version of the suite, other pictures, options or
            metrics, or another version of a method.
    """
    record = results.read_run(run)
    now = environment.capture(context.device, context.precision)
    changes = []
    if record["environment"]["fingerprint"] != environment.fingerprint(now):
        changes.append("the environment")
    if (record["bench_version"], record["environment"]["commit"]) != (
        bench.__version__,
        now["commit"],
    ):
        changes.append("bench itself")
    if set(record["metrics"]) != {metric.id for metric in plan.metrics}:
        changes.append("the metrics")
    if record["dataset"]["fingerprint"] != plan.dataset.fingerprint():
        changes.append("the pictures")
    for name, chosen in plan.methods.items():
        before = record["methods"][name]
        if before["options"] != asdict(chosen.options):
            changes.append(f"the options of {name}")
        if before["source_sha256"] != environment.source_sha256(chosen.cls):
            changes.append(f"the source of {name}")
        if before["weights"] != weight_files(chosen, context):
            changes.append(f"the weights of {name}")
    if changes:
        raise BenchError(
            f"{run} cannot be resumed: {', '.join(changes)} changed since; start a new run"
        )


def forget_failures(run: Path) -> None:
    """Remove the records of what failed, so that it is tried again."""
    for kind in ("cells", "speed"):
        for path in (run / kind).glob("*.json"):
            record = results.read_json(path)
            if record["status"] != "ok":
                path.unlink()
                (run / "scores" / path.name).unlink(missing_ok=True)
                of_sets = results.key(record["method"], record["size"])
                (run / "sets" / f"{of_sets}.json").unlink(missing_ok=True)


def execute(run: Path, plan: Plan, context: Context, quiet: bool = False) -> None:
    """Do what of the run is not done yet, each result written as soon as it is there.

    Failures of a method or a metric become rows; only what concerns the whole run is raised.

    Raises:
        BenchError: another process works on the run, the disk refuses, or the device failed.
    """
    lock = FileLock(run / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise BenchError(
            f"another process works on {run}: wait for it, or start a new run"
        ) from None
    with lock:
        _execute(run, plan, context, quiet)


def _execute(run: Path, plan: Plan, context: Context, quiet: bool) -> None:
    record = results.read_run(run)
    grid = list(grid_of(record, plan.methods))
    judged = list(itertools.product(record["sizes"], record["styles"], record["methods"]))
    of_sets = any(isinstance(metric, SetMetric) for metric in plan.metrics)
    sets = list(itertools.product(record["sizes"], record["methods"])) if of_sets else []
    speeds = len(record["sizes"]) * len(plan.methods)
    forecast = progress.Forecast(
        [
            *(("cell", name) for _, _, name in grid),
            *(("speed", size) for size in record["sizes"]),
            *(("scores", name) for _, _, name in judged),
            *(("sets", name) for _, name in sets),
        ]
    )
    shown = "{desc}{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]"
    total = len(grid) + speeds + len(judged) + len(sets)
    with progress.bar(total=total, disable=quiet, unit="step", bar_format=shown) as bar:

        def begin(what: str) -> None:
            bar.set_postfix_str("", refresh=False)
            bar.set_description(f"{forecast}: {what}", refresh=False)

        def finished(part: tuple[str, str | int], worked: bool, count: int = 1) -> None:
            forecast.done(part, worked)
            bar.update(count)

        places = missing_cells(run, plan.methods)
        for _, _, name in set(grid) - set(places):
            finished(("cell", name), False)
        make = make_cells if plan.isolate is None else make_cells_apart
        for name in make(run, plan, context, places, begin, bar):
            finished(("cell", name), True)
        done = results.completed(run, "speed")
        for size in record["sizes"]:
            untimed = [name for name in plan.methods if results.key(name, size) not in done]
            if untimed:
                begin(f"speed · {size} px")
                for speed in run_speed(run, plan, context, untimed, size, bar):
                    name = speed["method"]
                    results.write_json(results.record_path(run, "speed", name, size), speed)
            finished(("speed", size), bool(untimed), len(plan.methods))
        done = results.completed(run, "scores")
        metrics = load_metrics(plan.metrics, context)
        for size, style, name in judged:
            missing = results.key(name, style, size) not in done
            if missing:
                begin(f"metrics · {name} · {style} · {size} px")
                scores = score_cell(run, metrics, context, name, style, size, bar)
                path = results.record_path(run, "scores", name, style, size)
                record_of_scores: results.ScoreRecord = {
                    "schema": results.SCHEMA,
                    "method": name,
                    "style": style,
                    "size": size,
                    "scores": scores,
                }
                results.write_json(path, record_of_scores)
            finished(("scores", name), missing)
        done = results.completed(run, "sets")
        for size, name in sets:
            missing = results.key(name, size) not in done
            if missing:
                begin(f"metrics of sets · {name} · {size} px")
                record_of_sets: results.SetRecord = {
                    "schema": results.SCHEMA,
                    "method": name,
                    "size": size,
                    "scores": score_sets(run, metrics, context, name, size),
                }
                results.write_json(results.record_path(run, "sets", name, size), record_of_sets)
            finished(("sets", name), missing)
        bar.set_description("done")


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
    places: Iterable[Place],
    begin: Callable[[str], object],
    bar: Any,
) -> Iterator[str]:
    """Make cells, and give the method's name after each."""
    # the first optimiser of a process would import it: seconds that no adaptation is to be charged
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
    with _failures(cell, context):
        seed(plan.seed, name, style, size, "load")
        method = chosen.cls(context, chosen.options)
        method.load()
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
    """Floating-point operations of stylizing; of an iterative method by its first step."""
    if not steps:
        return measure.flops(lambda: list(stylizing(method, content)))
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
        with _failures(speed, context):
            seed(plan.seed, name, size)
            method = chosen.cls(context, chosen.options)
            method.load()
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


Loaded = Sequence[tuple[Metric, str]]
"""Metrics, each with the reason why it cannot be computed, or an empty text."""


def load_metrics(metrics: Sequence[Metric], context: Context) -> Loaded:
    """Bring the metrics to the device; one that cannot be had keeps its reason."""
    loaded = []
    for metric in metrics:
        reason = ""
        try:
            metric.load(context)
        except Exception as error:
            reason = describe_failure(error)[1]
        loaded.append((metric, reason))
    return loaded


def score_cell(
    run: Path, metrics: Loaded, context: Context, name: str, style: str, size: int, bar: Any
) -> list[ScoreEntry]:
    """Every metric of every stored picture of one cell, the observed ones too."""
    cell = read_cell(run, name, style, size)
    if cell["status"] != "ok":
        return []
    reference = read_input(run, context, "style", style, size)
    pictures: list[tuple[int | None, ContentRecord]] = [(None, made) for made in cell["contents"]]
    pictures += [
        (moment["step"], made) for moment in cell["observed"] for made in moment["contents"]
    ]
    entries: list[ScoreEntry] = []
    for count, (step, made) in enumerate(pictures, 1):
        content = read_input(run, context, "content", made["content"], size)
        stylized = images.decode(run / made["image"]).to(context.device)
        for metric, reason in metrics:
            if isinstance(metric, SetMetric):
                continue
            value, status = None, "skipped"
            if not reason:
                value, status, reason = score(metric, stylized, content, reference)
            entries.append(
                {
                    "step": step,
                    "metric": metric.id,
                    "content": made["content"],
                    "value": value,
                    "status": status,  # type: ignore[typeddict-item]
                    "reason": reason,
                }
            )
        bar.set_postfix_str(f"{count} of {len(pictures)} pictures", refresh=False)
    return entries


def score_sets(
    run: Path, metrics: Loaded, context: Context, name: str, size: int
) -> list[SetEntry]:
    """Every metric of sets, of all finished pictures of one method at one size."""
    styles = results.read_run(run)["styles"]
    cells = [read_cell(run, name, style, size) for style in styles]
    good = [cell for cell in cells if cell["status"] == "ok"]
    count = sum(len(cell["contents"]) for cell in good)

    def triples() -> Iterator[Triple]:
        for cell in good:
            style = read_input(run, context, "style", cell["style"], size)
            for made in cell["contents"]:
                content = read_input(run, context, "content", made["content"], size)
                stylized = images.decode(run / made["image"]).to(context.device)
                yield Triple(stylized, content, style)

    entries: list[SetEntry] = []
    for metric, reason in metrics:
        if not isinstance(metric, SetMetric) or not count:
            continue
        entry: SetEntry = {
            "metric": metric.id,
            "value": None,
            "parts": {},
            "pictures": count,
            "status": "skipped",
            "reason": reason,
        }
        if not reason:
            try:
                with torch.inference_mode():
                    value, parts = metric.score_set(triples())
                entry["parts"] = {part: float(number) for part, number in parts.items()}
                entry["value"], entry["status"], entry["reason"] = _finite(metric, float(value))
            except Exception as error:
                entry["status"], entry["reason"] = describe_failure(error)
        entries.append(entry)
    return entries


def score(
    metric: Metric, stylized: Tensor, content: Tensor, style: Tensor
) -> tuple[float | None, Status, str]:
    """A metric's number, or None with a status and a reason."""
    try:
        with torch.inference_mode():
            value = float(metric.score(stylized, content, style))
    except Exception as error:
        return (None, *describe_failure(error))
    return _finite(metric, value)


def _finite(metric: Metric, value: float) -> tuple[float | None, Status, str]:
    if not math.isfinite(value):
        return None, "error", f"{metric.id} gave {value}"
    return value, "ok", ""


def read_cell(run: Path, name: str, style: str, size: int) -> CellRecord:
    """A cell's record."""
    cell: CellRecord = results.read_json(results.record_path(run, "cells", name, style, size))
    return cell


def read_input(run: Path, context: Context, role: str, name: str, size: int) -> Tensor:
    """A stored content or style, on the device and in its memory format."""
    picture = images.decode(results.input_path(run, role, name, size))
    return context.precision.layout(picture.to(context.device))


def precision_label(cls: type[Method], context: Context) -> str:
    """The precision that a method really runs in."""
    precision = context.precision
    if cls.autocast or precision.dtype == "float32":
        return precision.label
    return precision.label.replace(precision.dtype, "float32")


def seed(base: int, *place: object) -> None:
    """Seed torch by a run's seed and a place in its grid, so that cells do not depend on order."""
    torch.manual_seed(zlib.crc32(repr((base, *place)).encode()))


@contextmanager
def _failures(record: CellRecord | SpeedRecord, context: Context) -> Iterator[None]:
    """Turn an exception into the record's status and reason.

    Raises:
        BenchError: the device itself or (`StorageError`) the disk has failed, and with it all
            that would come after.
    """
    try:
        yield
    except StorageError:
        raise
    except Exception as error:
        record["status"], record["reason"] = describe_failure(error)
        try:
            synchronize(context.device)
        except RuntimeError as dead:
            cause = str(dead).splitlines()[0]
            raise BenchError(
                f"{record['method']} left {context.device} unusable ({cause}); go on with "
                "bench run --resume"
            ) from None


def describe_failure(error: BaseException) -> tuple[Status, str]:
    """Status and one-line reason of what went wrong."""
    if isinstance(error, BenchError):
        return "error", str(error)
    lines = str(error).strip().splitlines() or [""]
    text = f"{type(error).__name__}: {lines[0]}".rstrip(": ")
    memory = ("out of memory", "can't allocate memory", "not enough memory")
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)) or (
        isinstance(error, RuntimeError) and any(word in str(error).lower() for word in memory)
    ):
        return "oom", text
    frames = traceback.extract_tb(error.__traceback__)
    if frames:
        text += f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})"
    return "error", text
