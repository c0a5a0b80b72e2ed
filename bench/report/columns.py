"""The columns of a report: what each holds, its heading, its format, and what is better.

Text, LaTeX, the page, plots and long data all read a row through these.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bench.errors import unknown
from bench.report.model import Estimate, Row
from bench.results import MetricRecord
from bench.tables.text import clean, interval_text, number_text

Direction = Literal["lower", "higher"]


@dataclass(frozen=True)
class Column(ABC):
    """One quantity of a row.

    Attributes:
        name: what the command line calls it.
        header: its lines.
    """

    name: str
    header: tuple[str, ...]

    @property
    def key(self) -> str:
        """What no other column of a table has."""
        return self.name

    @abstractmethod
    def sort_key(self, row: Row) -> tuple[bool, Any]:
        """What sorts rows by this column: the best first, rows without a number last."""


@dataclass(frozen=True)
class Words(Column):
    """A column of words or counts, of which none is better."""

    text: Callable[[Row], str]
    order: Callable[[Row], Any]

    def sort_key(self, row: Row) -> tuple[bool, Any]:
        """Words by the alphabet, counts by their number."""
        return False, self.order(row)


@dataclass(frozen=True)
class Numbers(Column):
    """A column of numbers.

    Attributes:
        direction: which is better.
        unit: of the number, "1" for a pure one.
        axis: of the trade-off, where it is one: adapt, core, style, content or both.
        floor: numbers below it are too small to matter beside a picture's.
        hint: what it is, in a sentence.
        part: the heading over columns of this kind.
    """

    direction: Direction = "lower"
    unit: str = "1"
    axis: str = ""
    floor: float = 0.0
    hint: str = ""
    part: str = "Quality"

    @abstractmethod
    def of(self, row: Row) -> Estimate:
        """The row's number."""

    @property
    def better(self) -> int:
        """The sign that makes the greater number the better one."""
        return 1 if self.direction == "higher" else -1

    @property
    def time(self) -> bool:
        """Whether it is a duration, which the machine's noise blurs."""
        return self.unit in ("s", "ms")

    def per_picture(self, row: Row) -> float:
        """The number, by which rows of other batches compare."""
        return self.of(row).value

    def notes(self, row: Row) -> Sequence[str]:
        """What must be said about the row's number."""
        return ()

    def trained_on(self, row: Row) -> bool:
        """Whether the row's method is trained on what this measures."""
        return False

    def sort_key(self, row: Row) -> tuple[bool, Any]:
        """The best first, rows without a number last."""
        number = self.of(row)
        return not number.known, -self.better * number.value if number.known else 0.0

    def text(self, row: Row, missing: str = "-", exact: bool = False) -> str:
        """The number to three digits, or the word that stands instead.

        Args:
            row: whose number.
            missing: what stands where there is neither.
            exact: also digits that do not matter beside a picture's time.
        """
        shown = number_text(self.of(row).value, self.floor, exact)
        return shown or row.outcome.words.get(self.key, missing)

    def interval(self, row: Row, exact: bool = False) -> tuple[str, str] | None:
        """The ends of the interval, where there is one; unless exact, not one that is a point."""
        number = self.of(row)
        if 0 <= number.value < self.floor:
            return None
        floor = 0.0 if exact else self.floor
        return interval_text(number.low, number.high, number.value, floor, point=exact)


@dataclass(frozen=True)
class Measured(Numbers):
    """A number that every report has.

    Attributes:
        read: gives a row's.
        data: the number's name in `bench.report.table`.
        sampled: whether it has an interval.
        batched: whether it is of a whole batch.
    """

    read: Callable[[Row], Estimate] = field(kw_only=True)
    data: str = field(kw_only=True)
    sampled: bool = False
    batched: bool = False

    def of(self, row: Row) -> Estimate:
        """The row's number."""
        return self.read(row)

    def per_picture(self, row: Row) -> float:
        """The number divided by the batch that it is of."""
        value = self.of(row).value
        return value / row.batch if self.batched else value

    @property
    def least_seconds(self) -> float:
        """The floor of a duration in seconds."""
        return self.floor * {"s": 1.0, "ms": 1e-3}[self.unit]


