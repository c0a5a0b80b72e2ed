"""The gallery of a page: methods by styles by contents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import results
from bench.report.columns import of_metrics
from bench.report.model import Row
from bench.report.page.pictures import Pictures
from bench.report.page.runs import RunFiles
from bench.results import CellRecord, MetricRecord
from bench.tables.text import digits, number_text


def view_of(
    label: str,
    rows: Mapping[str, Row],
    metrics: Mapping[str, MetricRecord],
    runs: Mapping[str, RunFiles],
    pictures: Pictures,
) -> dict[str, Any]:
    """The gallery of one size: methods by styles by contents; rows by the ids of their details."""
    size = next(iter(rows.values())).size
    mine = [runs[run] for run in dict.fromkeys(row.run for row in rows.values())]
    styles = list(dict.fromkeys(name for run in mine for name in run.record.styles))
    contents = list(dict.fromkeys(name for run in mine for name in run.record.contents))

    def given(role: str, names: Sequence[str]) -> list[dict[str, Any]]:
        return [
            {
                "name": name,
                "picture": next(
                    (
                        picture
                        for run in mine
                        if (
                            picture := pictures.add(
                                run.path, results.input_path(Path(), role, name, size)
                            )
                        )
                    ),
                    None,
                ),
            }
            for name in names
        ]

    return {
        "label": label,
        "styles": given("style", styles),
        "contents": given("content", contents),
        "metrics": [" ".join(column.header[:-1]) for column in of_metrics(metrics)],
        "methods": [
            {
                "label": row.label,
                "anchor": row.anchor,
                "details": id_,
                "cells": [
                    _cell(runs[row.run], row, style, contents, list(metrics), pictures)
                    for style in styles
                ],
            }
            for id_, row in rows.items()
        ],
    }


def _cell(
    run: RunFiles,
    row: Row,
    style: str,
    contents: Sequence[str],
    metrics: Sequence[str],
    pictures: Pictures,
) -> dict[str, Any] | None:
    method, size = row.method, row.size
    cell = run.cells.get((method, size), {}).get(style)
    if cell is None:
        return None

    def shown(records: Sequence[results.ContentRecord]) -> list[str | None]:
        images = {record.content: record.image for record in records}
        return [
            pictures.add(run.path, images[name]) if name in images else None for name in contents
        ]

    scores = [run.scores.get((method, size, style, content), {}) for content in contents]
    return {
        "status": cell.status,
        "reason": cell.reason,
        "facts": list(facts_of(cell)),
        "pictures": shown(cell.contents),
        "scores": [[number_text(score.get(id_)) for id_ in metrics] for score in scores],
        "steps": [
            {
                "step": moment.step,
                "seconds": f"{digits(moment.seconds)} s",
                "pictures": shown(moment.contents),
            }
            for moment in cell.observed
        ],
    }


def facts_of(cell: CellRecord) -> Iterator[tuple[str, str]]:
    """What was measured of a cell, in words."""
    if adapt := cell.adapt:
        steps = f", {adapt.steps} steps" if adapt.steps else ""
        ended = "" if adapt.finished else ", ended by the limit"
        yield "adapt", f"{number_text(adapt.seconds, 0.001, exact=True)} s{steps}{ended}"
    if cell.first_call is not None:
        yield "first call", f"{number_text(1e3 * cell.first_call, 0.01, exact=True)} ms"
    if cell.peak_memory_bytes is not None:
        yield "peak memory", f"{number_text(cell.peak_memory_bytes / 1e6)} MB"
