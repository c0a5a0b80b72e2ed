"""The three-way table of the trade-off: flexibility (adapt), speed, quality; read from run folders.

Rows are method x size, grouped by environment and dataset: numbers of different machines or
pictures never share a table, and the numbers of a row are all of one run. Nothing is ranked, and
what failed is a row with its status, and its reason in a footnote. No torch here, so that a
report starts fast.
"""

from __future__ import annotations

import html
import json
import math
import re
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, zip_longest
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from bench.environment import describe
from bench.errors import unknown
from bench.results import Frames, MethodRecord, MetricRecord

if TYPE_CHECKING:
    from pandas import DataFrame

Format = Literal["plain", "github", "latex", "csv", "json", "html"]
FORMATS: Sequence[str] = get_args(Format)

ANCHORS = ("identity", "style-copy")
SCOPES = ("core", "pair", "e2e")
WIDTH = 120
_LONGEST_NAME = 24

DAGGER = "† this method is trained on this metric or on its network's features"
_GATE = (
    "‡ no passed quality gate (better than identity on every style judge and better than"
    " style-copy on every content judge that it is not trained on)"
)


def table(frames: Frames, *, all_metrics: bool = False, seed: int = 0) -> DataFrame:
    """One row per environment, dataset, method, size and what the method was run with.

    That is its options and precision, the limit of adaptation, the seed, and the version and
    commit of bench. Of several runs alike in all that, a row is the newest: it is never put
    together from two, which may hold other styles and contents.

    Args:
        frames: what `bench.results.load` gives.
        all_metrics: give every metric, not just those of judges.
        seed: of the bootstraps.

    Returns:
        Seconds (`adapt_s`) and milliseconds (`core_ms`, `pair_ms`, `e2e_ms`): medians over the
        interleaving rounds, or over styles for an adaptation that iterates, each with `_low` and
        `_high` of its 95 % bootstrap interval, `_p90` and `_n` samples; `first_call_ms`: median
        over styles; parameters in millions, megabytes (1e6) and GFLOP of one picture; per metric
        id the mean over pairs, and `ID low`, `ID high` from the cluster bootstrap over styles and
        contents, `ID n` pictures. NaN where there is nothing.
    """
    from pandas import DataFrame

    rows = [row for group in _groups(frames, all_metrics, seed) for row in group.rows]
    columns = dict.fromkeys(column for row in rows for column in row.values)
    made: DataFrame = DataFrame([row.values for row in rows], columns=list(columns))
    return made


def render(
    frames: Frames, format: str = "plain", *, all_metrics: bool = False, seed: int = 0
) -> str:
    """The table as text; arguments as in `table`, ends with a newline.

    Args:
        format: one of `FORMATS`. csv holds `table`'s rows; json those and what describes them.

    Raises:
        BenchError: no such format.
    """
    if format not in FORMATS:
        raise unknown("report format", format, FORMATS)
    if format == "csv":
        return table(frames, all_metrics=all_metrics, seed=seed).to_csv(
            index=False, lineterminator="\n"
        )
    groups = _groups(frames, all_metrics, seed)
    if format == "json":
        return _json(groups, frames)
    writer = _WRITERS[format]
    return writer([_section(group) for group in groups], [_clean(w) for w in frames.warnings])


# rows


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


@dataclass
class _Row:
    method: str
    values: dict[str, Any]
    words: dict[str, str] = field(default_factory=dict)  # what stands where a number is missing
    notes: list[str] = field(default_factory=list)
    metric_notes: dict[str, list[str]] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)  # ids of metrics that it is trained on


@dataclass
class _Group:
    environment: Mapping[str, Any]
    dataset: Mapping[str, Any]
    metrics: dict[str, MetricRecord]
    rows: list[_Row]
    notes: list[str]


