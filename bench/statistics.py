"""Medians, means and their uncertainty from raw numbers; no torch, so that reports start fast."""

from __future__ import annotations

import functools
import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEVEL = 0.95
RESAMPLES = 10_000
LEAST = 6
"""So many independent observations does the interval of a median need: of five, even the range
from the least to the greatest covers the true median less often (1 - 2 / 2^5) than `LEVEL`."""


Labels = Sequence[Hashable] | NDArray[np.int64]
"""What each observation belongs to: names, or their numbers."""


class Interval(NamedTuple):
    """A number with its percentile-bootstrap interval, at the level `LEVEL`.

    `low` and `high` are NaN where there are too few observations to tell.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Summary:
    """What a table says about samples, in the samples' own unit.

    Attributes:
        n: how many samples.
        median, low, high: as of `bootstrap_median`.
        p90: 90th percentile of all samples, linearly interpolated.
        minimum: the smallest sample.
    """

    n: int
    median: float
    low: float
    high: float
    p90: float
    minimum: float


def median_known(values: ArrayLike) -> float:
    """The median of those that are numbers; NaN, without a warning, where none is."""
    numbers = np.asarray(values, float)
    numbers = numbers[~np.isnan(numbers)]
    return float(np.median(numbers)) if len(numbers) else math.nan


def summarise(values: ArrayLike, seed: int = 0, rounds: ArrayLike | None = None) -> Summary:
    """Sum up samples such as seconds; arguments as of `bootstrap_median`.

    Raises:
        ValueError: there are no samples, or not as many rounds.
    """
    samples = _samples(values)
    median, low, high = bootstrap_median(samples, seed, rounds)
    p90, minimum = float(np.quantile(samples, 0.9)), float(samples.min())
    return Summary(len(samples), median, low, high, p90, minimum)


def bootstrap_median(values: ArrayLike, seed: int = 0, rounds: ArrayLike | None = None) -> Interval:
    """The median with its percentile-bootstrap interval; arguments as of `median_draws`.

    Returns:
        The median and its bounds, which are NaN for fewer than `LEAST` values or rounds.

    Raises:
        ValueError: there are no values, or not as many rounds.
    """
    median = float(np.median(medians_of_rounds(values, rounds)))
    draws = median_draws(values, seed, rounds)
    if draws is None:
        return Interval(median, float("nan"), float("nan"))
    return Interval(median, *percentile_bounds(draws))


def median_draws(
    values: ArrayLike, seed: int | Sequence[int] = 0, rounds: ArrayLike | None = None
) -> NDArray[np.float64] | None:
    """Medians of `RESAMPLES` bootstrap samples (Efron 1979).

    Samples of one interleaving round share what the machine was doing then: they are not
    independent, the rounds are. Given the rounds, each is taken as its own median, and the number
    is the median of those: every round counts alike, however many samples fitted into it.

    The median of n values drawn with replacement depends on nothing but the middle order
    statistics of n uniform numbers, which follow Beta laws. Drawing those instead of n values
    gives the same distribution at a cost that does not grow with n.

    Args:
        values: independent observations, or samples.
        seed: of the draws; quantities that are put together need different ones.
        rounds: the round of each sample; None where every value is independent.

    Returns:
        None for fewer than `LEAST` values or rounds.

    Raises:
        ValueError: there are no values, or not as many rounds.
    """
    ordered = np.sort(medians_of_rounds(values, rounds))
    n = len(ordered)
    if n < LEAST:
        return None
    lower, upper = _middle_places(n, seed if isinstance(seed, int) else tuple(seed))
    return ordered[lower] if n % 2 else (ordered[lower] + ordered[upper]) / 2


@functools.lru_cache(maxsize=32)
def _middle_places(
    n: int, seed: int | tuple[int, ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which of n ordered values are the two middle ones, per resample; a table's rows share them.

    The two are the same for an odd number.
    """
    rng = np.random.default_rng(seed)
    rank = (n + 1) // 2
    quantile = rng.beta(rank, n - rank + 1, RESAMPLES)
    if n % 2:
        return _place(quantile, n), _place(quantile, n)
    # given the lower middle one, the upper is the least of n - rank uniforms above it
    above = quantile + (1 - quantile) * rng.beta(1, n - rank, RESAMPLES)
    return _place(quantile, n), _place(above, n)


