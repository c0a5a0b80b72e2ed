"""From run folders' frames to the rows of a report: unrounded numbers, grouped and explained.

A row is one method at one size, as it was run. Rows are grouped by environment and dataset:
numbers of different machines or pictures never share a table, and the numbers of a row are all of
one run. Nothing is ranked, and what failed is a row with its status and its reason.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

from bench.errors import unknown
from bench.report import columns, peak, verdicts
from bench.report.index import Index, Variant, variants_of
from bench.report.model import Group, Row, Timing
from bench.report.notes import encoder_notes, noise_notes, rough_notes, tell_apart
from bench.report.quality import add_quality, add_set_quality
from bench.report.verdicts import ANCHORS
from bench.results import Frames, MethodRecord, MetricRecord
from bench.tables.text import short

if TYPE_CHECKING:
    from pandas import DataFrame

By = Literal["size", "style", "method"]
BY: Sequence[str] = get_args(By)
SCOPES = ("core", "pair", "e2e")


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
    made = [_group(frames, index, variants, all_metrics, seed) for variants in by_group.values()]
    chosen = columns.choose([sort] if sort else [], [group.metrics for group in made])
    for group, sorters in zip(made, chosen, strict=True):
        group.rows.sort(key=lambda row: _order(row, by, sorters[:1]))
    return made


def _order(row: Row, by: str, sorters: Sequence[columns.Column]) -> tuple[Any, ...]:
    rank = ANCHORS.index(row.method) if row.method in ANCHORS else len(ANCHORS) + (not row.anchor)
    merits = [columns.sort_key(row.values, column) for column in sorters]
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
        for id_, metric in frames.records[run]["metrics"].items()
        if all_metrics or metric["judge"]
    }
    last = frames.records[runs[-1]]
    rows = []
    for (variant, size), run in newest.items():
        for style in frames.records[run]["styles"] if index.styles else [""]:
            row = _row(frames, index, variant, run, size, style, metrics, seed)
            if count := older[variant, size]:
                row.notes.append(f"from the newest run; older runs set aside: {count}")
            if row.values["precision"] not in ("", last["environment"]["precision"]):
                row.notes.append(f"precision {row.values['precision']}")
            rows.append(row)
    tell_apart(rows)
    verdicts.judge(rows, metrics)
    notes = [
        *noise_notes(frames, newest),
        *rough_notes(rows, metrics),
        *encoder_notes(frames, runs, metrics),
        *dict.fromkeys(
            f"skipped {item['role']} {item['name']}: {item['reason']}"
            for run in runs
            for item in frames.records[run]["skipped"]
        ),
    ]
    return Group(last["environment"], last["dataset"], metrics, rows, notes)


def _newest(
    frames: Frames, variants: Mapping[Variant, Sequence[str]]
) -> tuple[dict[tuple[Variant, int], str], Counter[tuple[Variant, int]]]:
    """The run that each row is taken from, and how many older ones there are."""
    newest: dict[tuple[Variant, int], str] = {}
    older: Counter[tuple[Variant, int]] = Counter()
    for variant, held in variants.items():
        for run in held:
            for size in frames.records[run]["sizes"]:
                older[variant, size] += (variant, size) in newest
                newest[variant, size] = run
    anchors: dict[tuple[Any, ...], tuple[Variant, int]] = {}
    for (variant, size), run in sorted(newest.items(), key=lambda item: item[1]):
        record = frames.records[run]
        if record["methods"][variant.method]["family"] == "anchor":
            judged = [sorted(record[name]) for name in ("styles", "contents", "metrics")]
            alike = (variant.method, size, variant.options, json.dumps(judged))
            if alike in anchors:
                del newest[anchors[alike]]
            anchors[alike] = variant, size
    return newest, older


def _row(
    frames: Frames,
    index: Index,
    variant: Variant,
    run: str,
    size: int,
    style: str,
    metrics: Mapping[str, MetricRecord],
    seed: int,
) -> Row:
    """A row of all styles, or of one where frames are cut by style."""
    record = frames.records[run]
    method = record["methods"][variant.method]
    cells, speeds, samples = (
        index.take(name, run, variant.method, size, style)
        for name in ("cells", "speeds", "samples")
    )
    scores = index.scores(run, variant.method, size, style)
    done = cells[cells["status"] == "ok"]
    contents = {content for names in done["contents"] for content in names}
    row = Row(
        variant.method,
        variant.method,
        {
            "run": run,
            "environment": variant.environment,
            "dataset": record["dataset"]["name"],
            "dataset_fingerprint": variant.dataset,
            "method": variant.method,
            "family": method["family"],
            "options": variant.options,
            "precision": variant.precision,
            "adapt_limit_s": math.nan if variant.adapt_limit is None else variant.adapt_limit,
            "seed": variant.seed,
            "bench": variant.bench,
            "commit": variant.commit,
            "size": size,
            "style": style,
            "status": "ok",
            "reason": "",
            "aa_noise": index.noise(run, size),
        },
    )
    row.changed = _changed(method)
    behind = method["method"] if method["method"] != variant.method else ""
    told = (behind, row.changed and f"with {row.changed}")
    if any(told):
        row.notes.append(" ".join(filter(None, told)))
    batch = int(speeds["batch"].iloc[0]) if len(speeds) else 1
    if batch != 1:
        row.notes.append(f"timed in batches of {batch} pictures; milliseconds are per batch")
    if speeds["iterative_stylize"].any():
        row.notes.append("stylizing iterates: core, pair and e2e from one timing per picture")
    elif speeds["iterative_adapt"].any():
        row.notes.append("adaptation iterates: pair is adapt plus core")
    ended = done.loc[done["adapt_finished"].eq(False), "adapt_steps"]
    if len(ended):
        row.notes.append(_ended(ended, len(done), row.values["adapt_limit_s"]))
    _failures(row, cells, speeds, [style] if style else record["styles"])
    scopes, seconds, rounds = (
        samples[name].to_numpy(kind)
        for name, kind in (("scope", object), ("seconds", float), ("round", int))
    )
    row.timings = {
        scope: Timing(seconds[scopes == scope], rounds[scopes == scope])
        for scope in sorted(set(scopes))
    }
    if style or "adapt" not in row.timings:  # otherwise it is warmed up, on one style
        row.timings["adapt"] = Timing(done["adapt_seconds"].dropna().to_numpy(), None)
    row.values |= _interval("adapt_s", row.timings["adapt"], 1, seed)
    for scope in SCOPES:
        row.values |= _interval(f"{scope}_ms", row.timings.get(scope), 1e3, seed)
    parameters = done["params_shared"] + done["params_per_style"]
    row.values |= {
        "adapt_ended": len(ended),
        "batch": batch,
        "first_call_ms": 1e3 * done["first_call"].median(),
        "params_m": parameters.max() / 1e6,
        "params_per_style_m": done["params_per_style"].max() / 1e6,
        "peak_mb": done["peak_memory_bytes"].max() / 1e6,
        "gflop": done["flops"].max() / 1e9,
        "pairs": sum(map(len, done["contents"])),
        "styles": len(done),
        "contents": len(contents),
    }
    row.values["peak_share"] = 100 * peak.share(
        done["flops"].max(),
        row.values["core_ms"] / 1e3,
        variant.precision,
        record["environment"].get("peak", {}),
    )
    anchors = {name: index.scores(run, name, size, style).values for name in ANCHORS}
    row.values["gate"] = verdicts.gate(method, record["metrics"], scores.values, anchors)
    add_quality(row, [id_ for id_, m in metrics.items() if not m.get("of_set")], scores, seed)
    for id_, metric in metrics.items():
        if metric.get("of_set"):
            add_set_quality(row, id_, scores)
        if verdicts.own(metric, method):
            row.own.add(id_)
    row.values["trained_on"] = " ".join(sorted(row.own))
    return row


def _changed(method: MethodRecord) -> str:
    """The options that are not the defaults."""
    return ", ".join(
        f"{name}={value}"
        for name, value in method["options"].items()
        if name not in method["defaults"] or value != method["defaults"][name]
    )


def _ended(steps: Any, count: int, limit: float) -> str:
    """The note on adaptations that the limit ended, of how many there are."""
    low, high = steps.min(), steps.max()
    taken = f"{steps.median():g}" + (f" ({low:g}–{high:g})" if low < high else "")
    some = f" ({len(steps)} of {count} styles)" if len(steps) < count else ""
    return (
        f"adaptation ended by the limit of {limit:g} s after {taken} of the steps asked for{some}"
    )


def _failures(row: Row, cells: DataFrame, speeds: DataFrame, expected: Iterable[str]) -> None:
    """Put what did not work into the row's status, words and notes."""
    styles = list(dict.fromkeys([*expected, *cells["style"]]))
    failed: dict[tuple[str, str], list[str]] = {}
    for style, status, reason in zip(cells["style"], cells["status"], cells["reason"], strict=True):
        if status != "ok":
            failed.setdefault((status, reason), []).append(style)
    begun = set(cells["style"])
    if missing := [style for style in styles if style not in begun]:
        failed["missing", "not run, finish with bench run --resume"] = missing
    reasons = [
        f"{status} for {len(which)} of {len(styles)} styles ({_some(which)}): {reason}"
        for (status, reason), which in failed.items()
    ]
    cell_word = (
        next((status for status, _ in failed), "") if not (cells["status"] == "ok").any() else ""
    )
    timing = [
        (status, reason)
        for status, reason in zip(speeds["status"], speeds["reason"], strict=True)
        if status != "ok" and (status, reason) not in failed
    ]
    if not len(speeds):
        timing = [("missing", "not run, finish with bench run --resume")]
    reasons += [f"timing {status}: {reason}" for status, reason in timing]
    if cell_word:
        row.words["adapt_s"] = cell_word
    if timing or cell_word:
        row.words["core_ms"] = timing[0][0] if timing else cell_word
    row.notes += reasons
    if any(status != "skipped" for status, _ in (*failed, *timing)):  # else nothing went wrong
        row.values["status"] = cell_word or "partial"
        row.values["reason"] = "; ".join(reasons)


def _some(names: Sequence[str]) -> str:
    shown = [short(name) for name in names[:3]]
    return ", ".join(shown + ["…"] * (len(names) > 3))


def _interval(column: str, timing: Timing | None, scale: float, seed: int) -> dict[str, float]:
    """What a table says about seconds; without rounds each sample stands for itself."""
    from bench.statistics import summarise

    nan = math.nan
    numbers = (nan, nan, nan, nan)
    count = 0 if timing is None else len(timing.seconds)
    if timing is not None and count:
        summary = summarise(scale * timing.seconds, seed, timing.rounds)
        numbers = (summary.median, summary.low, summary.high, summary.p90)
    names = (column, f"{column}_low", f"{column}_high", f"{column}_p90")
    return {**dict(zip(names, numbers, strict=True)), f"{column}_n": count}