class _Index:
    """The frames cut by run, method and size, so that a row finds its own quickly."""

    def __init__(self, frames: Frames) -> None:
        whole: dict[str, DataFrame] = {
            "cells": frames.cells,
            "speeds": frames.speeds,
            "samples": frames.samples,
            "scores": frames.scores,
        }
        where = ["run", "method", "size"]
        self._empty = {name: frame.iloc[:0] for name, frame in whole.items()}
        self._cut: dict[str, dict[Any, DataFrame]] = {
            name: dict(iter(frame.groupby(where, sort=False))) for name, frame in whole.items()
        }

    def take(self, name: str, run: str, method: str, size: int) -> DataFrame:
        """The rows of one frame."""
        cut = self._cut[name]
        where = (run, method, size)
        return cut[where] if where in cut else self._empty[name]


def _groups(frames: Frames, all_metrics: bool, seed: int) -> list[_Group]:
    index = _Index(frames)
    by_group: dict[tuple[str, str], dict[_Variant, list[str]]] = {}
    for variant, runs in _variants(frames).items():
        by_group.setdefault((variant.environment, variant.dataset), {})[variant] = runs
    return [_group(frames, index, variants, all_metrics, seed) for variants in by_group.values()]


def _variants(frames: Frames) -> dict[_Variant, list[str]]:
    """Every variant with the runs that hold it, oldest first (a run's id begins with its time)."""
    precisions = {
        (run, method): precision
        for frame in (frames.cells, frames.speeds)
        for run, method, precision in zip(
            frame["run"], frame["method"], frame["precision"], strict=True
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
) -> _Group:
    newest: dict[tuple[_Variant, int], str] = {}
    older: Counter[tuple[_Variant, int]] = Counter()
    for variant, held in variants.items():
        for run in held:
            for size in frames.records[run]["sizes"]:
                older[variant, size] += (variant, size) in newest
                newest[variant, size] = run
    runs = sorted(set(newest.values()))
    metrics = {
        id_: metric
        for run in runs
        for id_, metric in frames.records[run]["metrics"].items()
        if all_metrics or metric["judge"]
    }
    rows = []
    for (variant, size), run in newest.items():
        row = _row(frames, index, variant, run, size, metrics, seed)
        if count := older[variant, size]:
            row.notes.append(f"from the newest run; older runs set aside: {count}")
        rows.append(row)
    rows.sort(key=lambda row: (row.values["size"], _anchor_rank(row), row.method))
    _tell_apart(rows)
    notes = [
        *_rough(rows, metrics),
        *(
            f"{id_}: runs shown here computed it with different weights, do not compare them"
            for id_ in metrics
            if len(
                {
                    json.dumps(frames.records[run]["metrics"][id_]["weights"], sort_keys=True)
                    for run in runs
                    if id_ in frames.records[run]["metrics"]
                }
            )
            > 1
        ),
        *dict.fromkeys(
            f"skipped {item['role']} {item['name']}: {item['reason']}"
            for run in runs
            for item in frames.records[run]["skipped"]
        ),
    ]
    last = frames.records[runs[-1]]
    return _Group(last["environment"], last["dataset"], metrics, rows, notes)


def _tell_apart(rows: Sequence[_Row]) -> None:
    """Note in what rows differ that would otherwise look alike."""
    alike: dict[tuple[Any, ...], list[_Row]] = {}
    for row in rows:
        look = tuple(row.values[name] for name in ("method", "size", "options", "precision"))
        alike.setdefault(look, []).append(row)
    for same in alike.values():
        told = [
            (
                f"seed {row.values['seed']}",
                "adaptation without a limit"
                if math.isnan(row.values["adapt_limit_s"])
                else f"adaptation limited to {row.values['adapt_limit_s']:g} s",
                f"bench {row.values['bench']}" + _commit(row.values["commit"]),
            )
            for row in same
        ]
        differ = [what for what in range(3) if len({texts[what] for texts in told}) > 1]
        for row, texts in zip(same, told, strict=True):
            if differ:
                row.notes.append(", ".join(texts[what] for what in differ))


def _commit(commit: str) -> str:
    digits, _, dirty = commit.partition("-")
    return f" commit {digits[:7]}" + f" {dirty}" * bool(dirty) if commit else ""


def _rough(rows: Iterable[_Row], metrics: Iterable[str]) -> list[str]:
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


def _anchor_rank(row: _Row) -> int:
    if row.method in ANCHORS:
        return ANCHORS.index(row.method)
    return len(ANCHORS) + int(row.values["family"] != "anchor")


def _row(
    frames: Frames,
    index: _Index,
    variant: _Variant,
    run: str,
    size: int,
    metrics: Mapping[str, MetricRecord],
    seed: int,
) -> _Row:
    record = frames.records[run]
    method = record["methods"][variant.method]
    cells, speeds, samples, scores = (
        index.take(name, run, variant.method, size)
        for name in ("cells", "speeds", "samples", "scores")
    )
    done = cells[cells["status"] == "ok"]
    scores = scores[scores["style"].isin(done["style"])]
    contents = {content for names in done["contents"] for content in names}
    row = _Row(
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
            "status": "ok",
            "reason": "",
        },
    )
    if changed := {
        name: value
        for name, value in method["options"].items()
        if name not in method["defaults"] or value != method["defaults"][name]
    }:
        row.notes.append("with " + ", ".join(f"{name}={value}" for name, value in changed.items()))
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
    _failures(row, cells, speeds, record["styles"])
    if "adapt" in set(samples["scope"]):
        row.values |= _interval("adapt_s", samples[samples["scope"] == "adapt"], 1, seed)
    else:
        once = done[["adapt_seconds"]].set_axis(["seconds"], axis=1)
        row.values |= _interval("adapt_s", once, 1, seed)
    for scope in SCOPES:
        row.values |= _interval(f"{scope}_ms", samples[samples["scope"] == scope], 1e3, seed)
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
    row.values["gate"] = _gate(frames, index, variant.method, run, size, scores)
    for id_, metric in metrics.items():
        _quality(row, id_, scores[scores["metric"] == id_], seed)
        if _own(metric, variant.method, method):
            row.own.add(id_)
    row.values["trained_on"] = " ".join(sorted(row.own))
    return row


