"""What the metrics say about a run's stored pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench import images, results
from bench.contract import Context, Metric, SetMetric, Triple
from bench.contract.guard import Guard
from bench.results import ContentRecord, ScoreEntry, SetEntry, Status
from bench.results.values import LARGEST_VALUE
from bench.run.failures import describe_failure
from bench.run.inputs import read_cell, read_input

Loaded = Sequence[tuple[Metric, str]]
"""Metrics, each with the reason why it cannot be computed, or an empty text."""


def load_metrics(metrics: Sequence[Metric], context: Context) -> Loaded:
    """Bring the metrics to the device; one that cannot be had keeps its reason."""
    loaded = []
    for metric in metrics:
        reason = ""
        try:
            with Guard(once=True):
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
    if cell.status != "ok":
        return []
    reference = read_input(run, context, "style", style, size)
    pictures: list[tuple[int | None, ContentRecord]] = [(None, made) for made in cell.contents]
    pictures += [(moment.step, made) for moment in cell.observed for made in moment.contents]
    entries: list[ScoreEntry] = []
    for count, (step, made) in enumerate(pictures, 1):
        content = read_input(run, context, "content", made.content, size)
        stylized = images.decode(run / made.image).to(context.device)
        for metric, reason in metrics:
            if isinstance(metric, SetMetric):
                continue
            value: float | None = None
            status: Status = "skipped"
            if not reason:
                value, status, reason = score(metric, stylized, content, reference)
            entries.append(
                ScoreEntry(
                    step=step,
                    metric=metric.id,
                    content=made.content,
                    value=value,
                    status=status,
                    reason=reason,
                )
            )
        bar.set_postfix_str(f"{count} of {len(pictures)} pictures", refresh=False)
    return entries


def score_sets(
    run: Path, metrics: Loaded, context: Context, name: str, size: int
) -> list[SetEntry]:
    """Every metric of sets, of all finished pictures of one method at one size."""
    styles = results.read_run(run).styles
    cells = [read_cell(run, name, style, size) for style in styles]
    good = [cell for cell in cells if cell.status == "ok"]
    count = sum(len(cell.contents) for cell in good)

    def triples() -> Iterator[Triple]:
        for cell in good:
            style = read_input(run, context, "style", cell.style, size)
            for made in cell.contents:
                content = read_input(run, context, "content", made.content, size)
                stylized = images.decode(run / made.image).to(context.device)
                yield Triple(stylized, content, style)

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
                    number, given = metric.score_set(triples())
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
    metric: Metric, stylized: Tensor, content: Tensor, style: Tensor
) -> tuple[float | None, Status, str]:
    """A metric's number, or None with a status and a reason."""
    try:
        with Guard(), torch.inference_mode():
            value = float(metric.score(stylized, content, style))
    except Exception as error:
        return (None, *describe_failure(error))
    return _finite(metric, value)


def _finite(metric: Metric, value: float, *parts: float) -> tuple[float | None, Status, str]:
    for number in (value, *parts):
        if not abs(number) <= LARGEST_VALUE:  # also false for NaN
            return None, "error", f"{metric.id} gave {number}"
    return value, "ok", ""
