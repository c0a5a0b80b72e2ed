"""Quality over adaptation as tables of text, csv and JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, cast

from bench.errors import BenchError
from bench.report.curves import curves, speedups, time_to_quality
from bench.results import Frames, MetricRecord
from bench.results.environment import describe
from bench.statistics import LEAST, median_known
from bench.tables import formats
from bench.tables.model import WIDTH, Cell, Section, Table
from bench.tables.text import clean, digits, interval_text, short

if TYPE_CHECKING:
    from pandas import DataFrame

FORMATS = (*formats.TEXT, "csv", "json")


def render(
    frames: Frames,
    format: str = "plain",
    *,
    reference: str | None = None,
    all_metrics: bool = False,
    seed: int = 0,
) -> str:
    """The curves as text, and the times to a reference's quality.

    Args:
        frames: what `bench.results.load` gives; runs without observed adaptations are left out.
        format: one of `FORMATS`. csv holds `curves`, or given a reference `time_to_quality`; json
            has these and `speedups`.
        reference: see `time_to_quality`.
        all_metrics: every metric, not just training losses and the judges' networks.
        seed: of the bootstraps.

    Raises:
        BenchError: no adaptation was observed, or one of `time_to_quality`'s.
    """
    if frames.observed.empty:
        asked = any(record.observe for record in frames.records.values())
        why = "none of their methods iterates, or every cell failed: " * asked
        raise BenchError(
            f"no adaptation was observed in these runs: {why}make one with bench run --observe "
            "default"
        )
    medians = curves(frames, seed)
    medians = medians[medians["run"].isin(set(frames.observed["run"]))]
    if format == "csv":
        table = medians if reference is None else time_to_quality(frames, reference)
        return table.to_csv(index=False, lineterminator="\n")
    summed = None if reference is None else speedups(frames, reference, seed)
    if format == "json":
        tables = {"curves": medians}
        if reference is not None and summed is not None:
            tables |= {"time_to_quality": time_to_quality(frames, reference), "speedups": summed}
        whole = {
            name: json.loads(table.to_json(orient="records")) for name, table in tables.items()
        }
        return json.dumps(whole, indent=1) + "\n"
    sections = []
    for key, group in medians.groupby(["run", "size"], sort=False):
        run, size = cast(tuple[str, int], key)
        faster = None
        if summed is not None:
            faster = summed[(summed["run"] == run) & (summed["size"] == size)]
        sections.append(_section(frames, run, size, group, faster, reference, all_metrics))
    return formats.write(sections, frames.warnings, format)


def _section(
    frames: Frames,
    run: str,
    size: int,
    medians: DataFrame,
    faster: DataFrame | None,
    reference: str | None,
    all_metrics: bool,
) -> Section:
    record = frames.records[run]
    styles, contents = len(record.styles), len(record.contents)
    heading = [
        f"run {run}: {describe(record.environment)}",
        f"dataset {record.dataset.name} ({record.dataset.fingerprint}), {size} px, "
        f"styles: {', '.join(record.styles)}",
    ]
    shown = {
        id_: metric
        for id_, metric in record.metrics.items()
        if all_metrics or (metric.encoder and (metric.judge or metric.axis == "both"))
    }
    among = f"medians over {_count(styles, 'style')}"
    over = f"{among} of means over {_count(contents, 'content')}"
    tables: list[Table] = []
    for id_, metric in shown.items():
        part = medians[medians["metric"] == id_]
        tables += _wide(f"{_title(metric)}, after so many steps; {over}", part, "value", "")
    if shown:
        title = f"seconds of adaptation until then; {among}"
        first = medians.drop_duplicates(["method", "step"])
        tables += _wide(title, first, "seconds", "seconds_")
    if faster is not None and reference is not None:
        for id_, metric in shown.items():
            if len(part := faster[faster["metric"] == id_]):
                tables.append(_race(part, metric, reference))
    notes = [
        f"{name} is {method.method} with other options"
        for name, method in record.methods.items()
        if name != method.method
    ]
    if styles < LEAST:
        notes.append(f"{_count(styles, 'style')}: intervals over styles need {LEAST}")
    return Section([clean(line) for line in heading], tables, [clean(note) for note in notes])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _title(metric: MetricRecord) -> str:
    arrow = "↓" if metric.direction == "lower" else "↑"
    on = f" on {metric.encoder}" if metric.encoder else ""
    kind = ""
    if metric.training_loss_of:
        kind = f" (a training loss, of {', '.join(metric.training_loss_of)}: no judge)"
    return f"{metric.name} {arrow}{on}{kind}"


def _wide(title: str, medians: DataFrame, value: str, bounds: str) -> Iterator[Table]:
    """Methods × steps, in as many parts as the steps need."""
    cells = {
        (row["method"], row["step"]): Cell(
            digits(row[value], floor=1e-3),
            interval_text(row[f"{bounds}low"], row[f"{bounds}high"], floor=1e-3),
        )
        for row in medians.to_dict("records")
    }
    methods, steps = list(dict.fromkeys(medians["method"])), sorted(set(medians["step"]))
    head = max([len("method"), *(len(short(name)) for name in methods)])
    width = 2 + max([0, *(len("–".join(c.interval or (c.text,))) for c in cells.values())])
    count = max(1, (WIDTH - head) // width)
    for start in range(0, len(steps), count):
        part = steps[start : start + count]
        yield Table(
            title,
            [["method"], *([str(step)] for step in part)],
            [
                [Cell(short(name)), *(cells.get((name, step), Cell("")) for step in part)]
                for name in methods
            ],
            [False] * len(methods),
            left=1,
        )


def _race(faster: DataFrame, metric: MetricRecord, reference: str) -> Table:
    """Time to the reference's quality by one metric."""
    lines = []
    for row in faster.to_dict("records"):
        reached = math.isfinite(row["step"])
        curve = math.isfinite(row["curve_step"])
        lines.append(
            [
                Cell(short(row["method"])),
                Cell(f"{row['reached']} of {row['styles']}"),
                Cell(f"{row['step']:g}" if reached else "not reached"),
                Cell(digits(row["seconds"], floor=1e-3) if reached else ""),
                Cell(
                    f"{digits(row['ratio'])}×" if reached else "",
                    interval_text(row["low"], row["high"], floor=1e-3) if reached else None,
                ),
                Cell(f"{_times(row['least'])} to {_times(row['most'])}"),
                Cell(f"{row['curve_step']:g}" if curve else "not reached"),
                Cell(f"{digits(row['curve_ratio'])}×" if curve else ""),
            ]
        )
    headers: list[Sequence[str]] = [
        *(["method"], ["styles", "that did"], ["steps"], ["seconds"], ["times", "faster"]),
        *(["of the", "styles"], ["steps, curve", "of medians"], ["times", "faster"]),
    ]
    step, seconds = faster["reference_step"].max(), median_known(faster["reference_seconds"])
    name = reference.rpartition("@")[0] or reference
    on = f" on {metric.encoder}" if metric.encoder else ""
    title = (
        f"Time to be as good as {name} after {step:g} steps ({digits(seconds)} s) in "
        f"{metric.name}{on}: first observed step, medians over styles"
    )
    return Table(title, headers, lines, [False] * len(lines), left=1)


def _times(ratio: float) -> str:
    return f"{digits(ratio)}×" if ratio else "never"
