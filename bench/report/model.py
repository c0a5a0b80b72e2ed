"""What a report is made of: rows of unrounded numbers, in groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.results import MetricRecord

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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
