"""From run folders' frames to the rows of a report: unrounded numbers, grouped and explained.

A row is one method at one size, as it was run. Rows are grouped by environment and dataset:
numbers of different machines or pictures never share a table, and the numbers of a row are all of
one run. Nothing is ranked, and what failed is a row with its status and its reason.
"""

from __future__ import annotations

import itertools
import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from bench import columns, roofline, verdicts
from bench.errors import unknown
from bench.results import Frames, MethodRecord, MetricRecord
from bench.text import digits, short
from bench.verdicts import ANCHORS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pandas import DataFrame

By = Literal["size", "style", "method"]
BY: Sequence[str] = get_args(By)
SCOPES = ("core", "pair", "e2e")


class Timing(NamedTuple):
    """Raw seconds, and the interleaving round of each; None where each stands for itself."""

    seconds: NDArray[np.float64]
    rounds: NDArray[np.int64] | None


@dataclass
class Row:
    """A row of the report.

    Attributes:
        method: its name.
        label: a name that no other row of its size (and style) has.
        values: the unrounded numbers, see `bench.report.table`; NaN where there is none.
        words: key of a number that is missing, to what stands instead.
        notes: what must be said about the row.
        metric_notes: metric id to what must be said about its number.
        changed: the options that are not the defaults, in words.
        timings: scope to raw timings; `core` is of a whole batch.
        by_style: metric id to every style's mean.
        own: ids of the metrics that the method is trained on.
        best: keys of the numbers that no other row of its size (and style) beats.
        dominated: labels of rows that are at least as good on every axis and better on one.
    """

    method: str
    label: str
    values: dict[str, Any]
    words: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    metric_notes: dict[str, list[str]] = field(default_factory=dict)
    changed: str = ""
    timings: dict[str, Timing] = field(default_factory=dict)
    by_style: dict[str, dict[str, float]] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)
    best: set[str] = field(default_factory=set)
    dominated: list[str] = field(default_factory=list)

    @property
    def anchor(self) -> bool:
        """Whether it is there to compare with, and competes with nobody."""
        return bool(self.values["family"] == "anchor")

    @property
    def where(self) -> tuple[int, str]:
        """The contest that it takes part in: its size, and its style where rows have one."""
        return self.values["size"], self.values["style"]


@dataclass
class Group:
    """The rows of one environment and dataset.

    Attributes:
        environment: that of the newest run.
        dataset: its record.
        metrics: id to metric, of those that are shown.
        rows: in the order in which they are shown.
        notes: what must be said about all of them.
    """

    environment: Mapping[str, Any]
    dataset: Mapping[str, Any]
    metrics: dict[str, MetricRecord]
    rows: list[Row]
    notes: list[str]


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
    index = _Index(frames, by == "style")
    by_group: dict[tuple[str, str], dict[_Variant, list[str]]] = {}
    for variant, runs in _variants(frames).items():
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


class _Variant(NamedTuple):
    """What a row is about, apart from the size."""

    environment: str
    dataset: str
    method: str
    options: str
    precision: str
    adapt_limit: float | None
    seed: int
    bench: str
    commit: str


