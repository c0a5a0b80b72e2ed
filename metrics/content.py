"""Content distance: how far apart two pictures' deep features are."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from bench.contract import Context, Metric
from bench.hooks import hookimpl
from bench.losses import relative_error

from ._features import PERCEPTUALLY_TRAINED, Features
from ._features import content as content_features

LOWERED = "falls where a method minimises it"


class ContentDistance(Metric):
    """Squared error of the encoder's content features over the content's energy.

    Gatys et al. 2016, eq. 1; Johnson et al. 2016, eq. 2; made relative, so that contents and
    encoders become comparable: 0 is equal, 1 is what a picture without any features has.
    """

    name = "content"
    axis = "content"
    citation = "Johnson, Alahi, Fei-Fei 2016, eq. 2, relative to the content"

    def __init__(
        self, encoder: str, training_loss_of: Sequence[str] = (), caveat: str = ""
    ) -> None:
        self.encoder = encoder
        self.caveat = caveat
        self.training_loss_of = training_loss_of

    def load(self, context: Context) -> None:
        """Load the encoder."""
        self._features = Features(context, str(self.encoder), content_features)

    def score(self, stylized: Tensor, content: Tensor, style: Tensor) -> float:
        """The distance; the style plays no part."""
        value, target = (self._features.read(picture) for picture in (stylized, content))
        return relative_error(value, target).item()


@hookimpl
def bench_metrics() -> Sequence[Metric]:
    """On the judge, on the papers' network and on the built-in methods' training encoder."""
    return [
        ContentDistance("vgg16-bsds"),
        ContentDistance("vgg16"),
        ContentDistance("vgg19-quarter", PERCEPTUALLY_TRAINED, LOWERED),
        ContentDistance("efficientnet-lite0", caveat=LOWERED),
    ]
