"""Quality over adaptation: what each step towards a new style bought, and the time to a quality.

The points come from runs with `--observe`: the pictures after so many steps of an adaptation, and
the finished ones. Everything is told per run and size, over the styles of that run, so that curves
beside each other are of the same pictures, machine and photographs. No torch here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

from bench.errors import BenchError, unknown
from bench.results import Frames
from bench.statistics import bootstrap_median, median_known
from bench.tables.data import frame

if TYPE_CHECKING:
    from pandas import DataFrame

_CELL = ["run", "size", "method", "style"]
_MOMENT = [*_CELL, "step"]


def points(frames: Frames) -> DataFrame:
    """Every observed point of every adaptation, and its end.

    Args:
        frames: what `bench.results.load` gives.

    Returns:
        Columns run, size, method, style, step, seconds (of adaptation until then), metric (id),
        value (mean over the contents), in the order of the run. A method that does not iterate has
        the one point of its result, at step 0. Cells that failed are left out, and metrics that
        miss a content.
    """
    from pandas import concat

    cells = frames.cells[frames.cells["status"] == "ok"]
    ends = cells.rename(columns={"adapt_steps": "step", "adapt_seconds": "seconds"})
    ends = ends.astype({"step": int})[[*_MOMENT, "seconds"]]
    way = frames.observed.drop_duplicates(_MOMENT)[[*_MOMENT, "seconds"]]
    way = way.merge(cells[_CELL])
    scored = [
        way.merge(_means(frames.observed_scores, [*_MOMENT, "metric"])),
        ends.merge(_means(frames.scores, [*_CELL, "metric"])),
    ]
    moments = concat(scored).drop_duplicates([*_MOMENT, "metric"])
    for name, order in _orders(frames).items():
        moments[f"by {name}"] = [
            order[key] for key in zip(moments["run"], moments[name], strict=True)
        ]
    moments = moments.sort_values(["run", "size", "by method", "by style", "step", "by metric"])
    ordered: DataFrame = moments[[*_MOMENT, "seconds", "metric", "value"]].reset_index(drop=True)
    return ordered


def _means(scores: DataFrame, by: list[str]) -> DataFrame:
    """Means over contents, where none is missing: other sets of pictures do not compare."""
    groups: Any = scores.groupby(by, sort=False)["value"]
    whole: DataFrame = groups.mean()[groups.count() == groups.size()].reset_index()
    return whole


def _orders(frames: Frames) -> dict[str, dict[tuple[str, str], int]]:
    """(run, name) to its place, for methods, styles and metrics."""
    return {
        kind: {
            (run, name): place
            for run, record in frames.records.items()
            for place, name in enumerate(getattr(record, f"{kind}s"))
        }
        for kind in ("method", "style", "metric")
    }


def curves(frames: Frames, seed: int = 0) -> DataFrame:
    """Medians over styles, with 95 % bootstrap intervals over styles.

    Args:
        frames: what `bench.results.load` gives.
        seed: of the bootstraps.

    Returns:
        Columns run, size, method, step, styles (how many), seconds, seconds_low, seconds_high,
        metric, value, low, high; the bounds are NaN for fewer styles than
        `bench.statistics.LEAST`. A step that not every style of the method has is left out, as
        that of adaptations that a time limit ended.
    """
    moments = points(frames)
    styles = moments.groupby(["run", "size", "method"])["style"].nunique().to_dict()
    by = ["run", "size", "method", "step", "metric"]
    rows: list[dict[str, Any]] = []
    for key, group in moments.groupby(by, sort=False):
        run, size, method, _, _ = key
        if len(group) < styles[run, size, method]:
            continue
        seconds = bootstrap_median(group["seconds"], seed)
        value = bootstrap_median(group["value"], seed)
        rows.append(
            dict(zip(by, key, strict=True))
            | {"styles": len(group)}
            | {"seconds": seconds.value, "seconds_low": seconds.low, "seconds_high": seconds.high}
            | {"value": value.value, "low": value.low, "high": value.high}
        )
    columns = "run size method step styles seconds seconds_low seconds_high metric value low high"
    return frame(rows, columns.split())


def time_to_quality(frames: Frames, reference: str) -> DataFrame:
    """When each adaptation first was as good as a reference, style by style.

    Being as good is looked for at the observed steps only, so that steps and seconds are upper
    bounds. Left out are metrics of content alone and the anchors: the untouched content meets any
    quality of the one, and the style picture itself any of the other.

    Args:
        frames: what `bench.results.load` gives.
        reference: a method's name, `@` and a step, as `johnson@2000`; without a step its last.

    Returns:
        Columns run, size, metric, method, style, target (the reference's value), reference_step,
        reference_seconds, step, seconds (NaN where it never was as good), ratio
        (reference_seconds over seconds; 0 where it never was), last_step, last_seconds (of what
        was observed). The reference has rows of its own.

    Raises:
        BenchError: no run has the reference, or it was not observed at that step.
    """
    return _first_reached(frames, points(frames), reference)


def speedups(frames: Frames, reference: str, seed: int = 0) -> DataFrame:
    """Time to a reference's quality, over styles; arguments and errors as in `time_to_quality`.

    Returns:
        Columns run, size, metric, method, styles, reached (by how many styles), reference_step,
        reference_seconds (median); step, seconds, ratio: medians over styles, NaN where no more
        than half of the styles reached it; low, high: 95 % bootstrap interval of the ratio over
        styles, a style that never did counting as 0; least, most: its range; curve_step,
        curve_seconds, curve_ratio: the same of the curve of medians (`curves`).
    """
    by = ["run", "size", "metric", "method"]
    of_medians = _first_reached(frames, curves(frames, seed).assign(style=""), reference)
    curve_of = {tuple(row[name] for name in by): row for row in of_medians.to_dict("records")}
    rows: list[dict[str, Any]] = []
    for key, group in time_to_quality(frames, reference).groupby(by, sort=False):
        ratio = bootstrap_median(group["ratio"], seed)
        reached = int(group["step"].notna().sum())
        most = 2 * reached > len(group)
        curve = curve_of.get(key, {})
        summary = {
            "styles": len(group),
            "reached": reached,
            "reference_step": group["reference_step"].max(),
            "reference_seconds": median_known(group["reference_seconds"]),
            "step": group["step"].fillna(math.inf).median() if most else math.nan,
            "seconds": group["seconds"].fillna(math.inf).median() if most else math.nan,
            "ratio": ratio.value if most else math.nan,
            "low": ratio.low,
            "high": ratio.high,
            "least": group["ratio"].min(),
            "most": group["ratio"].max(),
        }
        known = math.isfinite(curve.get("step", math.nan))
        for name in ("step", "seconds", "ratio"):
            summary[f"curve_{name}"] = curve[name] if known else math.nan
        rows.append({**dict(zip(by, key, strict=True)), **summary})
    return frame(rows)


def _first_reached(frames: Frames, curve_points: DataFrame, reference: str) -> DataFrame:
    name, at, digits = reference.rpartition("@")
    if not at:
        name, digits = reference, ""
    elif not (digits.isascii() and digits.isdigit()):
        raise BenchError(f"--reference {reference}: write it as METHOD@STEP, e.g. johnson@2000")
    rows = []
    for key, group in curve_points.groupby(["run", "size", "metric"], sort=False):
        run, size, metric = cast(tuple[str, int, str], key)
        record = frames.records[run]
        described = record.metrics[metric]
        if described.axis == "content":
            continue
        sign = 1 if described.direction == "lower" else -1
        model = group[group["method"] == name]
        if digits:
            model = model[model["step"] == int(digits)]
        targets = model.groupby("style").tail(1).set_index("style").to_dict("index")
        for pair, curve in group.groupby(["method", "style"], sort=False):
            method, style = cast(tuple[str, str], pair)
            target = targets.get(style)
            if record.methods[method].family == "anchor" or target is None:
                continue
            good = curve[sign * curve["value"] <= sign * target["value"]].to_dict("records")
            first = good[0] if good else {"step": math.nan, "seconds": math.inf}
            rows.append(
                {
                    "run": run,
                    "size": size,
                    "metric": metric,
                    "method": method,
                    "style": style,
                    "target": target["value"],
                    "reference_step": target["step"],
                    "reference_seconds": target["seconds"],
                    "step": first["step"],
                    "seconds": first["seconds"] if good else math.nan,
                    "ratio": target["seconds"] / max(first["seconds"], 1e-9),
                    "last_step": curve["step"].iloc[-1],
                    "last_seconds": curve["seconds"].iloc[-1],
                }
            )
    if not rows:
        held = curve_points[curve_points["method"] == name]["step"].unique()
        if not len(held):
            raise unknown("method of --reference", name, set(curve_points["method"]))
        steps = ", ".join(map(str, sorted(held)))
        raise BenchError(f"--reference {reference}: {name} was observed at the steps {steps} only")
    return frame(rows)
