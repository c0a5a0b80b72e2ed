"""Sliced Wasserstein distance: how far apart two pictures' distributions of features are."""

from __future__ import annotations

from collections.abc import Sequence

from bench.contract import Metric
from bench.hooks import hookimpl

from ._features import COLOUR_FIRST, projections
from ._style_distance import TapsDistance


class SlicedWasserstein(TapsDistance):
    """Mean over taps of the squared 2-Wasserstein distance of the features' projections.

    Heitz, Vanhoey, Chambon, Belcour 2021, eq. 5 to 7: features are projected onto random
    directions, where the distance is that of the sorted values. It sees the whole distribution,
    of which Gram matrices see second moments only. Here with 64 directions per tap that are
    always the same, 256 quantiles each, and divided by the style's own energy: 0 is equal, 1
    is what a picture without any features has. Reference implementation: the paper's, tchambon/
    A-Sliced-Wasserstein-Loss-for-Neural-Texture-Synthesis, with new directions at each call.
    """

    name = "sliced-wasserstein"
    by_default = False
    citation = "Heitz, Vanhoey, Chambon, Belcour 2021, eq. 5-7, relative to the style"
    statistic = staticmethod(projections)


@hookimpl
def bench_metrics() -> Sequence[Metric]:
    """On the judge and on the papers' network."""
    return [SlicedWasserstein("vgg16-bsds", caveat=COLOUR_FIRST), SlicedWasserstein("vgg19")]