def _own(metric: MetricRecord, name: str, method: MethodRecord) -> bool:
    """Whether a method is trained on a metric or on its network's features."""
    return name in metric["training_loss_of"] or metric["encoder"] in method["trains_on"]


def _ended(steps: Any, count: int, limit: float) -> str:
    """The note on adaptations that the limit ended, of how many there are."""
    low, high = steps.min(), steps.max()
    taken = f"{steps.median():g}" + (f" ({low:g}–{high:g})" if low < high else "")
    some = f" ({len(steps)} of {count} styles)" if len(steps) < count else ""
    return (
        f"adaptation ended by the limit of {limit:g} s after {taken} of the steps asked for{some}"
    )


def _failures(row: _Row, cells: DataFrame, speeds: DataFrame, expected: Iterable[str]) -> None:
    """Put what did not work into the row's status, words and notes."""
    styles = list(dict.fromkeys([*expected, *cells["style"]]))
    failed: dict[tuple[str, str], list[str]] = {}
    for style, status, reason in zip(cells["style"], cells["status"], cells["reason"], strict=True):
        if status != "ok":
            failed.setdefault((status, reason), []).append(style)
    if missing := [style for style in styles if style not in set(cells["style"])]:
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
    if reasons:
        row.values["status"] = cell_word or "partial"
        row.values["reason"] = "; ".join(reasons)
        row.notes += reasons


def _some(names: Sequence[str]) -> str:
    shown = [_short(name) for name in names[:3]]
    return ", ".join(shown + ["…"] * (len(names) > 3))


def _interval(column: str, samples: DataFrame, scale: float, seed: int) -> dict[str, float]:
    """What a table says about seconds; without a column of rounds each stands for itself."""
    from bench.statistics import summarise

    nan = math.nan
    numbers = (nan, nan, nan, nan)
    if len(samples):
        summary = summarise(scale * samples["seconds"], seed, samples.get("round"))
        numbers = (summary.median, summary.low, summary.high, summary.p90)
    names = (column, f"{column}_low", f"{column}_high", f"{column}_p90")
    return {**dict(zip(names, numbers, strict=True)), f"{column}_n": len(samples)}


