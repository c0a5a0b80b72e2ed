"""Amortised cost: adapt + K · core for K pictures in one new style, and who is cheaper from when.

A method that adapts for long and stylizes fast pays from some number of pictures on. All costs are
medians; intervals draw the medians of adaptation and of core time again, each on its own.

A method whose weights were trained before owes that training too, where its user has to repeat it
for a domain of their own. It has a second cost "with its training", which is held against the
others' with theirs; one that trains in its adaptation owes nothing more.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.errors import BenchError
from bench.report import rows
from bench.report.model import Group, Row
from bench.report.summary import heading
from bench.results import Frames
from bench.statistics import LEVEL, median_draws
from bench.tables import data, formats
from bench.tables.model import BEST, WIDTH, Cell, Marks, Section, Table
from bench.tables.text import clean, digits, interval_text, short

if TYPE_CHECKING:
    from pandas import DataFrame

COUNTS = (1, 10, 100, 1_000, 10_000)
FORMATS = (*formats.TEXT, "csv")
WITH_TRAINING = " with its training"
LONGEST = 36
"""Characters of a name of one of a pair."""


class Cost(NamedTuple):
    """What a method costs in one new style, in seconds.

    Attributes:
        row: of the report.
        adapt: once, with `training`.
        image: for every picture.
        draws: (2, RESAMPLES), of both; None where there are too few observations.
        training: of its weights; 0 where it is not counted.
    """

    row: Row
    adapt: float
    image: float
    draws: NDArray[np.float64] | None
    training: float = 0.0

    @property
    def label(self) -> str:
        """The row's, and whether the training is counted."""
        return f"{self.row.label}{WITH_TRAINING}" if self.training else self.row.label

    def total(self, images: float) -> float:
        """Seconds for so many pictures."""
        return self.adapt + images * self.image

    def interval(self, images: float) -> tuple[float, float]:
        """The 95 % interval of `total`; NaN where there is none."""
        return _bounds(None if self.draws is None else self.draws[0] + images * self.draws[1])


class BreakEven(NamedTuple):
    """From so many pictures on, `later` costs no more than `first`; from 1 on: always."""

    later: Cost
    first: Cost
    images: float
    low: float
    high: float


