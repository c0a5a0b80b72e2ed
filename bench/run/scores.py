"""What the metrics say about a run's stored pictures."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from types import MappingProxyType
from typing import Literal

import torch
from torch import Tensor

from bench import images, results
from bench.contract import Context, Frame, Metric, SetMetric, TemporalMetric, Triple, View
from bench.contract.guard import Guard
from bench.results import ContentRecord, ScoreEntry, ScoreRecord, SetEntry, SetRecord, Status
from bench.results.values import LARGEST_VALUE
from bench.run.blocks import Place
from bench.run.failures import describe_failure
from bench.run.inputs import read_cell, read_input, read_style
from bench.run.isolation import Say
from bench.run.plan import Plan

Loaded = Sequence[tuple[Metric, str]]
"""Metrics, each with the reason why it cannot be computed, or an empty text."""
Part = tuple[Literal["scores", "sets"], int, "str | None", str]
"""Kind of record, size, style (None: of a set, all of them) and method."""
Begin = Callable[[str, str], object]
"""Takes a metric's id, and how far it is, before it is called."""


def missing_scores(run: Path, plan: Plan) -> tuple[list[Part], list[Part]]:
    """Every part of a run's scores in order, and those that are not there yet."""
    record = results.read_run(run)
    sizes, styles, methods = record.sizes, record.styles, record.methods
    parts: list[Part] = [("scores", *place) for place in itertools.product(sizes, styles, methods)]
    if any(isinstance(metric, SetMetric) for metric in plan.metrics):
        parts += [("sets", size, None, name) for size, name in itertools.product(sizes, methods)]
    done = {kind: results.completed(run, kind) for kind in ("scores", "sets")}
    return parts, [part for part in parts if record_of(run, part).stem not in done[part[0]]]


def record_of(run: Path, part: Part) -> Path:
    """Where a part's record is kept."""
    kind, size, style, name = part
    return results.record_path(run, kind, *((name, size) if style is None else (name, style, size)))


def make_scores(
    run: Path,
    plan: Plan,
    context: Context,
    parts: Sequence[Part],
    say: Say,
    broken: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Part]:
    """Compute scores, and give each part when it is written.

    Args:
        run: the folder.
        plan: has the metrics.
        context: their device.
        parts: to compute, in this order.
        say: takes which metric is at work.
        broken: ids of metrics that are left out, and why.
    """
    metrics = load_metrics(plan.metrics, context, say, broken)
    for part in parts:
        _, size, style, name = part
        where = f"metrics · {name} · {'all styles' if style is None else style} · {size} px"

        def begin(metric: str, detail: str, where: str = where) -> None:
            say(metric, where, detail)

        if style is None:
            of_set = score_sets(run, metrics, context, plan, name, size, begin)
            results.write_record(run, SetRecord(method=name, size=size, scores=of_set))
        else:
            scores = score_record(run, metrics, context, plan, (size, style, name), begin)
            results.write_record(run, scores)
        yield part


def load_metrics(
    metrics: Sequence[Metric], context: Context, say: Say, broken: Mapping[str, str]
) -> Loaded:
    """Bring the metrics to the device; one that cannot be had keeps its reason.

    Args:
        metrics: to load.
        context: their device.
        say: takes which one is loaded.
        broken: ids of metrics that are not even loaded, and why.
    """
    loaded = []
    for metric in metrics:
        reason = broken.get(metric.id, "")
        if reason:
            loaded.append((metric, reason))
            continue
        say(metric.id, f"metrics · {metric.id} is loaded", "")
        try:
            with Guard(once=True):
                metric.load(context)
        except Exception as error:
            reason = describe_failure(error)[1]
        loaded.append((metric, reason))
    return loaded


def score_record(
    run: Path, metrics: Loaded, context: Context, plan: Plan, place: Place, begin: Begin
) -> ScoreRecord:
    """The record of `score_cell`."""
    since = time.perf_counter()
    entries = score_cell(run, metrics, context, plan, place, begin)
    size, style, name = place
    seconds = time.perf_counter() - since
    return ScoreRecord(method=name, style=style, size=size, scores=entries, seconds=seconds)


