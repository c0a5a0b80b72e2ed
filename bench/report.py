"""The three-way table of the trade-off: flexibility (adapt), speed, quality; read from run folders.

Rows are method x size, grouped by environment and dataset: numbers of different machines or
pictures never share a table. Nothing is ranked and nothing is dropped: what failed is a row with
its status, and its reason in a footnote. No torch here, so that a report starts fast.
"""

from __future__ import annotations

import html
import json
import math
import re
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
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
    "‡ no passed quality gate (better than identity on a style judge and better than style-copy"
    " on a content judge)"
)


def table(frames: Frames, *, all_metrics: bool = False, seed: int = 0) -> DataFrame:
    """One row per environment, dataset, method (with its options and precision) and size.

    Where several runs hold the same cell, the newest run's counts; results that a method made
    with older code or weights do not.

    Args:
        frames: what `bench.results.load` gives.
        all_metrics: give every metric, not just those of judges.
        seed: of the bootstraps.

    Returns:
        Seconds (`adapt_s`: median over styles) and milliseconds (`core_ms`, `pair_ms`, `e2e_ms`:
        median over samples; `first_call_ms`: median over styles), each with `_low` and `_high` of
        its 95 % bootstrap interval; parameters in millions, megabytes (1e6) and GFLOP of one
        picture; per metric id the mean over pairs, and `ID low`, `ID high` from the
        cluster bootstrap over styles and contents, `ID n` pictures. NaN where there is nothing.
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

    def take(self, name: str, runs: Iterable[str], method: str, size: int) -> DataFrame:
        """The rows of one frame, in the order of the runs."""
        from pandas import concat

        cut = self._cut[name]
        found = [cut[where] for run in runs if (where := (run, method, size)) in cut]
        return concat(found, ignore_index=True) if found else self._empty[name]


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
        place = (record["environment"]["fingerprint"], record["dataset"]["fingerprint"])
        for name, method in record["methods"].items():
            options = json.dumps(method["options"], sort_keys=True)
            variant = _Variant(*place, name, options, precisions.get((run, name), ""))
            found.setdefault(variant, []).append(run)
    return found


def _group(
    frames: Frames,
    index: _Index,
    variants: Mapping[_Variant, Sequence[str]],
    all_metrics: bool,
    seed: int,
) -> _Group:
    runs = sorted({run for held in variants.values() for run in held})
    metrics = {
        id_: metric
        for run in runs
        for id_, metric in frames.records[run]["metrics"].items()
        if all_metrics or metric["judge"]
    }
    notes, rows = [], []
    merged = False
    for variant, held in variants.items():
        method = frames.records[held[-1]]["methods"][variant.method]
        same = [
            run for run in held if _made_by(frames.records[run]["methods"][variant.method])
            == _made_by(method)
        ]  # fmt: skip
        if older := [run for run in held if run not in same]:
            notes.append(
                f"left out: {variant.method} of {', '.join(older)},"
                " older and made with other code or weights"
            )
        for size in sorted({size for run in same for size in frames.records[run]["sizes"]}):
            sources = [run for run in same if size in frames.records[run]["sizes"]]
            merged = merged or len(sources) > 1
            rows.append(_row(frames, index, variant, method, sources, size, metrics, seed))
    rows.sort(key=lambda row: (row.values["size"], _anchor_rank(row), row.method))
    if merged:
        notes.append("where several runs hold the same cell, the newest run's is shown")
    notes += dict.fromkeys(
        f"skipped {item['role']} {item['name']}: {item['reason']}"
        for run in runs
        for item in frames.records[run]["skipped"]
    )
    newest = frames.records[runs[-1]]
    return _Group(newest["environment"], newest["dataset"], metrics, rows, notes)


def _made_by(method: MethodRecord) -> tuple[str | None, str]:
    return method["source_sha256"], json.dumps(method["weights"], sort_keys=True)


def _anchor_rank(row: _Row) -> int:
    if row.method in ANCHORS:
        return ANCHORS.index(row.method)
    return len(ANCHORS) + int(row.values["family"] != "anchor")


def _row(
    frames: Frames,
    index: _Index,
    variant: _Variant,
    method: MethodRecord,
    runs: Sequence[str],
    size: int,
    metrics: Mapping[str, MetricRecord],
    seed: int,
) -> _Row:
    newest = frames.records[runs[-1]]
    cells = index.take("cells", runs, variant.method, size).drop_duplicates("style", keep="last")
    done = cells[cells["status"] == "ok"]
    speeds = index.take("speeds", runs, variant.method, size).tail(1)
    samples = index.take("samples", speeds["run"], variant.method, size)
    contents = {content for names in done["contents"] for content in names}
    row = _Row(
        variant.method,
        {
            "runs": " ".join(runs),
            "environment": variant.environment,
            "dataset": newest["dataset"]["name"],
            "dataset_fingerprint": variant.dataset,
            "method": variant.method,
            "family": method["family"],
            "options": variant.options,
            "precision": variant.precision,
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
    _failures(
        row,
        cells,
        speeds,
        dict.fromkeys(style for run in runs for style in frames.records[run]["styles"]),
    )
    row.values |= _interval("adapt_s", done["adapt_seconds"], 1, seed)
    for scope in SCOPES:
        seconds = samples.loc[samples["scope"] == scope, "seconds"]
        row.values |= _interval(f"{scope}_ms", seconds, 1e3, seed)
    parameters = done["params_shared"] + done["params_per_style"]
    row.values |= {
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
    scores = index.take("scores", runs, variant.method, size).merge(done[["run", "style"]])
    row.values["gate"] = _gate(frames, index, method, scores, runs, size)
    for id_, metric in metrics.items():
        _quality(row, id_, scores[scores["metric"] == id_], seed)
        if variant.method in metric["training_loss_of"] or metric["encoder"] in method["trains_on"]:
            row.own.add(id_)
    row.values["trained_on"] = " ".join(sorted(row.own))
    return row


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


def _interval(column: str, seconds: Any, scale: float, seed: int) -> dict[str, float]:
    from bench.statistics import summarise

    taken = seconds.dropna()
    nan = math.nan
    numbers = (nan, nan, nan, nan)
    if len(taken):
        summary = summarise(scale * taken, seed)
        numbers = (summary.median, summary.low, summary.high, summary.p90)
    names = (column, f"{column}_low", f"{column}_high", f"{column}_p90")
    return {**dict(zip(names, numbers, strict=True)), f"{column}_n": len(taken)}


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


def _gate(
    frames: Frames,
    index: _Index,
    method: MethodRecord,
    scores: DataFrame,
    runs: Sequence[str],
    size: int,
) -> str:
    """Whether the pictures are better than doing nothing and than showing the style."""
    if method["family"] == "anchor":
        return "anchor"
    verdicts = []
    for anchor, axis in zip(ANCHORS, ("style", "content"), strict=True):
        signs = {
            id_: 1 if metric["direction"] == "higher" else -1
            for run in runs
            for id_, metric in frames.records[run]["metrics"].items()
            if metric["judge"] and metric["axis"] == axis
        }
        where = ["run", "style", "content", "metric"]
        pairs = scores[scores["metric"].isin(list(signs))].merge(
            index.take("scores", runs, anchor, size)[[*where, "value"]],
            on=where,
            suffixes=("", "_anchor"),
        )
        pairs = pairs[pairs["value"].notna() & pairs["value_anchor"].notna()]
        gain = (pairs["value"] - pairs["value_anchor"]).groupby(pairs["metric"]).mean()
        verdicts.append([signs[str(id_)] * value > 0 for id_, value in gain.items()])
    if not all(verdicts):
        return "not checked"
    return "passed" if all(any(better) for better in verdicts) else "failed"


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
        return f" [{','.join(map(str, numbers))}]" if numbers else ""


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
        [_speed_block(group, marks), *_quality_blocks(group, marks)],
        [_clean(note) for note in group.notes],
    )


def _speed_block(group: _Group, marks: _Marks) -> _Block:
    columns = ("pair_ms", "e2e_ms", "first_call_ms", "params_m", "peak_mb", "gflop")
    headers = (
        "method|family|size|adapt;s|core;ms|pair;ms|e2e;ms|first;call ms|params;M|peak;MB|GFLOP"
    )
    notes: list[str] = []
    lines = []
    ungated: dict[str, list[str]] = {"failed": [], "not checked": []}
    for row in group.rows:
        values = row.values
        label = _short(row.method)
        if values["gate"] in ungated:
            ungated[values["gate"]].append(f"{label} {values['size']}")
            label += " ‡"
        label += marks.of(row.notes, notes)
        adapt, core = (
            _floored(values[name], floor) or _estimate(row, name, f"{name}_")
            for name, floor in (("adapt_s", 0.001), ("core_ms", 0.01))
        )
        rest = [
            (column.endswith("_ms") and _floored(values[column], 0.01)) or _digits(values[column])
            for column in columns
        ]
        lines.append([label, values["family"], str(values["size"]), adapt, core, *rest])
    if any(ungated.values()):
        verdicts = {"failed": "failed", "not checked": "gate not checked"}
        notes.append(
            f"{_GATE}: "
            + "; ".join(
                f"{verdicts[gate]} for {', '.join(who)}" for gate, who in ungated.items() if who
            )
        )
    return _Block(
        "Speed and flexibility (medians, 95 % bootstrap intervals)",
        [header.split(";") for header in headers.split("|")],
        lines,
        2,
        notes,
    )


def _quality_blocks(group: _Group, marks: _Marks) -> list[_Block]:
    """The quality table, cut into as many as fit into `WIDTH` columns of plain text."""
    heads: list[list[str]] = []
    head_notes: list[str] = []
    for row in group.rows:
        values = row.values
        pairs = f"{values['pairs']} ({values['styles']}×{values['contents']})"
        label = _short(row.method) + marks.of(row.notes, head_notes)
        heads.append([label, str(values["size"]), pairs])
    title = "Quality (means over pairs, 95 % intervals by bootstrap over styles and contents)"
    names = [["method"], ["size"], ["pairs", "(styles ×", "contents)"]]
    if not group.metrics:
        return [_Block(title, names, heads, 1, [*head_notes, "no metric of a judge was run"])]
    columns = [[*header, *head] for header, *head in zip(names, *heads, strict=True)]
    head_width = sum(2 + max(map(len, column)) for column in columns)
    blocks: list[_Block] = []
    room = 0
    for id_, metric in group.metrics.items():
        notes: list[str] = []
        header = _metric_header(metric, group.metrics.values())
        column = [_quality_text(row, id_, marks, notes) for row in group.rows]
        width = 2 + max(map(len, [*header, *column]))
        if width > room:
            lines = [list(head) for head in heads]
            blocks.append(_Block(title, list(names), lines, 1, list(head_notes)))
            room = WIDTH - head_width
        room -= width
        blocks[-1].headers.append(header)
        blocks[-1].notes += notes
        for line, text in zip(blocks[-1].lines, column, strict=True):
            line.append(text)
    return blocks


def _metric_header(metric: MetricRecord, others: Iterable[MetricRecord]) -> list[str]:
    arrow = {"lower": "↓", "higher": "↑"}[metric["direction"]]
    versions = {o["version"] for o in others if o["name"] == metric["name"]}
    name = metric["name"] + (f"/{metric['version']}" if len(versions) > 1 else "")
    unit = "" if metric["unit"] == "1" else f", {metric['unit']}"
    header = [f"{name} {arrow}", metric["encoder"] or "", f"{metric['axis']}{unit}"]
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
        parts.append("\n".join(section.heading))
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