def _quality(row: _Row, id_: str, scores: DataFrame, seed: int) -> None:
    """Put one metric into the row: its mean, its interval, and why pictures lack it."""
    from bench.statistics import Interval, cluster_bootstrap_mean

    good = scores[(scores["status"] == "ok") & scores["value"].notna()]
    mean = Interval(math.nan, math.nan, math.nan)
    if len(good):
        mean = cluster_bootstrap_mean(
            good["value"], good["style"].tolist(), good["content"].tolist(), seed
        )
    row.values |= {id_: mean.value, f"{id_} low": mean.low, f"{id_} high": mean.high}
    row.values[f"{id_} n"] = len(good)
    bad = scores.drop(good.index)
    why = Counter(zip(bad["status"], bad["reason"], strict=True))
    unscored = row.values["pairs"] - len(scores)
    if unscored > 0:
        why["missing", "not scored"] = unscored
    row.metric_notes[id_] = [
        f"{status} for {count} of {row.values['pairs']} pictures: {reason}"
        for (status, reason), count in why.items()
    ]


def _gate(frames: Frames, index: _Index, name: str, run: str, size: int, scores: DataFrame) -> str:
    """Whether every judge finds the pictures better than doing nothing and than the style.

    Judges that the method is trained on are left out, and those that were not computed.
    """
    record = frames.records[run]
    method = record["methods"][name]
    if method["family"] == "anchor":
        return "anchor"
    scores = scores.dropna(subset="value")
    axes: list[list[bool | None]] = []  # of every judge the verdict, None where it has none
    for anchor, axis in zip(ANCHORS, ("style", "content"), strict=True):
        beside = index.take("scores", run, anchor, size).dropna(subset="value")
        where = ["style", "content", "metric"]
        pairs = scores.merge(beside[[*where, "value"]], on=where, suffixes=("", "_anchor"))
        gains = (pairs["value"] - pairs["value_anchor"]).groupby(pairs["metric"]).mean()
        judges = {
            id_: 1 if metric["direction"] == "higher" else -1
            for id_, metric in record["metrics"].items()
            if metric["judge"] and metric["axis"] == axis and not _own(metric, name, method)
        }
        axes.append(
            [
                bool(sign * gains[id_] > 0) if id_ in gains.index else None
                for id_, sign in judges.items()
                if id_ in set(beside["metric"])
            ]
        )
    verdicts = [verdict for axis in axes for verdict in axis]
    if False in verdicts:
        return "failed"
    return "passed" if all(axes) and None not in verdicts else "not checked"


# display


@dataclass
class _Block:
    title: str
    headers: list[list[str]]  # a header's lines
    lines: list[list[str]]
    left: int  # so many columns are text
    notes: list[str]


@dataclass
class _Section:
    heading: list[str]
    blocks: list[_Block]
    notes: list[str]  # those without a mark

    def all_notes(self) -> list[str]:
        """Every note once: the marked ones, symbols before numbers, then the rest."""
        marked = dict.fromkeys(note for block in self.blocks for note in block.notes)
        return [*sorted(marked, key=_mark_order), *self.notes]


def _mark_order(note: str) -> tuple[bool, int, str]:
    if note.startswith("["):
        return (True, int(note[1 : note.index("]")]), "")
    return (False, 0, note)


