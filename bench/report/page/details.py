"""The details of a page: everything that is known of a row of the table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, get_args

from bench.report.model import NOT_RUN, Row
from bench.report.page.gallery import facts_of
from bench.report.page.runs import RunFiles
from bench.results import RunRecord, Scope, SpeedRecord
from bench.tables.text import digits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BINS = 48


def json_text(value: Any) -> str:
    """A value as the page shows it: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def details_of(row: Row, run: RunFiles) -> dict[str, Any]:
    """Everything that is known of a row of the table."""
    record, size = run.record, row.size
    cells = run.cells.get((row.method, size), {})
    return {
        "label": row.label,
        "size": size,
        "status": row.outcome.status,
        "facts": [(key, text) for key, text in _provenance(row, record) if text],
        "command": record.command,
        "timings": list(_timings(row, run.speeds.get((row.method, size)))),
        "cells": [
            {
                "style": style,
                "status": cells[style].status if style in cells else "missing",
                "reason": cells[style].reason if style in cells else NOT_RUN,
                "facts": dict(facts_of(cells[style])) if style in cells else {},
            }
            for style in dict.fromkeys([*record.styles, *cells])
        ],
    }


def _provenance(row: Row, record: RunRecord) -> Iterator[tuple[str, str]]:
    method, variant, outcome = record.methods[row.method], row.variant, row.outcome
    yield "method", method.method if method.method != row.method else ""
    yield "family", method.family
    yield "citation", method.citation
    yield "status", outcome.status + (f": {outcome.reason}" if outcome.reason else "")
    yield "quality gate", row.quality_gate
    yield "dominated by", ", ".join(row.dominated)
    yield (
        "options",
        ", ".join(f"{key}={json_text(value)}" for key, value in method.options.items()),
    )
    yield "precision", variant.precision
    yield "trained on", ", ".join(method.trains_on)
    yield "plugin", method.plugin
    yield "source SHA-256", method.source_sha256 or ""
    for file, sha256 in method.weights.items():
        yield f"weights {file}", sha256
    yield "run", f"{record.id}, {record.created}"
    yield "profile", record.profile
    yield "seed", str(record.seed)
    yield "bench", f"{variant.bench} {variant.commit}".strip()
    yield "dataset", f"{record.dataset.name} {record.dataset.fingerprint}"
    yield "environment", record.environment.fingerprint


def _timings(row: Row, speed: SpeedRecord | None) -> Iterator[dict[str, Any]]:
    """The samples of each scope; those of an adaptation that iterates are one for each style."""
    for scope in get_args(Scope):
        timing = row.timings.get(scope)
        if timing is None or not len(timing.seconds):
            continue
        sampling = "one for each style"
        if speed and timing.rounds is not None:
            taken = speed.scopes[scope]
            sampling = (
                f"{len(set(taken.rounds))} rounds, {taken.warmup_calls} warm-up calls;"
                f" stopped: {taken.stopped}"
            )
        yield {"name": scope, "sampling": sampling, **_histogram(timing.seconds)}


def _histogram(seconds: NDArray[np.float64]) -> dict[str, Any]:
    """Samples in seconds as the outline of a histogram, 1 high and `_BINS` wide, and in words."""
    import numpy as np

    unit, scale = ("s", 1.0) if np.median(seconds) >= 1 else ("ms", 1e3)
    low, high = float(seconds.min()), float(seconds.max())
    counts, _ = np.histogram(seconds, _BINS, (low, high) if high > low else (low - 0.5, low + 0.5))
    heights = counts / counts.max()
    median = float(np.median(seconds))
    return {
        "count": len(seconds),
        "unit": unit,
        "low": digits(scale * low),
        "high": digits(scale * high),
        "median": digits(scale * median),
        "p90": digits(scale * float(np.quantile(seconds, 0.9))),
        "path": "M0 1" + "".join(f"V{1 - height:.3f}h1" for height in heights) + "V1z",
        "at": f"{_BINS * ((median - low) / (high - low) if high > low else 0.5):.2f}",
        "bins": _BINS,
    }
