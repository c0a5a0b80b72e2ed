"""One row of a report, put together from what its run holds about it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.anchors import ANCHORS
from bench.report import peak, verdicts
from bench.report.failures import outcome_of
from bench.report.index import Index
from bench.report.model import Batch, Estimate, Resources, Row, Timing, Variant
from bench.report.quality import quality_of
from bench.results import MethodRecord, MetricRecord, RunRecord

if TYPE_CHECKING:
    from pandas import DataFrame

    from bench.report.judged import Scores


class Place(NamedTuple):
    """Where the numbers of a row are from; the style is empty for a row of all styles."""

    variant: Variant
    run: str
    size: int
    style: str


FIRST = "takes the first of a style's several pictures, and is judged against all"


class _Held(NamedTuple):
    """What a run holds about one row."""

    record: RunRecord
    method: MethodRecord
    cells: DataFrame
    speeds: DataFrame
    samples: DataFrame
    batches: DataFrame
    scores: Scores

    @property
    def finished(self) -> DataFrame:
        cells: DataFrame = self.cells[self.cells["status"] == "ok"]
        return cells


def row_of(index: Index, place: Place, metrics: Mapping[str, MetricRecord], seed: int) -> Row:
    """The row of one method at one size, of all styles or of one.

    Args:
        index: finds what belongs to the row.
        place: where its numbers are from.
        metrics: id to metric, of those that the report shows.
        seed: of the bootstraps.
    """
    from bench.statistics import median_known

    variant, run, size, style = place
    held = _held(index, place)
    record = held.record
    finished = held.finished
    pairs = sum(map(len, finished["contents"]))
    anchors = {name: index.scores(run, name, size, style).values for name in ANCHORS}
    outcome = outcome_of(held.cells, held.speeds, [style] if style else record.styles)
    batch = int(held.speeds["batch"].iloc[0]) if len(held.speeds) else 1
    ended = finished.loc[finished["adapt_finished"].eq(False), "adapt_steps"]
    changed = ", ".join(_changed(held.method).values())
    timings = _timings(held, style)
    core = _timed(timings.get("core"), 1e3, seed)
    return Row(
        variant=variant,
        run=run,
        dataset=record.dataset.name,
        behind=held.method.method,
        family=held.method.family,
        size=size,
        style=style,
        trainings=held.method.trainings,
        changed=changed,
        outcome=outcome,
        noise=index.noise(run, size),
        batch=batch,
        adapt_ended=len(ended),
        pairs=pairs,
        styles=len(finished),
        contents=len({content for names in finished["contents"] for content in names}),
        timings=timings,
        adapt=_timed(timings["adapt"], 1, seed),
        core=core,
        pair=_timed(timings.get("pair"), 1e3, seed),
        e2e=_timed(timings.get("e2e"), 1e3, seed),
        first_call=Estimate(1e3 * median_known(finished["first_call"])),
        resources=_resources(held, core.value / 1e3, variant.precision),
        quality=quality_of(metrics, held.method, held.scores, pairs, seed),
        quality_gate=verdicts.quality_gate(
            held.method, record.metrics, held.scores.values, anchors
        ),
        batches=[] if style else _batches(held.batches, seed),
        label=variant.method,
        notes=[*_remarks(variant, held, batch, ended), *outcome.notes],
    )


def _held(index: Index, place: Place) -> _Held:
    """What the run of a row holds about it."""
    where = (place.run, place.variant.method, place.size, place.style)
    record = index.records[place.run]
    return _Held(
        record,
        record.methods[place.variant.method],
        index.take("cells", *where),
        index.take("speeds", *where),
        index.take("samples", *where),
        index.take("batches", *where),
        index.scores(*where),
    )


def _timings(held: _Held, style: str) -> dict[str, Timing]:
    scopes, seconds, rounds = (
        held.samples[name].to_numpy(kind)
        for name, kind in (("scope", object), ("seconds", float), ("round", int))
    )
    timings = {
        scope: Timing(seconds[scopes == scope], rounds[scopes == scope])
        for scope in sorted(set(scopes))
    }
    if style or "adapt" not in timings:  # otherwise it is warmed up, on one style
        timings["adapt"] = Timing(held.finished["adapt_seconds"].dropna().to_numpy(), None)
    return timings


def _timed(timing: Timing | None, scale: float, seed: int) -> Estimate:
    """What a table says about seconds; without rounds each sample stands for itself."""
    from bench.statistics import summarise

    if timing is None or not len(timing.seconds):
        return Estimate(samples=0)
    summary = summarise(scale * timing.seconds, seed, timing.rounds)
    return Estimate(summary.median, summary.low, summary.high, summary.p90, len(timing.seconds))


def _batches(frame: DataFrame, seed: int) -> list[Batch]:
    """The speed at each size of a batch."""
    return [_batch(line, seed) for line in frame.sort_values("batch").itertuples()]


def _batch(line: Any, seed: int) -> Batch:
    import numpy as np

    timing = Timing(np.asarray(line.samples, float), np.asarray(line.rounds, int))
    call = _timed(timing, 1e3, seed)
    per_second = (1e3 * line.batch / ms for ms in (call.value, call.high, call.low))
    outside = math.nan
    if line.device_samples:
        outside = 100 * (1 - 1e3 * float(np.median(line.device_samples)) / call.value)
    return Batch(
        line.batch,
        line.status,
        line.reason,
        call,
        Estimate(*per_second) if call.known else Estimate(),
        line.allocated_bytes / 1e6,
        line.reserved_bytes / 1e6,
        line.device_bytes / 1e6,
        line.joules,
        outside,
    )


def _resources(held: _Held, seconds: float, precision: str) -> Resources:
    """What stylizing takes, given the seconds of a call."""
    finished = held.finished
    per_style = finished["params_per_style"]
    flops = finished["flops"].max()
    rates = held.record.environment.peak or {}
    return Resources(
        Estimate((finished["params_shared"] + per_style).max() / 1e6),
        Estimate(per_style.max() / 1e6),
        Estimate(finished["peak_memory_bytes"].max() / 1e6),
        Estimate(flops / 1e9),
        Estimate(100 * peak.share(flops, seconds, precision, rates)),
    )


def _remarks(variant: Variant, held: _Held, batch: int, ended: Any) -> Iterator[str]:
    """What must be said about a row that works."""
    if differs := _differs(variant, held.method):
        yield differs
    if shared := sorted(set(held.finished["adapt_shared_with"].dropna())):
        yield f"adaptation shared with {', '.join(shared)}"
    if held.record.dataset.references > 1 and held.method.several is False:
        yield FIRST
    if batch != 1:
        yield f"timed in batches of {batch} pictures; milliseconds are per batch"
    if held.speeds["iterative_stylize"].any():
        yield "stylizing iterates: core, pair and e2e from one timing per picture"
    elif held.speeds["iterative_adapt"].any():
        yield "adaptation iterates: pair is adapt plus core"
    if len(ended):
        limit = math.nan if variant.adapt_limit is None else variant.adapt_limit
        yield _ended(ended, len(held.finished), limit)


def _differs(variant: Variant, method: MethodRecord) -> str:
    """Where a row stands that is not its method as it usually is; empty for one that is."""
    words = [method.method] * (method.method != variant.method)
    changed, strength = _changed(method), method.strength
    if strength in changed and strength in method.defaults:
        usual = method.defaults[strength]
        words.append(f"at strength {changed.pop(strength)}, where {usual} is usual")
    if changed:
        words.append(f"with {', '.join(changed.values())}")
    return " ".join(words)


def _changed(method: MethodRecord) -> dict[str, str]:
    """The options that are not the defaults, by name, each with its value in words."""
    return {
        name: f"{name}={value}"
        for name, value in method.options.items()
        if name not in method.defaults or value != method.defaults[name]
    }


def _ended(steps: Any, count: int, limit: float) -> str:
    """The note on adaptations that the limit ended, of how many there are."""
    low, high = steps.min(), steps.max()
    taken = f"{steps.median():g}" + (f" ({low:g}–{high:g})" if low < high else "")
    some = f" ({len(steps)} of {count} styles)" if len(steps) < count else ""
    return (
        f"adaptation ended by the limit of {limit:g} s after {taken} of the steps asked for{some}"
    )