def cluster_bootstrap_mean(
    values: ArrayLike,
    styles: Labels,
    contents: Labels,
    seed: int = 0,
) -> Interval:
    """The mean over (style, content) pairs, with a two-way cluster-bootstrap interval.

    Styles and contents are drawn with replacement, each on its own, and a pair counts as often
    as its style was drawn times its content was: the pigeonhole bootstrap (Owen 2007, Annals of
    Applied Statistics 1(2)). Drawing pairs instead would treat the pictures of one style as
    independent, which they are not.

    Args:
        values: one number per picture.
        styles: each picture's style. With a single style the interval speaks of that style only.
        contents: each picture's content; pairs may be missing.
        seed: of the draws.

    Raises:
        ValueError: there are no values, or the three differ in length.
    """
    return cluster_bootstrap_means([values], styles, contents, seed)[0]


def cluster_bootstrap_means(
    values: Sequence[ArrayLike],
    styles: Labels,
    contents: Labels,
    seed: int = 0,
) -> list[Interval]:
    """`cluster_bootstrap_mean` of several quantities of the same pictures, at less than their cost.

    Raises:
        ValueError: there are no values, or not as many as styles and contents.
    """
    samples = [_samples(some) for some in values]
    if any(not len(some) == len(styles) == len(contents) for some in samples):
        raise ValueError("values, styles and contents differ in length")
    rows, style_count = _codes(styles)
    columns, content_count = _codes(contents)
    means = [float(some.mean()) for some in samples]
    if style_count == content_count == 1:
        return [Interval(mean, float("nan"), float("nan")) for mean in means]
    shape = (content_count, style_count)
    cells = np.ravel_multi_index((columns, rows), shape)
    size = content_count * style_count
    sums = np.stack([np.bincount(cells, some, size).astype(float) for some in samples])
    counts = np.bincount(cells, minlength=size).astype(np.float64)
    draws_of = _cluster_draws(style_count, content_count, seed)

    def totals(of: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.concatenate(
            [_drawn(of, *(part.astype(np.float64) for part in parts)) for parts in draws_of], axis=1
        )

    # where no pair is missing every draw is of as many pairs
    sizes = np.full(RESAMPLES, float(counts.size)) if (counts == 1).all() else totals(counts)[0]
    held = sizes > 0  # with missing pairs a draw may hold none
    draws = totals(sums)[:, held] / sizes[held]
    return [
        Interval(mean, *percentile_bounds(of_one))
        for mean, of_one in zip(means, draws, strict=True)
    ]


def _drawn(
    sums: NDArray[np.float64], style_draws: NDArray[np.float64], content_draws: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Quantities (quantity, content x style) summed over what was drawn: (quantity, resample)."""
    contents, resamples = content_draws.shape
    of_content = sums.reshape(-1, len(style_draws)) @ style_draws
    drawn: NDArray[np.float64] = np.einsum(
        "mjb,jb->mb", of_content.reshape(-1, contents, resamples), content_draws
    )
    return drawn


_BLOCK = 50
"""Resamples at a time: of a thousand styles, the draws of all would take 80 MB, and a product so
large would be shared among threads that wait for each other where the cores are taken."""


@functools.lru_cache(maxsize=4)
def _cluster_draws(
    style_count: int, content_count: int, seed: int
) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """How often each style and each content is drawn (count, resample), some resamples at a time.

    A table's rows share it.
    """
    rng = np.random.default_rng(seed)
    styles, contents = (
        [_multinomial(rng, count, _BLOCK) for _ in range(RESAMPLES // _BLOCK)]
        for count in (style_count, content_count)
    )
    return list(zip(styles, contents, strict=True))


def _multinomial(rng: np.random.Generator, count: int, resamples: int) -> NDArray[Any]:
    drawn = rng.multinomial(count, np.full(count, 1 / count), resamples).T
    return np.ascontiguousarray(drawn, dtype=np.min_scalar_type(int(drawn.max())))


def aa_noise(
    first: ArrayLike,
    second: ArrayLike,
    first_rounds: ArrayLike | None = None,
    second_rounds: ArrayLike | None = None,
) -> float:
    """How far two measurements of one thing may lie apart, as a share: the A/A control.

    That is the end farther from 1 of the 95 % interval of the median ratio over the rounds that
    both took part in; of the ratio itself where there are too few rounds for an interval.

    Args:
        first, second: seconds of the two.
        first_rounds, second_rounds: the interleaving round of each; by default its place.

    Raises:
        ValueError: they have no round in common, or not as many rounds as values.
    """
    taken = []
    for values, rounds in ((first, first_rounds), (second, second_rounds)):
        samples = _samples(values)
        numbers = np.arange(len(samples)) if rounds is None else np.asarray(rounds)
        taken.append(dict(zip(np.unique(numbers), _medians(samples, numbers), strict=True)))
    common = taken[0].keys() & taken[1].keys()
    ratios = [np.log(taken[0][number] / taken[1][number]) for number in sorted(common)]
    return float(np.expm1(np.nanmax(np.abs(bootstrap_median(ratios)))))


def medians_of_rounds(values: ArrayLike, rounds: ArrayLike | None) -> NDArray[np.float64]:
    """What is independent: the medians of the rounds, or without rounds the values themselves.

    Raises:
        ValueError: there are no values, or not as many rounds.
    """
    samples = _samples(values)
    return samples if rounds is None else _medians(samples, np.asarray(rounds))


def percentile_bounds(draws: NDArray[np.float64]) -> tuple[float, float]:
    """The ends of the middle `LEVEL` of bootstrap draws."""
    # as np.quantile, which takes three times as long: tables have hundreds of these
    ends = [(len(draws) - 1) * share for share in ((1 - LEVEL) / 2, (1 + LEVEL) / 2)]
    below = [int(end) for end in ends]
    above = [min(place + 1, len(draws) - 1) for place in below]
    ordered = np.partition(draws, [*below, *above])
    low, high = (
        float(ordered[a] + (end - a) * (ordered[b] - ordered[a]))
        for end, a, b in zip(ends, below, above, strict=True)
    )
    return low, high


def _samples(values: ArrayLike) -> NDArray[np.float64]:
    samples = np.asarray(values, np.float64).reshape(-1)
    if not len(samples):
        raise ValueError("no values to sum up")
    return samples


def _medians(samples: NDArray[np.float64], groups: NDArray[Any]) -> NDArray[np.float64]:
    """The median of each group."""
    if groups.shape != samples.shape:
        raise ValueError("values and rounds differ in length")
    order = np.lexsort((samples, groups))
    _, starts, counts = np.unique(groups[order], return_index=True, return_counts=True)
    ordered = samples[order]
    middles: NDArray[np.float64] = (
        ordered[starts + (counts - 1) // 2] + ordered[starts + counts // 2]
    ) / 2
    return middles


def _place(quantile: NDArray[np.float64], n: int) -> NDArray[np.int64]:
    return np.minimum((quantile * n).astype(np.int64), n - 1)


def _codes(labels: Labels) -> tuple[NDArray[np.int64], int]:
    """Each label's number, in the order in which they first come, and how many there are."""
    if isinstance(labels, np.ndarray):
        _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
        return np.argsort(np.argsort(first))[inverse], len(first)
    number = {label: index for index, label in enumerate(dict.fromkeys(labels))}
    return np.array([number[label] for label in labels], np.int64), len(number)