@dataclass(frozen=True)
class MetricColumn(Numbers):
    """A metric's numbers.

    Attributes:
        id: of the metric, which tells its versions and networks apart.
        metric: its record.
    """

    id: str = field(kw_only=True)
    metric: MetricRecord = field(kw_only=True, compare=False, repr=False)

    @property
    def key(self) -> str:
        """The id: several columns may be of one metric."""
        return self.id

    def of(self, row: Row) -> Estimate:
        """The row's mean, or its number of the whole set."""
        return row.quality[self.id].estimate

    def notes(self, row: Row) -> Sequence[str]:
        """Why pictures lack a number, what a number of a set is of."""
        return row.quality[self.id].notes

    def trained_on(self, row: Row) -> bool:
        """Whether the row's method is trained on the metric or on its network's features."""
        return row.quality[self.id].trained_on


FAMILY = Words("family", ("family",), lambda row: clean(row.family), lambda row: row.family)
QUALITY_GATE = Words("gate", ("gate",), lambda row: row.quality_gate, lambda row: row.quality_gate)
PAIRS = Words(
    "pairs",
    ("pairs", "(styles ×", "contents)"),
    lambda row: f"{row.pairs} ({row.styles}×{row.contents})",
    lambda row: row.pairs,
)
ADAPT = Measured(
    "adapt",
    ("adapt", "s"),
    unit="s",
    axis="adapt",
    floor=0.001,
    hint="What a new style costs",
    part="Flexibility",
    read=lambda row: row.adapt,
    data="adapt_s",
    sampled=True,
)
CORE = Measured(
    "core",
    ("core", "ms"),
    unit="ms",
    axis="core",
    floor=0.01,
    hint="A picture, in a style that is ready",
    part="Speed",
    read=lambda row: row.core,
    data="core_ms",
    sampled=True,
    batched=True,
)
PAIR = Measured(
    "pair",
    ("pair", "ms"),
    unit="ms",
    floor=0.01,
    hint="A new style and a picture",
    part="Further times",
    read=lambda row: row.pair,
    data="pair_ms",
    sampled=True,
    batched=True,
)
E2E = Measured(
    "e2e",
    ("e2e", "ms"),
    unit="ms",
    floor=0.01,
    hint="From a file to a file, in a style that is ready",
    part="Further times",
    read=lambda row: row.e2e,
    data="e2e_ms",
    sampled=True,
    batched=True,
)
FIRST_CALL = Measured(
    "first-call",
    ("first", "call ms"),
    unit="ms",
    floor=0.01,
    hint="A picture, not warmed up",
    part="Further times",
    read=lambda row: row.first_call,
    data="first_call_ms",
)
PARAMS = Measured(
    "params",
    ("params", "M"),
    unit="1e6",
    hint="Learned numbers that stylizing uses",
    part="Cost",
    read=lambda row: row.resources.params,
    data="params_m",
)
STYLE_PARAMS = Measured(
    "style-params",
    ("params", "a style", "M"),
    unit="1e6",
    hint="Those kept for each style",
    part="Cost",
    read=lambda row: row.resources.params_per_style,
    data="params_per_style_m",
)
PEAK = Measured(
    "peak",
    ("peak", "MB"),
    unit="MB",
    hint="Memory while stylizing, above what was held before",
    part="Cost",
    read=lambda row: row.resources.peak,
    data="peak_mb",
)
GFLOP = Measured(
    "gflop",
    ("GFLOP",),
    unit="GFLOP",
    hint="Of stylizing one picture",
    part="Cost",
    read=lambda row: row.resources.gflop,
    data="gflop",
)
PEAK_SHARE = Measured(
    "peak-share",
    ("of peak", "%"),
    "higher",
    unit="%",
    hint="Of the machine's measured peak: the plain network's operations over core",
    part="Cost",
    read=lambda row: row.resources.peak_share,
    data="peak_share",
)

