"""What a report is made of: rows of unrounded numbers, in groups."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from bench.results import DatasetRecord, Environment, MetricRecord, TrainingRecord

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NOT_RUN = "not run, finish with bench run --resume"

QualityGate = Literal["anchor", "passed", "failed", "not checked"]
"""Of a method that is compared with: whether its pictures are better than those of the anchors."""


class Variant(NamedTuple):
    """What a row is about, apart from the size and the style.

    Attributes:
        environment, dataset: their fingerprints.
        method: its name in the run.
        options: as JSON with sorted keys.
        precision: a label; empty where nothing was computed.
        adapt_limit: seconds that an adaptation may take; None for no limit.
        seed: of the run.
        bench: the version.
        commit: of bench, with `-dirty` at its end where files had changed; empty if not known.
    """

    environment: str
    dataset: str
    method: str
    options: str
    precision: str
    adapt_limit: float | None
    seed: int
    bench: str
    commit: str


class Timing(NamedTuple):
    """Raw seconds, and the interleaving round of each; None where each stands for itself."""

    seconds: NDArray[np.float64]
    rounds: NDArray[np.int64] | None


class Estimate(NamedTuple):
    """A number, NaN where there is none; its 95 % interval, its 90th percentile, its samples."""

    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    p90: float = math.nan
    samples: int | None = None

    @property
    def known(self) -> bool:
        """Whether there is a number."""
        return math.isfinite(self.value)


class Quality(NamedTuple):
    """What one metric says of a row's pictures.

    Attributes:
        estimate: the mean over pairs of style and content, or the number of the whole set.
        notes: why pictures lack a number, what a number of a set is of.
        by_style: every style's mean; empty for a metric of sets.
        trained_on: whether the method is trained on the metric or on its network's features.
    """

    estimate: Estimate
    notes: list[str]
    by_style: Mapping[str, float]
    trained_on: bool


class Resources(NamedTuple):
    """What stylizing takes, apart from its time.

    Attributes:
        params, params_per_style: millions; learned numbers that it uses, and those of each style.
        peak: megabytes (1e6) above what was held before.
        gflop: of one picture.
        peak_share: percent of the machine's measured peak.
    """

    params: Estimate
    params_per_style: Estimate
    peak: Estimate
    gflop: Estimate
    peak_share: Estimate


class Batch(NamedTuple):
    """How fast a batch of one size is.

    Attributes:
        pictures: in it; 0 stands for every size, where none could be timed.
        status: `ok`, or why it has no numbers.
        reason: likewise, in words.
        call: milliseconds of the whole batch.
        per_second: pictures.
        allocated, reserved, device: megabytes (1e6): the most that tensors took, that torch held,
            and what was in use on the whole GPU.
        joules: a picture.
        outside: percent of the time in which the device was not at work.
    """

    pictures: int
    status: str
    reason: str
    call: Estimate
    per_second: Estimate
    allocated: float
    reserved: float
    device: float
    joules: float
    outside: float


@dataclass(frozen=True)
class Outcome:
    """What did not work.

    Attributes:
        status: ok, partial, or that of every cell.
        reason: all that went wrong; empty where nothing did.
        words: a column's name to what stands there instead of its number.
        notes: what must be said about the row.
    """

    status: str
    reason: str
    words: Mapping[str, str]
    notes: list[str]


@dataclass
class Row:
    """One method at one size, as it was run: a row of the report.

    Attributes:
        variant: what was run.
        run: the id of the run.
        dataset: its name.
        behind: the method that the row's name stands for, itself where it is no alias.
        family: of the method.
        size: of the pictures in pixels.
        style: its name; empty where a row is of all styles.
        trainings: of its own weights, which a user on another domain repeats; None where the run
            does not record them.
        changed: the options that are not the defaults, in words.
        outcome: what did not work.
        noise: what the A/A control says at this size, a share.
        batch: pictures that were timed at once.
        adapt_ended: adaptations that the limit ended.
        pairs, styles, contents: how many were stylized.
        timings: scope to raw timings; `core` is of a whole batch.
        adapt: seconds of adaptation.
        core, pair, e2e: milliseconds of a batch.
        first_call: milliseconds, median over styles.
        resources: what it takes apart from time.
        quality: metric id to what it says.
        quality_gate: whether the pictures are better than the anchors'.
        batches: its speed in batches, the smallest first; empty where a row is of one style.
        label: a name that no other row of its size (and style) has.
        notes: what must be said about the row.
        best: keys of the columns in which no other row of its size (and style) is better.
        dominated: labels of rows that are at least as good on every axis and better on one.
    """

    variant: Variant
    run: str
    dataset: str
    behind: str
    family: str
    size: int
    style: str
    trainings: Sequence[TrainingRecord] | None
    changed: str
    outcome: Outcome
    noise: float
    batch: int
    adapt_ended: int
    pairs: int
    styles: int
    contents: int
    timings: dict[str, Timing]
    adapt: Estimate
    core: Estimate
    pair: Estimate
    e2e: Estimate
    first_call: Estimate
    resources: Resources
    quality: dict[str, Quality]
    quality_gate: QualityGate
    batches: list[Batch]
    label: str
    notes: list[str] = field(default_factory=list)
    best: set[str] = field(default_factory=set)
    dominated: list[str] = field(default_factory=list)

    @property
    def method(self) -> str:
        """Its name in the run."""
        return self.variant.method

    @property
    def anchor(self) -> bool:
        """Whether it is there to compare with, and competes with nobody."""
        return self.family == "anchor"

    @property
    def training(self) -> float:
        """Seconds of training before the first adaptation; NaN where one is not known."""
        if self.trainings is None:
            return math.nan
        each = (math.nan if part.seconds is None else part.seconds for part in self.trainings)
        return sum(each, 0.0)

    @property
    def where(self) -> tuple[int, str]:
        """The contest that it takes part in: its size, and its style where rows have one."""
        return self.size, self.style


@dataclass
class Group:
    """The rows of one environment and dataset.

    Attributes:
        environment: that of the newest run.
        dataset: that they share.
        metrics: id to metric, of those that are shown.
        rows: in the order in which they are shown.
        notes: what must be said about all of them.
    """

    environment: Environment
    dataset: DatasetRecord
    metrics: dict[str, MetricRecord]
    rows: list[Row]
    notes: list[str]
