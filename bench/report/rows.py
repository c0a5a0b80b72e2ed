"""From run folders' frames to the rows of a report: unrounded numbers, grouped and explained.

A row is one method at one size, as it was run. Rows are grouped by environment and dataset:
numbers of different machines or pictures never share a table, and the numbers of a row are all of
one run. Nothing is ranked, and what failed is a row with its status and its reason.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from bench.anchors import ANCHORS
from bench.errors import unknown
from bench.report import columns, verdicts
from bench.report.assembly import Place, row_of
from bench.report.index import Index, variants_of
from bench.report.model import Group, Row, Variant
from bench.report.notes import encoder_notes, noise_notes, protocol_notes, rough_notes, tell_apart
from bench.results import Frames

By = Literal["size", "style", "method"]
BY: Sequence[str] = get_args(By)


def groups(
    frames: Frames,
    *,
    by: str = "size",
    sort: str | None = None,
    all_metrics: bool = False,
    seed: int = 0,
) -> list[Group]:
    """One row per environment, dataset, method, size and what the method was run with.

    That is its options and precision, the limit of adaptation, the seed, and the version and
    commit of bench. Of several runs alike in all that, a row is the newest: it is never put
    together from two, which may hold other styles and contents. An anchor, which no options
    change, has one row for all of them that the same pictures were judged by the same metrics in.

    Args:
        frames: what `bench.results.load` gives.
        by: how rows are ordered and cut: by size, then method; by method, then size; or by size
            and style, with a row of its own for every style.
        sort: a column to sort by within that, the best first, instead of the method's name.
        all_metrics: take every metric, not just those of judges.
        seed: of the bootstraps.

    Raises:
        BenchError: no such `by` or column.
    """
    if by not in BY:
        raise unknown("order of rows", by, BY)
    index = Index(frames, by == "style")
    by_group: dict[tuple[str, str], dict[Variant, list[str]]] = {}
    for variant, runs in variants_of(frames).items():
        by_group.setdefault((variant.environment, variant.dataset), {})[variant] = runs
    found = [_group(frames, index, variants, all_metrics, seed) for variants in by_group.values()]
    chosen = columns.choose([sort] if sort else [], [group.metrics for group in found])
    for group, sorters in zip(found, chosen, strict=True):
        group.rows.sort(key=lambda row: _order(row, by, sorters[:1]))
    return found


def _order(row: Row, by: str, sorters: Sequence[columns.Column]) -> tuple[Any, ...]:
    rank = ANCHORS.index(row.method) if row.method in ANCHORS else len(ANCHORS) + (not row.anchor)
    merits = [column.sort_key(row) for column in sorters]
    if by == "method":
        return (rank, row.method, *merits, *row.where)
    return (*row.where, rank, *merits, row.method)


def _group(
    frames: Frames,
    index: Index,
    variants: Mapping[Variant, Sequence[str]],
    all_metrics: bool,
    seed: int,
) -> Group:
    newest, older = _newest(frames, variants)
    runs = sorted(set(newest.values()))
    metrics = {
        id_: metric
        for run in runs
        for id_, metric in frames.records[run].metrics.items()
        if all_metrics or metric.judge
    }
    last = frames.records[runs[-1]]
    rows = []
    for (variant, size), run in newest.items():
        for style in frames.records[run].styles if index.styles else [""]:
            row = row_of(index, Place(variant, run, size, style), metrics, seed)
            if count := older[variant, size]:
                row.notes.append(f"from the newest run; older runs set aside: {count}")
            if variant.precision not in ("", last.environment.precision):
                row.notes.append(f"precision {variant.precision}")
            rows.append(row)
    tell_apart(rows)
    verdicts.mark(rows, metrics)
    notes = [
        *noise_notes(frames, newest),
        *rough_notes(rows, metrics),
        *encoder_notes(frames, runs, metrics),
        *protocol_notes(frames, runs),
        *dict.fromkeys(
            f"skipped {item.role} {item.name}: {item.reason}"
            for run in runs
            for item in frames.records[run].skipped
        ),
    ]
    return Group(last.environment, last.dataset, metrics, rows, notes)


def _newest(
    frames: Frames, variants: Mapping[Variant, Sequence[str]]
) -> tuple[dict[tuple[Variant, int], str], Counter[tuple[Variant, int]]]:
    """The run that each row is taken from, and how many older ones there are."""
    newest: dict[tuple[Variant, int], str] = {}
    older: Counter[tuple[Variant, int]] = Counter()
    for variant, held in variants.items():
        for run in held:
            for size in frames.records[run].sizes:
                older[variant, size] += (variant, size) in newest
                newest[variant, size] = run
    anchors: dict[tuple[Any, ...], tuple[Variant, int]] = {}
    for (variant, size), run in sorted(newest.items(), key=lambda item: item[1]):
        record = frames.records[run]
        if record.methods[variant.method].family == "anchor":
            judged = [sorted(names) for names in (record.styles, record.contents, record.metrics)]
            alike = (variant.method, size, variant.options, json.dumps(judged))
            if alike in anchors:
                del newest[anchors[alike]]
            anchors[alike] = variant, size
    return newest, older