WORDS = (FAMILY, QUALITY_GATE, PAIRS)
TIMES = (ADAPT, CORE, PAIR, E2E, FIRST_CALL)
COSTS = (PARAMS, STYLE_PARAMS, PEAK, GFLOP, PEAK_SHARE)
MEASURED = (*TIMES, *COSTS)
FIXED: Mapping[str, Column] = {column.name: column for column in (*WORDS, *MEASURED)}

SETS: Mapping[str, Sequence[str]] = {
    "speed": tuple(column.name for column in TIMES),
    "cost": tuple(column.name for column in COSTS),
    "quality": (),  # every metric
    "all": ("family", "speed", "cost", "quality"),
}
"""Names that stand for several columns."""

DEFAULT = ("adapt", "core", "quality")
"""The three axes of the trade-off."""

AXES = ("adapt", "core", "style", "content")

_AXES = ("style", "content", "both")
_ARROWS = {"lower": "↓", "higher": "↑"}


def of_metrics(metrics: Mapping[str, MetricRecord]) -> list[MetricColumn]:
    """A column for every metric; versions are told apart where there are several."""
    versions: dict[str, set[int]] = {}
    for metric in metrics.values():
        versions.setdefault(metric.name, set()).add(metric.version)
    columns = []
    for id_, metric in metrics.items():
        several = len(versions[metric.name]) > 1
        name = metric.name + (f"/{metric.version}" if several else "")
        unit = "" if metric.unit == "1" else metric.unit
        lines = (metric.encoder, f"{metric.axis}, {unit}" if unit else metric.axis)
        if not metric.encoder:
            lines = (unit, metric.axis)
        direction: Direction = "higher" if metric.direction == "higher" else "lower"
        header = (f"{name} {_ARROWS[direction]}", *lines)
        columns.append(
            MetricColumn(
                metric.name,
                tuple(line for line in header if line),
                direction,
                unit=metric.unit,
                axis=metric.axis,
                hint=id_,
                id=id_,
                metric=metric,
            )
        )
    return columns


def numbers(metrics: Mapping[str, MetricRecord]) -> list[Numbers]:
    """Every column of numbers, the metrics' last."""
    return [*MEASURED, *of_metrics(metrics)]


def choose(
    names: Iterable[str], groups: Sequence[Mapping[str, MetricRecord]]
) -> list[list[Column]]:
    """The columns that some names stand for, for each table with its metrics.

    Args:
        names: of columns, of `SETS`, of metrics or their ids.
        groups: the metrics of each table; a name needs to be known to one of them.

    Raises:
        BenchError: nobody knows a name.
    """
    asked = list(names)
    of_groups = [of_metrics(metrics) for metrics in groups]
    of_all = [column for columns in of_groups for column in columns]
    known = {*FIXED, *SETS, *(name for column in of_all for name in (column.name, column.id))}
    for name in asked:
        if name not in known:
            raise unknown("column", name, known)
    return [list(dict.fromkeys(_resolve(asked, columns))) for columns in of_groups]


def _place(column: MetricColumn) -> tuple[int, bool]:
    """Style before content before what judges both, and networks before what needs none."""
    return _AXES.index(column.axis), not column.metric.encoder


def _resolve(names: Iterable[str], metrics: Sequence[MetricColumn]) -> Iterable[Column]:
    for name in names:
        if name == "quality":
            yield from sorted(metrics, key=_place)
        elif name in SETS:
            yield from _resolve(SETS[name], metrics)
        elif name in FIXED:
            yield FIXED[name]
        else:
            yield from (column for column in metrics if name in (column.name, column.id))
