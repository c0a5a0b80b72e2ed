"""Kernel distance of deep features: of a set of stylized pictures from their styles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.contract import Context, Metric, SetMetric, SetScore, Triple
from bench.errors import BenchError
from bench.hooks import hookimpl

from ._features import gathered
from .fid import PooledFeatures

Samples = NDArray[np.float64]
Kernel = Callable[[Samples, Samples], Samples]


def mean_discrepancy(first: Samples, second: Samples, kernel: Kernel, *, unbiased: bool) -> float:
    """The squared maximum mean discrepancy of samples (N, C) and (M, C).

    Gretton et al. 2012, eq. 3 where unbiased, in which no sample is compared with itself (and which
    may be below 0), and else eq. 5.

    Raises:
        BenchError: fewer than two samples on a side, where unbiased.
    """
    least = min(len(first), len(second))
    if unbiased and least < 2:
        raise BenchError(
            f"an unbiased discrepancy needs at least 2 samples, got {least}: take more pictures"
        )
    within = 0.0
    for samples in (first, second):
        likeness, count = kernel(samples, samples), len(samples)
        if unbiased:
            within += (likeness.sum() - np.trace(likeness)) / (count * (count - 1))
        else:
            within += likeness.mean()
    return float(within - 2 * kernel(first, second).mean())


def cubic_kernel(first: Samples, second: Samples) -> Samples:
    """(x·y / C + 1)³ of samples (N, C) and (M, C): (N, M)."""
    return np.asarray((first @ second.T / first.shape[1] + 1) ** 3)


class KID(SetMetric):
    """`mean_discrepancy` of FID's features of all stylized pictures and of their styles.

    Bińkowski, Sutherland, Arbel, Gretton 2018, section 4: the cubic polynomial kernel, unbiased, so
    that unlike FID it compares across numbers of pictures. Of all pictures at once, where
    torch-fidelity and others take the mean over random subsets of 1,000; tables often show it
    times 1,000. A style that several contents were stylized in counts as often.
    """

    name = "kid"
    axis = "style"
    min_size = 75
    by_default = False
    encoder = "fid-inception"
    citation = "Bińkowski, Sutherland, Arbel, Gretton 2018"

    def load(self, context: Context) -> None:
        """Load the encoder."""
        self._features = PooledFeatures(context, self.encoder)

    def score_set(self, pictures: Iterable[Triple]) -> SetScore:
        """The discrepancy; the contents play no part."""
        stylized_features, wanted = gathered(self._features.read, pictures)
        return SetScore(mean_discrepancy(stylized_features, wanted, cubic_kernel, unbiased=True))


@hookimpl
def bench_metrics() -> Sequence[Metric]:
    """One metric."""
    return [KID()]