class _Marks:
    """Numbers for footnotes, in the order in which they are met; equal notes share one."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def of(self, notes: Iterable[str], used: list[str]) -> str:
        """The marks of some notes; the notes as they are printed are added to `used`."""
        numbers = []
        for note in map(_clean, notes):
            numbers.append(self._numbers.setdefault(note, len(self._numbers) + 1))
            used.append(f"[{numbers[-1]}] {note}")
        return f" [{','.join(_ranges(sorted(set(numbers))))}]" if numbers else ""


def _ranges(numbers: Sequence[int]) -> Iterator[str]:
    """1, 2, 4, 5, 6 as "1", "2", "4–6": so a row with many notes stays narrow."""
    for _, group in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):
        run = [number for _, number in group]
        yield from [f"{run[0]}–{run[-1]}"] if len(run) > 2 else map(str, run)


def _section(group: _Group) -> _Section:
    marks = _Marks()
    environment, dataset = group.environment, group.dataset
    for row in group.rows:
        if (precision := row.values["precision"]) not in ("", environment["precision"]):
            row.notes.append(f"precision {precision}")
    heading = [
        f"environment {environment['fingerprint']}: {describe(environment)}",
        f"dataset {dataset['name']} ({dataset['fingerprint']})",
    ]
    return _Section(
        [_clean(line) for line in heading],
        [*_speed_blocks(group, marks), *_quality_blocks(group, marks)],
        [_clean(note) for note in group.notes],
    )


@dataclass
class _Column:
    header: list[str]  # its lines
    cells: list[str]  # one for each row
    notes: list[str] = field(default_factory=list)

    @property
    def width(self) -> int:
        return max(map(len, [*self.header, *self.cells]))


def _fit(
    title: str, heads: Sequence[_Column], columns: Sequence[_Column], left: int
) -> list[_Block]:
    """Tables that begin with the same columns, as few as fit into `WIDTH` columns of text."""
    parts: list[list[_Column]] = [[]]
    start = sum(2 + column.width for column in heads) - 2
    room = WIDTH - start
    for column in columns:
        if 2 + column.width > room and parts[-1]:
            parts.append([])
            room = WIDTH - start
        room -= 2 + column.width
        parts[-1].append(column)
    return [
        _Block(
            title,
            [column.header for column in (*heads, *part)],
            [list(line) for line in zip(*(c.cells for c in (*heads, *part)), strict=True)],
            left,
            [note for column in (*heads, *part) for note in column.notes],
        )
        for part in parts
    ]


def _speed_blocks(group: _Group, marks: _Marks) -> list[_Block]:
    from bench.statistics import LEAST

    plain = {
        "pair_ms": "pair;ms",
        "e2e_ms": "e2e;ms",
        "first_call_ms": "first;call ms",
        "params_m": "params;M",
        "peak_mb": "peak;MB",
        "gflop": "GFLOP",
    }
    labels = _Column(["method"], [])
    ungated: dict[str, list[str]] = {"failed": [], "not checked": []}
    for row in group.rows:
        label = _short(row.method)
        if (gate := row.values["gate"]) in ungated:
            ungated[gate].append(f"{label} {row.values['size']}")
            label += " ‡"
        labels.cells.append(label + marks.of(row.notes, labels.notes))
    if any(ungated.values()):
        verdicts = {"failed": "failed", "not checked": "gate not checked"}
        labels.notes.append(
            f"{_GATE}: "
            + "; ".join(
                f"{verdicts[gate]} for {', '.join(who)}" for gate, who in ungated.items() if who
            )
        )
    heads = [
        labels,
        _Column(["family"], [row.values["family"] for row in group.rows]),
        _Column(["size"], [str(row.values["size"]) for row in group.rows]),
    ]
    columns = [
        _Column(
            [name.partition("_")[0], name.partition("_")[2]],
            [
                _floored(row.values[name], floor) or _estimate(row, name, f"{name}_")
                for row in group.rows
            ],
        )
        for name, floor in (("adapt_s", 0.001), ("core_ms", 0.01))
    ]
    columns += [
        _Column(
            header.split(";"),
            [
                (name.endswith("_ms") and _floored(row.values[name], 0.01))
                or _digits(row.values[name])
                for row in group.rows
            ],
        )
        for name, header in plain.items()
    ]
    title = (
        "Speed and flexibility"
        f" (medians; 95 % bootstrap intervals where there are at least {LEAST} rounds or styles)"
    )
    return _fit(title, heads, columns, 2)


def _quality_blocks(group: _Group, marks: _Marks) -> list[_Block]:
    heads = [
        _Column(["method"], []),
        _Column(["size"], [str(row.values["size"]) for row in group.rows]),
        _Column(
            ["pairs", "(styles ×", "contents)"],
            [
                f"{row.values['pairs']} ({row.values['styles']}×{row.values['contents']})"
                for row in group.rows
            ],
        ),
    ]
    for row in group.rows:
        heads[0].cells.append(_short(row.method) + marks.of(row.notes, heads[0].notes))
    title = "Quality (means over pairs, 95 % intervals by bootstrap over styles and contents)"
    columns = []
    for id_, metric in group.metrics.items():
        column = _Column(_metric_header(metric, group.metrics.values()), [])
        column.cells += [_quality_text(row, id_, marks, column.notes) for row in group.rows]
        columns.append(column)
    if not columns:
        heads[0].notes.append("no metric of a judge was run")
    return _fit(title, heads, columns, 1)


def _metric_header(metric: MetricRecord, others: Iterable[MetricRecord]) -> list[str]:
    arrow = {"lower": "↓", "higher": "↑"}[metric["direction"]]
    versions = {o["version"] for o in others if o["name"] == metric["name"]}
    name = _short(metric["name"]) + (f"/{metric['version']}" if len(versions) > 1 else "")
    unit = "" if metric["unit"] == "1" else f", {metric['unit']}"
    header = [f"{name} {arrow}", _short(metric["encoder"] or ""), f"{metric['axis']}{unit}"]
    return [_clean(line) for line in header if line]


def _quality_text(row: _Row, id_: str, marks: _Marks, notes: list[str]) -> str:
    text = _estimate(row, id_, f"{id_} ")
    if row.values["pairs"]:  # otherwise the row's own notes say why
        if math.isfinite(row.values[id_]) and id_ in row.own:
            text += " †"
            notes.append(DAGGER)
        text += marks.of(row.metric_notes[id_], notes)
    return text


def _estimate(row: _Row, column: str, prefix: str) -> str:
    """`12.3 [12.1, 12.6]`, `12.3` without an interval, or the status that stands instead."""
    value, low, high = (row.values[name] for name in (column, f"{prefix}low", f"{prefix}high"))
    if not math.isfinite(value):
        return row.words.get(column, "-")
    if not math.isfinite(low):
        return _digits(value)
    return f"{_digits(value)} [{_digits(low, value)}, {_digits(high, value)}]"


def _floored(value: float, floor: float) -> str:
    """`<0.01` for durations too short to matter beside a picture's, as those of the anchors."""
    return f"<{floor:g}" if 0 <= value < floor else ""