class _Index:
    """The frames cut by run, method, size and style, so that a row finds its own quickly."""

    def __init__(self, frames: Frames, styles: bool) -> None:
        whole: dict[str, DataFrame] = {
            "cells": frames.cells,
            "speeds": frames.speeds,
            "samples": frames.samples,
            "sets": frames.sets,
        }
        self.styles = styles
        # by far the longest frame: cut as lists, which takes a third of the time
        self._entries: dict[tuple[Any, ...], list[_Entry]] = {}
        names = ("style", "metric", "content", "value", "status", "reason")
        where = (frames.scores[name].tolist() for name in ("run", "method", "size"))
        entries = [frames.scores[name].tolist() for name in names]
        by_style = entries[0] if styles else itertools.repeat("")
        for key, entry in zip(zip(*where, by_style), zip(*entries, strict=True)):  # noqa: B905
            self._entries.setdefault(key, []).append(entry)
        of_control = (frames.controls[name].tolist() for name in ("run", "size", "noise"))
        self._noise: dict[tuple[str, int], float] = {}
        for run, size, noise in zip(*of_control, strict=True):
            self._noise[run, size] = max(noise, self._noise.get((run, size), 0.0))
        self._empty = {name: frame.iloc[:0] for name, frame in whole.items()}
        self._scores: dict[tuple[str, str, int, str], _Scores] = {}
        self._cut: dict[str, dict[Any, DataFrame]] = {}
        for name, frame in whole.items():
            by = ["run", "method", "size", *["style"] * (styles and "style" in frame)]
            self._cut[name] = dict(iter(frame.groupby(by, sort=False)))

    def noise(self, run: str, size: int) -> float:
        """What the A/A control of a run says at a size, a share; 0 where there was none."""
        return self._noise.get((run, size), 0.0)

    def take(self, name: str, run: str, method: str, size: int, style: str = "") -> DataFrame:
        """The rows of one frame, of one style where frames are cut by style."""
        cut = self._cut[name]
        by_style = self.styles and "style" in self._empty[name]
        where = (run, method, size, style) if by_style else (run, method, size)
        return cut[where] if where in cut else self._empty[name]

    def scores(self, run: str, method: str, size: int, style: str = "") -> _Scores:
        """The numbers of one method's finished cells, of one style where cut by style."""
        where = (run, method, size, style)
        if where not in self._scores:
            cells = self.take("cells", *where)
            done = set(cells.loc[cells["status"] == "ok", "style"])
            entries = (entry for entry in self._entries.get(where, ()) if entry[0] in done)
            sets = self.take("sets", *where)  # nothing of one style: a set is of all
            self._scores[where] = _scores(entries, sets.iloc[: 0 if style else None])
        return self._scores[where]


_Entry = tuple[str, str, str, float, str, str]
"""Style, metric, content, value, status and reason of a row of the frame of scores."""


class _Scores(NamedTuple):
    """What the metrics say about some pictures."""

    values: dict[str, dict[tuple[str, str], float]]  # metric id to (style, content) to number
    missing: dict[str, Counter[tuple[str, str]]]  # metric id to (status, reason) to how many
    sets: dict[str, tuple[int, dict[str, float]]]  # metric id of a set to its pictures and parts


WHOLE = ("", "")
"""What stands for style and content where a number is of a set of pictures."""


def _scores(entries: Iterable[_Entry], whole: DataFrame) -> _Scores:
    values: dict[str, dict[tuple[str, str], float]] = {}
    missing: dict[str, Counter[tuple[str, str]]] = {}
    for style, metric, content, value, status, reason in entries:
        if status == "ok" and not math.isnan(value):
            values.setdefault(metric, {})[style, content] = value
        else:
            missing.setdefault(metric, Counter())[status, reason] += 1
    sets: dict[str, tuple[int, dict[str, float]]] = {}
    names = ("metric", "status", "reason", "value", "pictures", "parts")
    columns = (whole[name].tolist() for name in names)
    for metric, status, reason, value, pictures, parts in zip(*columns, strict=True):
        if status == "ok":
            values[metric], sets[metric] = {WHOLE: value}, (pictures, parts)
        else:
            missing[metric] = Counter({(status, reason): 1})
    return _Scores(values, missing, sets)


def _variants(frames: Frames) -> dict[_Variant, list[str]]:
    """Every variant with the runs that hold it, oldest first (a run's id begins with its time)."""
    precisions = {
        (run, method): precision
        for frame in (frames.cells, frames.speeds)
        for run, method, precision in zip(
            *(frame[name].tolist() for name in ("run", "method", "precision")), strict=True
        )
        if precision
    }
    found: dict[_Variant, list[str]] = {}
    for run, record in sorted(frames.records.items()):
        environment = record["environment"]
        for name, method in record["methods"].items():
            variant = _Variant(
                environment["fingerprint"],
                record["dataset"]["fingerprint"],
                name,
                json.dumps(method["options"], sort_keys=True),
                precisions.get((run, name), ""),
                record["adapt_seconds"],
                record["seed"],
                record["bench_version"],
                (environment.get("commit") or "") + "-dirty" * bool(environment.get("dirty")),
            )
            found.setdefault(variant, []).append(run)
    return found