def score_cell(
    run: Path, metrics: Loaded, context: Context, plan: Plan, place: Place, begin: Begin
) -> list[ScoreEntry]:
    """Every metric of every stored picture of one cell, the observed ones too.

    Of a style of several pictures the number is the mean over them.
    """
    size, style, name = place
    cell = read_cell(run, name, style, size)
    if cell.status != "ok":
        return []
    references = torch.split(read_style(run, context, plan.style(style), size), 1)
    moments: list[tuple[int | None, Sequence[ContentRecord]]] = [(None, cell.contents)]
    moments += [(moment.step, moment.contents) for moment in cell.observed]
    clip = {p.name: p.view for p in plan.contents} if plan.dataset.moves else {}

    def read(picture: ContentRecord) -> Frame:
        content = read_input(run, context, "content", picture.content, size)
        stylized = images.decode(run / picture.image).to(context.device)
        return Frame(stylized, content, clip.get(picture.content))

    entries: list[ScoreEntry] = []
    pictures = [(step, contents, picture) for step, contents in moments for picture in contents]
    for count, (step, contents, picture) in enumerate(pictures, 1):
        frame = read(picture)
        for metric, reason in metrics:
            if isinstance(metric, SetMetric):
                continue
            value: float | None = None
            status: Status = "skipped"
            if not reason:
                begin(metric.id, f"{count} of {len(pictures)} pictures")
                if isinstance(metric, TemporalMetric):
                    value, status, reason = score_frames(
                        metric, frame, picture, contents, clip, read
                    )
                else:
                    value, status, reason = score(metric, frame.stylized, frame.content, references)
            entries.append(
                ScoreEntry(
                    step=step,
                    metric=metric.id,
                    content=picture.content,
                    value=value,
                    status=status,
                    reason=reason,
                )
            )
    return entries


def score_sets(
    run: Path,
    metrics: Loaded,
    context: Context,
    plan: Plan,
    name: str,
    size: int,
    begin: Begin,
) -> list[SetEntry]:
    """Every metric of sets, of all finished pictures of one method at one size.

    Of a style of several pictures each content has the next.
    """
    styles = results.read_run(run).styles
    cells = [read_cell(run, name, style, size) for style in styles]
    good = [cell for cell in cells if cell.status == "ok"]
    count = sum(len(cell.contents) for cell in good)

    def triples(metric: str) -> Iterator[Triple]:
        begin(metric, f"{metric} of {count} pictures")
        for cell in good:
            several = read_style(run, context, plan.style(cell.style), size)
            references = torch.split(several, 1)
            for picture, style in zip(cell.contents, itertools.cycle(references), strict=False):
                content = read_input(run, context, "content", picture.content, size)
                stylized = images.decode(run / picture.image).to(context.device)
                yield Triple(stylized, content, style)
            begin(metric, f"{metric} has {cell.style}")

    entries: list[SetEntry] = []
    for metric, reason in metrics:
        if not isinstance(metric, SetMetric) or not count:
            continue
        value: float | None = None
        parts: Mapping[str, float] = {}
        status: Status = "skipped"
        if not reason:
            try:
                with Guard(), torch.inference_mode():
                    number, given = metric.score_set(triples(metric.id))
                parts = {part: float(share) for part, share in given.items()}
                value, status, reason = _finite(metric, float(number), *parts.values())
            except Exception as error:
                status, reason = describe_failure(error)
        entries.append(
            SetEntry(
                metric=metric.id,
                value=value,
                parts=parts if status == "ok" else {},
                pictures=count,
                status=status,
                reason=reason,
            )
        )
    return entries


def score(
    metric: Metric, stylized: Tensor, content: Tensor, styles: Sequence[Tensor]
) -> tuple[float | None, Status, str]:
    """A metric's number, the mean over a style's pictures, or None with a status and a reason."""
    styles = styles[: None if metric.axis != "content" else 1]
    return _number(
        metric, lambda: fmean(metric.score(stylized, content, style) for style in styles)
    )


def score_frames(
    metric: TemporalMetric,
    now: Frame,
    picture: ContentRecord,
    contents: Sequence[ContentRecord],
    clip: Mapping[str, View | None],
    read: Callable[[ContentRecord], Frame],
) -> tuple[float | None, Status, str]:
    """The metric's number for a frame and the one so far before it; as `score`."""
    order = list(clip)
    if picture.content not in clip:
        return None, "skipped", "the contents are no clip: take one, such as --dataset clip"
    place = order.index(picture.content) - metric.distance
    before = [other for other in contents if place >= 0 and other.content == order[place]]
    if not before:
        return None, "skipped", f"there is no frame {metric.distance} before"
    return _number(metric, lambda: metric.score_frames(now, read(before[0])))


def _number(metric: Metric, call: Callable[[], float]) -> tuple[float | None, Status, str]:
    try:
        with Guard(), torch.inference_mode():
            value = float(call())
    except Exception as error:
        return (None, *describe_failure(error))
    return _finite(metric, value)


def _finite(metric: Metric, value: float, *parts: float) -> tuple[float | None, Status, str]:
    for number in (value, *parts):
        if not abs(number) <= LARGEST_VALUE:  # also false for NaN
            return None, "error", f"{metric.id} gave {number}"
    return value, "ok", ""