def _digits(value: float, like: float | None = None) -> str:
    """A number to three significant digits, or to the decimals that another one has."""
    if not math.isfinite(value):
        return "-"
    like = value if like is None or like == 0 else like
    exponent = int(f"{like:.2e}".partition("e")[2]) if like else 2
    return f"{value:.{min(max(2 - exponent, 0), 9)}f}"


def _clean(text: str) -> str:
    """One line without control characters, which could play tricks on a terminal."""
    return "".join(c if c.isprintable() else "?" for c in " ".join(str(text).split()))


def _short(name: str) -> str:
    name = _clean(name)
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[: _LONGEST_NAME // 2]}…{name[1 - _LONGEST_NAME // 2 :]}"


# formats


def _tabulate(block: _Block, style: str, escape: Callable[[str], str] = str) -> str:
    from tabulate import tabulate

    return tabulate(
        [[escape(text) for text in line] for line in block.lines],
        headers=[escape(" ".join(header)) for header in block.headers],
        tablefmt=style,
        disable_numparse=True,
        colalign=_alignment(block),
    )


def _alignment(block: _Block) -> list[str]:
    return ["left"] * block.left + ["right"] * (len(block.headers) - block.left)


def _narrow(block: _Block) -> str:
    """The table with headers of several lines and without the padding that tabulate gives them."""
    from tabulate import tabulate

    head = list(zip_longest(*block.headers, fillvalue=""))
    text = tabulate(
        [*head, *block.lines],
        tablefmt="simple",
        disable_numparse=True,
        colalign=_alignment(block),
    )
    rule, *lines, _ = text.split("\n")
    return "\n".join(line.rstrip() for line in [*lines[: len(head)], rule, *lines[len(head) :]])


def _plain(sections: Sequence[_Section], warnings: Sequence[str]) -> str:
    parts = []
    for section in sections:
        parts.append("\n".join(map(_wrap, section.heading)))
        parts += [f"{block.title}\n{_narrow(block)}" for block in section.blocks]
        if notes := section.all_notes():
            parts.append("\n".join(map(_wrap, notes)))
    if warnings:
        parts.append("\n".join(_wrap(f"warning: {line}") for line in warnings))
    return "\n\n".join(parts) + "\n"


def _wrap(note: str) -> str:
    return textwrap.fill(
        note, WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )


def _github(sections: Sequence[_Section], warnings: Sequence[str]) -> str:
    parts = []
    for section in sections:
        parts.append(f"### {_markdown(section.heading[0])}")
        parts += map(_markdown, section.heading[1:])
        for block in section.blocks:
            parts += [f"**{block.title}**", _tabulate(block, "github", _markdown)]
        if notes := section.all_notes():
            parts.append("\n".join(f"- {_markdown(note)}" for note in notes))
    parts += [f"Warning: {_markdown(line)}" for line in warnings]
    return "\n\n".join(parts) + "\n"


def _markdown(text: str) -> str:
    return html.escape(text, quote=False).replace("|", "\\|")


_LATEX_SYMBOLS = {
    "†": r"\textdagger{}",
    "‡": r"\textdaggerdbl{}",
    "↓": r"\ensuremath{\downarrow}",
    "↑": r"\ensuremath{\uparrow}",
    "×": r"\ensuremath{\times}",
    "…": r"\dots{}",
}


def _latex(sections: Sequence[_Section], warnings: Sequence[str]) -> str:
    """One floating table per block; needs the package booktabs."""
    parts = [f"% warning: {line}" for line in warnings]
    for section in sections:
        for block in section.blocks:
            notes = sorted(dict.fromkeys(block.notes), key=_mark_order)
            if block is section.blocks[-1]:
                notes += section.notes
            # a row that begins with a bracket would be read as an argument of the line before
            body = re.sub(r"^ \[", " {[}", _tabulate(block, "latex_booktabs"), flags=re.MULTILINE)
            parts += [
                r"\begin{table}",
                r"\centering",
                rf"\caption{{{_tex('. '.join([block.title, *section.heading]))}}}",
                _symbols(body),
                *(rf"\par{{\footnotesize {_tex(note)}}}" for note in notes),
                r"\end{table}",
            ]
    return "\n".join(parts) + "\n"


def _tex(text: str) -> str:
    from tabulate import LATEX_ESCAPE_RULES

    return _symbols("".join(LATEX_ESCAPE_RULES.get(c, c) for c in text))


def _symbols(text: str) -> str:
    return "".join(_LATEX_SYMBOLS.get(c, c) for c in text)


def _html(sections: Sequence[_Section], warnings: Sequence[str]) -> str:
    parts = []
    for section in sections:
        title, *rest = map(html.escape, section.heading)
        parts += ["<section>", f"<h2>{title}</h2>", *(f"<p>{line}</p>" for line in rest)]
        for block in section.blocks:
            parts += [f"<h3>{html.escape(block.title)}</h3>", str(_tabulate(block, "html"))]
        parts += _list(section.all_notes())
        parts.append("</section>")
    parts += _list([f"warning: {line}" for line in warnings])
    return "\n".join(parts) + "\n"


def _list(notes: Sequence[str]) -> list[str]:
    if not notes:
        return []
    return ["<ul>", *(f"<li>{html.escape(note)}</li>" for note in notes), "</ul>"]


_WRITERS: Mapping[str, Callable[[Sequence[_Section], Sequence[str]], str]] = {
    "plain": _plain,
    "github": _github,
    "latex": _latex,
    "html": _html,
}


def _json(groups: Sequence[_Group], frames: Frames) -> str:
    document = {
        "groups": [
            {
                "environment": group.environment,
                "dataset": group.dataset,
                "metrics": group.metrics,
                "rows": [
                    {name: _plain_value(value) for name, value in row.values.items()}
                    | {"notes": row.notes, "metric_notes": row.metric_notes}
                    for row in group.rows
                ],
                "notes": group.notes,
            }
            for group in groups
        ],
        "warnings": list(frames.warnings),
    }
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def _plain_value(value: Any) -> Any:
    if isinstance(value, float):  # numpy's float64 is one
        return float(value) if math.isfinite(value) else None
    return value