def _group(
    frames: Frames,
    index: _Index,
    variants: Mapping[_Variant, Sequence[str]],
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
    _tell_apart(rows)
    verdicts.judge(rows, metrics)
    notes = [
        *_noise(frames, newest),
        *_rough(rows, metrics),
        *_encoders(frames, runs, metrics),
        *dict.fromkeys(
            f"skipped {item['role']} {item['name']}: {item['reason']}"
            for run in runs
            for item in frames.records[run]["skipped"]
        ),
    ]
    return Group(last["environment"], last["dataset"], metrics, rows, notes)


def _newest(
    frames: Frames, variants: Mapping[_Variant, Sequence[str]]
) -> tuple[dict[tuple[_Variant, int], str], Counter[tuple[_Variant, int]]]:
    """The run that each row is taken from, and how many older ones there are."""
    newest: dict[tuple[_Variant, int], str] = {}
    older: Counter[tuple[_Variant, int]] = Counter()
    for variant, held in variants.items():
        for run in held:
            for size in frames.records[run]["sizes"]:
                older[variant, size] += (variant, size) in newest
                newest[variant, size] = run
    anchors: dict[tuple[Any, ...], tuple[_Variant, int]] = {}
    for (variant, size), run in sorted(newest.items(), key=lambda item: item[1]):
        record = frames.records[run]
        if record["methods"][variant.method]["family"] == "anchor":
            judged = [sorted(record[name]) for name in ("styles", "contents", "metrics")]
            alike = (variant.method, size, variant.options, json.dumps(judged))
            if alike in anchors:
                del newest[anchors[alike]]
            anchors[alike] = variant, size
    return newest, older


def _encoders(
    frames: Frames, runs: Iterable[str], metrics: Mapping[str, MetricRecord]
) -> Iterator[str]:
    """Say which weights the encoders of the metrics have, and of which metrics they differ."""
    told: dict[str, str] = {}
    for id_, metric in metrics.items():
        weights = {
            json.dumps(record["metrics"][id_]["weights"], sort_keys=True)
            for record in (frames.records[run] for run in runs)
            if id_ in record["metrics"]
        }
        if len(weights) > 1:
            yield (
                f"{id_}: runs shown here computed it with different weights, do not compare them"
            )
        elif metric["encoder"] and metric["weights"]:
            told[metric["encoder"]] = ", ".join(
                f"{file} (SHA-256 {sha256[:12]})" for file, sha256 in metric["weights"].items()
            )
    yield from (f"encoder {name}: {files}" for name, files in told.items())


def _tell_apart(rows: Sequence[Row]) -> None:
    """Label the rows, and note in what those differ that would otherwise look alike."""
    for same in _alike(rows, "method", "size", "style"):
        told = [(row.changed or "defaults", row.values["precision"]) for row in same]
        for row, differing in zip(same, _differences(told), strict=True):
            row.label += f" ({', '.join(differing)})" * bool(differing)
    for same in _alike(rows, "label", "size", "style"):
        reasons = [
            (
                f"seed {row.values['seed']}",
                "adaptation without a limit"
                if math.isnan(row.values["adapt_limit_s"])
                else f"adaptation limited to {row.values['adapt_limit_s']:g} s",
                f"bench {row.values['bench']}" + _commit(row.values["commit"]),
            )
            for row in same
        ]
        for row, differing in zip(same, _differences(reasons), strict=True):
            if differing:
                row.notes.append(", ".join(differing))
                row.label += f" ({', '.join(differing)})"


def _alike(rows: Iterable[Row], *names: str) -> list[list[Row]]:
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        values = {**row.values, "label": row.label}
        found.setdefault(tuple(values[name] for name in names), []).append(row)
    return list(found.values())


def _differences(texts: Sequence[Sequence[str]]) -> list[list[str]]:
    """Of equally long lists, each without the places where all are the same."""
    differ = [len(set(place)) > 1 for place in zip(*texts, strict=True)]
    return [[text for text, other in zip(t, differ, strict=True) if other] for t in texts]


def _commit(commit: str) -> str:
    digits, _, dirty = commit.partition("-")
    return f" commit {digits[:7]}" + f" {dirty}" * bool(dirty) if commit else ""


def _noise(frames: Frames, newest: Mapping[tuple[_Variant, int], str]) -> Iterator[str]:
    """Say what the A/A controls found, and why timings are not to be trusted."""
    shown = {(run, size) for (_, size), run in newest.items()}
    names = ("run", "size", "method", "scope", "noise")
    controls = sorted(zip(*(frames.controls[name] for name in names), strict=True))
    if told := [
        f"{100 * noise:.1f} % at {size} px ({method} {scope})"
        for run, size, method, scope, noise in controls
        if (run, size) in shown
    ]:
        yield f"A/A control, one method timed twice, differs by up to {', '.join(told)}"
    columns_ = (frames.speeds[name] for name in ("run", "size", "noisy"))
    noisy = {(size, why) for run, size, why in zip(*columns_, strict=True) if (run, size) in shown}
    yield from (f"noisy at {size} px: {why}" for size, why in sorted(noisy) if why)


def _rough(rows: Iterable[Row], metrics: Iterable[str]) -> list[str]:
    """Say which intervals of the quality tables come from too few styles or contents."""
    from bench.statistics import LEAST

    few = sorted(
        {
            (values["styles"], values["contents"])
            for values in (row.values for row in rows)
            if min(values["styles"], values["contents"]) < LEAST
            and any(math.isfinite(values[f"{id_} low"]) for id_ in metrics)
        }
    )
    told = " or ".join(
        f"{styles} style{'s' * (styles != 1)} and {contents} content{'s' * (contents != 1)}"
        for styles, contents in few
    )
    return [f"intervals from {told} are rough"] if told else []


def _row(
    frames: Frames,
    index: _Index,
    variant: _Variant,
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
    row.values["peak_share"] = 100 * roofline.share(
        done["flops"].max(),
        row.values["core_ms"] / 1e3,
        variant.precision,
        record["environment"].get("peak", {}),
    )
    anchors = {name: index.scores(run, name, size, style).values for name in ANCHORS}
    row.values["gate"] = verdicts.gate(method, record["metrics"], scores.values, anchors)
    _quality(row, [id_ for id_, m in metrics.items() if not m.get("of_set")], scores, seed)
    for id_, metric in metrics.items():
        if metric.get("of_set"):
            _set_quality(row, id_, scores)
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


def _quality(row: Row, metrics: Iterable[str], scores: _Scores, seed: int) -> None:
    """Put the metrics into the row: means, intervals, and why pictures lack a number."""
    from bench.statistics import Interval, cluster_bootstrap_means

    alike: dict[tuple[tuple[str, str], ...], list[str]] = {}  # metrics of the same pictures
    for id_ in metrics:
        alike.setdefault(tuple(scores.values.get(id_, ())), []).append(id_)
    means = dict.fromkeys(metrics, Interval(math.nan, math.nan, math.nan))
    for pairs, ids in alike.items():
        if pairs:
            styles, contents = zip(*pairs, strict=True)
            numbers = [list(scores.values[id_].values()) for id_ in ids]
            means |= zip(ids, cluster_bootstrap_means(numbers, styles, contents, seed), strict=True)
    for id_, mean in means.items():
        values = scores.values.get(id_, {})
        row.by_style[id_] = _by_style(values)
        row.values |= {id_: mean.value, f"{id_} low": mean.low, f"{id_} high": mean.high}
        row.values[f"{id_} n"] = len(values)
        why = Counter(scores.missing.get(id_, {}))
        unscored = row.values["pairs"] - len(values) - why.total()
        if unscored > 0:
            why["missing", "not scored"] = unscored
        row.metric_notes[id_] = [
            f"{status} for {count} of {row.values['pairs']} pictures: {reason}"
            for (status, reason), count in why.items()
        ]


def _by_style(values: Mapping[tuple[str, str], float]) -> dict[str, float]:
    """Every style's mean."""
    by_style: dict[str, list[float]] = {}
    for (style, _), value in values.items():
        by_style.setdefault(style, []).append(value)
    return {name: sum(some) / len(some) for name, some in by_style.items()}


def _set_quality(row: Row, id_: str, scores: _Scores) -> None:
    """Put one number for all pictures into the row, with its parts; a row of one style has none."""
    nan = math.nan
    pictures, parts = scores.sets.get(id_, (0, {}))
    row.values |= {id_: scores.values.get(id_, {}).get(WHOLE, nan), f"{id_} n": pictures}
    row.values |= {f"{id_} low": nan, f"{id_} high": nan}
    told = [f"{name} {digits(value)}" for name, value in parts.items()]
    row.metric_notes[id_] = [
        f"{status}: {reason}" for status, reason in scores.missing.get(id_, {})
    ]
    if pictures:
        name = id_.partition("/")[0]
        made_of = f": {', '.join(told)}" * bool(told)
        row.metric_notes[id_].append(f"{name} of {pictures} pictures{made_of}")
