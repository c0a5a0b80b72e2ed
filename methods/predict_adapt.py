"""Predict, then adapt: Ghiasi's network predicts a style's norms, a few update steps finish it.

Golnaz Ghiasi et al.: Exploring the structure of a real-time, arbitrary neural artistic stylization
network. BMVC 2017 (the prediction). Chi Zhang, Yixin Zhu, Song-Chun Zhu: MetaStyle. AAAI 2019 (the
adaptation).

The pair is of this suite; neither paper has it. MetaStyle starts each style from one learned point
and spends its first steps on what can be read off the style at once: colours, contrast, how coarse
the strokes are. Here the start is `ghiasi`'s network with the scales and shifts that it predicts
for the style, from the same weights file, and the adaptation is `metastyle`'s: Adam on all
parameters, on the photographs that the run provides. After no steps it is `ghiasi`, and its weights
were trained for prediction alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from bench.contract import Budgets, Method, Strength
from bench.hooks import hookimpl
from bench.perceptual import Balance, perceptual_loss

from ._fitting import SMOKE, FitOptions, fit
from ._generated import GeneratedOptions, StartsGenerated
from .ghiasi import Ghiasi, StylePrediction


@dataclass(frozen=True)
class PredictAdaptOptions(FitOptions, GeneratedOptions):
    """Options of the adaptation, as `metastyle`'s."""


class PredictAdapt(StartsGenerated):
    """The start is predicted from the style, the rest adapted."""

    name = "predict-adapt"
    family = "meta-learned"
    citation = "Ghiasi et al., BMVC 2017, with Zhang et al., AAAI 2019"
    Options = PredictAdaptOptions
    strength = Strength("content_weight", (8.0, 4.0, 2.0, 1.0))
    budgets: ClassVar[Budgets] = {"smoke": SMOKE, "quick": {"steps": 50}}
    kind = StylePrediction
    weights = Ghiasi.weights

    @classmethod
    def learns_from(cls, options: PredictAdaptOptions) -> Sequence[str]:
        """The loss network of the training, and that of the adaptation."""
        return tuple(dict.fromkeys((*super().learns_from(options), options.encoder)))

    def load(self) -> None:
        """Build the generator, its network and the loss."""
        super().load()
        o: PredictAdaptOptions = self.options
        self.loss = perceptual_loss(
            self.context, o.encoder, Balance(o.content_weight, o.style_weight)
        )

    def adapt(self, style: Tensor) -> Iterator[None]:
        """Fill the network as `ghiasi` does, then fit it to the style."""
        self.generate(self.read(style))
        yield from fit(self, self.network, style)


@hookimpl
def bench_methods() -> Sequence[type[Method]]:
    """Predict, then adapt."""
    return [PredictAdapt]
