"""Style distance: how far apart two pictures' Gram matrices are."""

from __future__ import annotations

from collections.abc import Sequence

from bench.contract import Metric
from bench.hooks import hookimpl

from ._features import COLOUR_FIRST, PERCEPTUALLY_TRAINED, grams
from ._style_distance import TapsDistance


class StyleDistance(TapsDistance):
    """Mean over taps of the relative squared error of Gram matrices, see `style_distance`."""

    name = "gram"
    citation = "Gatys, Ecker, Bethge 2016, eq. 4-5, relative to the style"
    statistic = staticmethod(grams)


@hookimpl
def bench_metrics() -> Sequence[Metric]:
    """On the judge, on the papers' network and on the built-in methods' training encoder."""
    return [
        StyleDistance("vgg16-bsds", caveat=COLOUR_FIRST),
        StyleDistance("vgg16"),
        StyleDistance("vgg19-quarter", training_loss_of=PERCEPTUALLY_TRAINED),
        StyleDistance("efficientnet-lite0"),
    ]
