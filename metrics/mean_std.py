"""Mean and deviation distance: how far apart two pictures' channel statistics are."""

from __future__ import annotations

from collections.abc import Sequence

from bench.contract import Metric
from bench.hooks import hookimpl

from ._features import COLOUR_FIRST, moments
from ._style_distance import TapsDistance


class MeanStdDistance(TapsDistance):
    """Mean over taps of the relative squared error of the channels' means and deviations.

    Huang and Belongie 2017 (AdaIN), eq. 13, with each layer's error divided by the style's energy
    and averaged over layers as `gram` does: 0 is equal, 1 is what a picture without any features
    has. Reference implementation: `calc_style_loss` of naoto0804/pytorch-AdaIN, whose plain mean
    squared errors, with other layers in every paper, do not compare. AdaIN-like methods
    set these very statistics at one layer: it favours them.
    """

    name = "mean-std"
    by_default = False
    citation = "Huang, Belongie 2017, eq. 13, relative to the style"
    statistic = staticmethod(moments)


@hookimpl
def bench_metrics() -> Sequence[Metric]:
    """On the judge and on the papers' network."""
    return [MeanStdDistance("vgg16-bsds", caveat=COLOUR_FIRST), MeanStdDistance("vgg19")]
