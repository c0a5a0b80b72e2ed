"""Whether something has become slower: FAST, SLOW, SAME or AMBIGUOUS, from repeated timings.

A verdict needs two things at once: a rank test that finds a difference, and an effect above a
floor, which is no less than what the machine's noise makes of two measurements of one thing. No
torch here.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bench.statistics import bootstrap_median, median_draws, medians_of_rounds, percentile_bounds

Verdict = Literal["FAST", "SLOW", "SAME", "AMBIGUOUS"]

ALPHA = 0.01
"""The level of the rank tests."""


class Difference(NamedTuple):
    """A measurement against an earlier one of the same thing.

    Attributes:
        ratio: seconds now by seconds before; above 1 is slower.
        low, high: of its 95 % bootstrap interval; NaN for fewer than `statistics.LEAST` rounds.
        p: of the rank test, two-sided.
        floor: the least share that counts as a difference.
        verdict: FAST or SLOW where p is below `ALPHA` and the effect above the floor, SAME where
            the whole interval lies within the floor, otherwise AMBIGUOUS.
    """

    ratio: float
    low: float
    high: float
    p: float
    floor: float
    verdict: Verdict

    @property
    def beyond(self) -> bool:
        """Whether the effect is above the floor."""
        return self.exceeds(self.floor)

    def exceeds(self, share: float) -> bool:
        """Whether the effect is above a share, in either direction."""
        return not 1 / (1 + share) <= self.ratio <= 1 + share


def unpaired(
    base: ArrayLike,
    new: ArrayLike,
    floor: float,
    base_rounds: ArrayLike | None = None,
    new_rounds: ArrayLike | None = None,
    seed: int = 0,
) -> Difference:
    """Two measurements that were made at different times, by the Mann-Whitney test.

    Args:
        base, new: seconds.
        floor: the least share that counts.
        base_rounds, new_rounds: the interleaving round of each; rounds are what is independent.
        seed: of the bootstrap.

    Raises:
        ValueError: there are no values, or not as many rounds.
    """
    from scipy.stats import mannwhitneyu

    first, second = (
        medians_of_rounds(values, rounds)
        for values, rounds in ((base, base_rounds), (new, new_rounds))
    )
    ratio = float(np.median(second) / np.median(first))
    draws = [median_draws(values, (seed, n)) for n, values in enumerate((first, second))]
    low = high = math.nan
    if draws[0] is not None and draws[1] is not None:
        low, high = percentile_bounds(draws[1] / draws[0])
    p = float(mannwhitneyu(second, first).pvalue)
    return _with_verdict(ratio, low, high, p, floor)


def paired(ratios: ArrayLike, floor: float, bias: float = 0.0, seed: int = 0) -> Difference:
    """Measurements made side by side, by Wilcoxon's signed-rank test.

    Args:
        ratios: seconds of the new by those of the old thing, one per round.
        floor: the least share that counts.
        bias: a share that even a perfect measurement of one thing may be off, as two processes
            with the same code are; the test asks for more.
        seed: of the bootstrap.

    Raises:
        ValueError: there are none.
    """
    from scipy.stats import wilcoxon

    logs = np.log(np.asarray(ratios, np.float64))
    value, low, high = bootstrap_median(logs, seed)
    excess = math.copysign(1.0, value) * logs - math.log1p(bias)
    one_sided = wilcoxon(excess, alternative="greater").pvalue if excess.any() else 1.0
    p = min(1.0, 2 * float(one_sided))  # the direction was chosen by the data
    return _with_verdict(math.exp(value), math.exp(low), math.exp(high), p, floor)


def _with_verdict(ratio: float, low: float, high: float, p: float, floor: float) -> Difference:
    found = Difference(ratio, low, high, p, floor, "AMBIGUOUS")
    if not math.isfinite(low):
        return found
    if found.beyond:
        return found if p >= ALPHA else found._replace(verdict="SLOW" if ratio > 1 else "FAST")
    within = low >= 1 / (1 + floor) and high <= 1 + floor
    return found._replace(verdict="SAME") if within else found