def break_even(
    adapt: ArrayLike, image: ArrayLike, other_adapt: ArrayLike, other_image: ArrayLike
) -> NDArray[np.float64]:
    """From how many pictures on a method costs no more than another one, for good.

    Args:
        adapt: seconds of adaptation.
        image: seconds per picture.
        other_adapt, other_image: those of the other method. All may be arrays of one shape.

    Returns:
        Whole numbers: the least K of at least 1 such that for every count from K on
        `adapt + count * image <= other_adapt + count * other_image`; infinity where there is none.
    """
    owed = np.asarray(adapt, float) - np.asarray(other_adapt, float)
    gain = np.asarray(other_image, float) - np.asarray(image, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = np.ceil(np.round(owed / gain, 9))  # 0.3 / 0.1 is 3, not 4
    always = np.where((gain == 0) & (owed <= 0), 1.0, math.inf)
    counts: NDArray[np.float64] = np.where(gain > 0, np.maximum(crossing, 1), always)
    return counts


def costs(group: Group, seed: int = 0) -> list[Cost]:
    """The costs of all rows that have both numbers, but for the anchors."""
    found = []
    for number, row in enumerate(group.rows):
        adapt = row.adapt.value
        image = row.core.value / 1e3 / row.batch
        if row.anchor or not math.isfinite(adapt + image):
            continue
        draws = [
            median_draws(
                row.timings[scope].seconds, (seed, number, place), row.timings[scope].rounds
            )
            for place, scope in enumerate(("adapt", "core"))
        ]
        both = None
        if draws[0] is not None and draws[1] is not None:
            both = np.stack([draws[0], draws[1] / row.batch])
        found.append(Cost(row, adapt, image, both))
    return found


def trained(known: Sequence[Cost]) -> list[Cost]:
    """The costs of who trains all weights anew: nothing more where a method has none.

    Those whose training is not known are left out.
    """
    found = []
    for cost in known:
        seconds = cost.row.training
        if not math.isfinite(seconds):
            continue
        draws = None if cost.draws is None else cost.draws + np.array([[seconds], [0.0]])
        found.append(Cost(cost.row, seconds + cost.adapt, cost.image, draws, seconds))
    return found


def pairs(known: Sequence[Cost]) -> list[BreakEven]:
    """Every pair of one size: the method with the cheaper picture against the other one."""
    found = []
    for one, two in combinations(known, 2):
        if one.row.where != two.row.where:
            continue
        later, first = sorted((one, two), key=lambda cost: (cost.image, cost.adapt))
        images = float(break_even(later.adapt, later.image, first.adapt, first.image))
        low = high = math.nan
        if later.draws is not None and first.draws is not None:
            low, high = _bounds(break_even(*later.draws, *first.draws))
        found.append(BreakEven(later, first, images, low, high))
    return sorted(found, key=lambda pair: (*pair.later.row.where, pair.later.row.label))


def pairs_with_training(known: Sequence[Cost]) -> list[BreakEven]:
    """As `pairs`, of the costs with the training; those that owe none stand in `pairs`."""
    return [pair for pair in pairs(trained(known)) if pair.later.training or pair.first.training]


def _bounds(draws: NDArray[np.float64] | None) -> tuple[float, float]:
    if draws is None:
        return math.nan, math.nan
    ends = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
    low, high = np.quantile(draws, ends, method="inverted_cdf")  # infinity is no number to mix
    return float(low), float(high)


def frame(groups: Sequence[Group], seed: int = 0) -> DataFrame:
    """Costs and break-even points as long data.

    Returns:
        Columns environment, dataset_fingerprint, size, method, instead_of (empty for a cost),
        with_training (whether it is counted), images, seconds (NaN for a break-even), low, high:
        of the seconds, or of the images of a break-even, which are infinite where no number of
        pictures pays.
    """
    return data.frame([line for group in groups for line in _lines(group, seed)])


def _lines(group: Group, seed: int) -> Iterator[dict[str, Any]]:
    def subject(row: Row, instead_of: str, with_training: bool) -> dict[str, Any]:
        return {
            "environment": row.variant.environment,
            "dataset_fingerprint": row.variant.dataset,
            "size": row.size,
            "method": row.label,
            "instead_of": instead_of,
            "with_training": with_training,
        }

    known = costs(group, seed)
    for cost in (*known, *(cost for cost in trained(known) if cost.training)):
        for images in COUNTS:
            low, high = cost.interval(images)
            numbers = {"images": images, "seconds": cost.total(images), "low": low, "high": high}
            yield subject(cost.row, "", bool(cost.training)) | numbers
    for pair in (*pairs(known), *pairs_with_training(known)):
        owed = bool(pair.later.training or pair.first.training)
        yield subject(pair.later.row, pair.first.row.label, owed) | {
            "images": pair.images,
            "seconds": math.nan,
            "low": pair.low,
            "high": pair.high,
        }


def render(
    frames: Frames,
    format: str = "plain",
    *,
    width: int = WIDTH,
    color: bool = False,
    seed: int = 0,
) -> str:
    """The tables of `section`, or `frame` as csv.

    Raises:
        BenchError: not one of `FORMATS`.
    """
    if format not in FORMATS:
        raise BenchError(f"--amortised goes with --format {', '.join(FORMATS)}, not {format}")
    groups = rows.groups(frames, seed=seed)
    if format == "csv":
        return data.csv(frame(groups, seed))
    sections = [section(group, seed) for group in groups]
    return formats.write(sections, frames.warnings, format, width, color)


def section(group: Group, seed: int = 0) -> Section:
    """A table of the costs, and of the break-even points, where there are two methods."""
    known = costs(group, seed)
    tables = [_sums(known)]
    for title, found in (
        ("", pairs(known)),
        (", all trained anew", pairs_with_training(known)),
    ):
        if found:
            tables.append(_break_even(title, found))
    missing = [
        f"{short(row.label)} {row.size}: no cost without both adapt and core"
        for row in group.rows
        if not row.anchor and all(cost.row is not row for cost in known)
    ]
    return Section(heading(group), tables, [clean(note) for note in missing])


def _sums(known: Sequence[Cost]) -> Table:
    """Every row's cost; below it that with its training, or why that is not known."""
    marks = Marks()
    sums = Table(
        "Seconds for K pictures in one new style, adapt + K · core (95 % intervals below)",
        [["method"], ["size"], *([f"K = {images:,}"] for images in COUNTS)],
        [],
        [],
        left=1,
    )
    whole = trained(known)
    owing = {id(cost.row): cost for cost in whole if cost.training}
    for cost in known:
        notes = list(cost.row.notes)
        if cost.row.trainings and math.isnan(cost.row.training):
            notes.append("what its training took is not known")
        lines = [(short(cost.row.method), cost, known, notes)]
        if owed := owing.get(id(cost.row)):
            lines.append((WITH_TRAINING.strip(), owed, whole, [training_text(cost.row)]))
        for name, shown, rivals, notes in lines:
            sums.lines.append(
                [
                    Cell(name, marks=marks.of(notes, sums.notes)),
                    Cell(str(cost.row.size)),
                    *(_cost_cell(shown, images, rivals) for images in COUNTS),
                ]
            )
            sums.faded.append(False)
    if any(cell.best for line in sums.lines for cell in line):
        sums.notes.append(BEST)
    return sums


def training_text(row: Row) -> str:
    """What a row's training took and where, and what that leaves out."""
    parts = []
    for part in row.trainings or ():
        text = (
            f"training of {short(part.file)}: {(part.seconds or 0) / 3600:.3g} h ({part.machine})"
        )
        parts.append(
            text
            + (f", without that of {short(part.start)}, from which it starts" if part.start else "")
        )
    return "; ".join(map(clean, parts))


def _break_even(title: str, found: Sequence[BreakEven]) -> Table:
    return Table(
        f"Break-even{title}: the method costs no more than the other from so many pictures on",
        [["method"], ["instead of"], ["size"], ["from pictures"]],
        [
            [
                Cell(short(pair.later.label, LONGEST)),
                Cell(short(pair.first.label, LONGEST)),
                Cell(str(pair.later.row.size)),
                _count_cell(pair),
            ]
            for pair in found
        ],
        [False] * len(found),
        left=2,
    )


def _cost_cell(cost: Cost, images: int, others: Sequence[Cost]) -> Cell:
    rivals = [
        other.total(images)
        for other in others
        if other.row.where == cost.row.where and other.row.quality_gate != "failed"
    ]
    total = cost.total(images)
    best = len(rivals) > 1 and total == min(rivals) and cost.row.quality_gate != "failed"
    interval = interval_text(*cost.interval(images), total, 1e-3)
    return Cell(digits(total, floor=1e-3), interval, best=best)


def _count_cell(pair: BreakEven) -> Cell:
    text = "always" if pair.images == 1 else f"{pair.images:,.0f}"
    if not math.isfinite(pair.low) or pair.low == pair.high:
        return Cell(text)
    high = "∞" if math.isinf(pair.high) else f"{pair.high:,.0f}"
    return Cell(text, (f"{pair.low:,.0f}", high))
