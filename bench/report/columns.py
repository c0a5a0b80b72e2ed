"""The columns that a report's table may have: what each holds, its heading, and what is better."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bench.errors import unknown
from bench.results import MetricRecord

Direction = Literal["lower", "higher"]


@dataclass(frozen=True)
class Column:
    """One quantity of a row.

    Attributes:
        name: what the command line calls it.
        key: of the number in a row's `values`.
        header: its lines.
        direction: which is better; None for words and counts.
        interval: what the keys of its interval begin with; empty without one.
        floor: numbers below it are too small to matter beside a picture's.
        axis: of the trade-off, where it is one: adapt, core, style, content or both.
        unit: of the number, "1" for a pure one.
    """

    name: str
    key: str
    header: tuple[str, ...]
    direction: Direction | None = "lower"
    interval: str = ""
    floor: float = 0.0
    axis: str = ""
    unit: str = "1"

    @property
    def better(self) -> int:
        """The sign that makes the greater number the better one."""
        return 1 if self.direction == "higher" else -1


_FIXED = (
    Column("family", "family", ("family",), None),
    Column("gate", "gate", ("gate",), None),
    Column("pairs", "pairs", ("pairs", "(styles ×", "contents)"), None),
    Column("adapt", "adapt_s", ("adapt", "s"), "lower", "adapt_s_", 0.001, "adapt", "s"),
    Column("core", "core_ms", ("core", "ms"), "lower", "core_ms_", 0.01, "core", "ms"),
    Column("pair", "pair_ms", ("pair", "ms"), "lower", "pair_ms_", 0.01, unit="ms"),
    Column("e2e", "e2e_ms", ("e2e", "ms"), "lower", "e2e_ms_", 0.01, unit="ms"),
    Column("first-call", "first_call_ms", ("first", "call ms"), floor=0.01, unit="ms"),
    Column("params", "params_m", ("params", "M"), unit="1e6"),
    Column("style-params", "params_per_style_m", ("params", "a style", "M"), unit="1e6"),
    Column("peak", "peak_mb", ("peak", "MB"), unit="MB"),
    Column("gflop", "gflop", ("GFLOP",), unit="GFLOP"),
    Column("peak-share", "peak_share", ("of peak", "%"), "higher", unit="%"),
)
FIXED: Mapping[str, Column] = {column.name: column for column in _FIXED}

SETS: Mapping[str, Sequence[str]] = {
    "speed": ("adapt", "core", "pair", "e2e", "first-call"),
    "cost": ("params", "style-params", "peak", "gflop", "peak-share"),
    "quality": (),  # every metric
    "all": ("family", "speed", "cost", "quality"),
}
"""Names that stand for several columns."""

DEFAULT = ("adapt", "core", "quality")
"""The three axes of the trade-off."""

AXES = ("adapt", "core", "style", "content")

_ARROWS = {"lower": "↓", "higher": "↑"}


def of_metrics(metrics: Mapping[str, MetricRecord]) -> list[Column]:
    """A column for every metric; versions are told apart where there are several."""
    versions: dict[str, set[int]] = {}
    for metric in metrics.values():
        versions.setdefault(metric["name"], set()).add(metric["version"])
    made = []
    for id_, metric in metrics.items():
        several = len(versions[metric["name"]]) > 1
        name = metric["name"] + (f"/{metric['version']}" if several else "")
        unit = "" if metric["unit"] == "1" else f", {metric['unit']}"
        direction: Direction = "higher" if metric["direction"] == "higher" else "lower"
        header = (f"{name} {_ARROWS[direction]}", metric["encoder"] or "", metric["axis"] + unit)
        made.append(
            Column(
                metric["name"],
                id_,
                tuple(line for line in header if line),
                direction,
                f"{id_} ",
                axis=metric["axis"],
                unit=metric["unit"],
            )
        )
    return made


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
    measured = [of_metrics(metrics) for metrics in groups]
    known = {*FIXED, *SETS, *(n for made in measured for c in made for n in (c.name, c.key))}
    for name in asked:
        if name not in known:
            raise unknown("column", name, known)
    return [list(dict.fromkeys(_resolve(asked, made))) for made in measured]


def _resolve(names: Iterable[str], metrics: Sequence[Column]) -> Iterable[Column]:
    for name in names:
        if name == "quality":
            yield from metrics
        elif name in SETS:
            yield from _resolve(SETS[name], metrics)
        elif name in FIXED:
            yield FIXED[name]
        else:
            yield from (column for column in metrics if name in (column.name, column.key))


def sort_key(values: Mapping[str, Any], column: Column) -> tuple[bool, Any]:
    """What sorts rows by a column: the best first, rows without a number last."""
    value = values.get(column.key, math.nan)
    if isinstance(value, str):
        return False, value
    return not math.isfinite(value), -column.better * value if math.isfinite(value) else 0.0
