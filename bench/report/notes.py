"""What must be said about the rows of a report: what differs, what is noisy, what is rough."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence

from bench import protocols
from bench.report.columns import of_metrics
from bench.report.model import Row, Variant
from bench.results import Frames, MetricRecord


def encoder_notes(
    frames: Frames, runs: Iterable[str], metrics: Mapping[str, MetricRecord]
) -> Iterator[str]:
    """Say which weights the encoders of the metrics have, and of which metrics they differ."""
    files_of: dict[str, str] = {}
    for id_, metric in metrics.items():
        weights = {
            json.dumps(record.metrics[id_].weights, sort_keys=True)
            for record in (frames.records[run] for run in runs)
            if id_ in record.metrics
        }
        if len(weights) > 1:
            yield (
                f"{id_}: runs shown here computed it with different weights, do not compare them"
            )
        elif metric.encoder and metric.weights:
            files_of[metric.encoder] = ", ".join(
                f"{file} (SHA-256 {sha256[:12]})" for file, sha256 in metric.weights.items()
            )
    yield from (f"encoder {name}: {files}" for name, files in files_of.items())


def tell_apart(rows: Sequence[Row]) -> None:
    """Label the rows, and note in what those differ that would otherwise look alike."""
    for same in _alike(rows, lambda row: (row.method, *row.where)):
        settings = [(row.changed or "defaults", row.variant.precision) for row in same]
        for row, differing in zip(same, _differences(settings), strict=True):
            row.label += f" ({', '.join(differing)})" * bool(differing)
    for same in _alike(rows, lambda row: (row.label, *row.where)):
        circumstances = [
            (
                f"seed {row.variant.seed}",
                "adaptation without a limit"
                if row.variant.adapt_limit is None
                else f"adaptation limited to {row.variant.adapt_limit:g} s",
                f"bench {row.variant.bench}" + _commit(row.variant.commit),
            )
            for row in same
        ]
        for row, differing in zip(same, _differences(circumstances), strict=True):
            if differing:
                row.notes.append(", ".join(differing))
                row.label += f" ({', '.join(differing)})"


def _alike(rows: Iterable[Row], look: Callable[[Row], Hashable]) -> list[list[Row]]:
    found: dict[Hashable, list[Row]] = {}
    for row in rows:
        found.setdefault(look(row), []).append(row)
    return list(found.values())


def _differences(texts: Sequence[Sequence[str]]) -> list[list[str]]:
    """Of equally long lists, each without the places where all are the same."""
    differ = [len(set(place)) > 1 for place in zip(*texts, strict=True)]
    return [[text for text, other in zip(t, differ, strict=True) if other] for t in texts]


def _commit(commit: str) -> str:
    digits, _, dirty = commit.partition("-")
    return f" commit {digits[:7]}" + f" {dirty}" * bool(dirty) if commit else ""


def noise_notes(frames: Frames, newest: Mapping[tuple[Variant, int], str]) -> Iterator[str]:
    """Say what the A/A controls found, and why timings are not to be trusted."""
    shown = {(run, size) for (_, size), run in newest.items()}
    names = ("run", "size", "method", "scope", "noise")
    controls = sorted(zip(*(frames.controls[name] for name in names), strict=True))
    if differ := [
        f"{100 * noise:.1f} % at {size} px ({method} {scope})"
        for run, size, method, scope, noise in controls
        if (run, size) in shown
    ]:
        yield f"A/A control, one method timed twice, differs by up to {', '.join(differ)}"
    columns_ = (frames.speeds[name] for name in ("run", "size", "noisy"))
    noisy = {(size, why) for run, size, why in zip(*columns_, strict=True) if (run, size) in shown}
    yield from (f"noisy at {size} px: {why}" for size, why in sorted(noisy) if why)


def rough_notes(rows: Iterable[Row], metrics: Mapping[str, MetricRecord]) -> list[str]:
    """Say which intervals of the quality tables come from too few styles or contents."""
    from bench.statistics import LEAST

    columns = of_metrics(metrics)
    few = sorted(
        {
            (row.styles, row.contents)
            for row in rows
            if min(row.styles, row.contents) < LEAST
            and any(math.isfinite(column.of(row).low) for column in columns)
        }
    )
    counts = " or ".join(
        f"{styles} style{'s' * (styles != 1)} and {contents} content{'s' * (contents != 1)}"
        for styles, contents in few
    )
    return [f"intervals from {counts} are rough"] if counts else []


def protocol_notes(frames: Frames, runs: Iterable[str]) -> Iterator[str]:
    """Say by which papers' rules the runs went, in what not, and what was published beside."""
    followed = {
        (record.protocol, tuple(record.differs)) for record in (frames.records[run] for run in runs)
    }
    for name, differs in sorted(followed):
        if name:
            yield from protocols.notes(name, differs)
