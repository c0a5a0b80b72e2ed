"""Ghiasi's arbitrary style transfer: a style prediction network gives the instance norms.

Golnaz Ghiasi, Honglak Lee, Manjunath Kudlur, Vincent Dumoulin, Jonathon Shlens: Exploring the
structure of a real-time, arbitrary neural artistic stylization network. BMVC 2017.

Departures from the paper:

- The style is read off a VGG19 of a quarter of its channels, which stays fixed: means and
  deviations of the channels at five taps (the paper: means at Inception-v3's Mixed-6e, fine-tuned
  with the rest). The bottleneck has the paper's 100 numbers, the style embedding S.
- The transformation network is MetaStyle's; what is predicted is added to its own scales and
  shifts. So `ghiasi` and `metastyle` differ in how a style's numbers are found, by prediction or by
  adaptation, and in nothing else.
- The loss is the normalised one of the other trained methods, on that VGG19 (the paper:
  VGG16), over 3,681 styles instead of 80,000 paintings and 6,000 textures.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from bench.contract import Method, Recipe, Weights
from bench.hooks import hookimpl

from ._generated import Generated, Generator, GeneratorTraining
from ._style_statistics import StyleStatistics
from ._transform_net import TransformNet, norm_vector, norms_from

EMBEDDING = 100
"""Numbers in the bottleneck (paper, §3.2)."""


class StylePrediction(Generator):
    """Statistics to the style embedding to scales and shifts (paper, §3.2), both layers linear."""

    def __init__(self, statistics: StyleStatistics, transform: TransformNet) -> None:
        super().__init__(statistics, transform)
        self.embed = nn.Linear(statistics.size, EMBEDDING)
        self.predict = nn.Linear(EMBEDDING, norm_vector(transform).numel(), bias=False)
        nn.init.zeros_(self.predict.weight)  # at first every style gets the neutral network

    def parameters_for(self, numbers: Tensor) -> dict[str, Tensor]:
        """All scales and shifts of the instance normalisations."""
        return norms_from(self.transform, self.norms(numbers))

    def norms(self, numbers: Tensor) -> Tensor:
        """The same as vectors (…, 3200) for numbers (…, D)."""
        embedding = self.embed(numbers) / EMBEDDING**0.5  # so that Adam's steps fit the output
        change: Tensor = self.predict(embedding)
        return norm_vector(self.transform) + change.float()

    def stylized(self, contents: Tensor, numbers: Tensor) -> Tensor:
        """Contents, each in its own style, in one pass."""
        pictures: Tensor = self.transform(contents, self.norms(numbers))
        return pictures


class GhiasiTraining(GeneratorTraining):
    """Prediction and transformation learn together (paper, §3.2)."""

    paper = Recipe(
        {"encoder": "vgg16", "size": 256, "batch": 8, "lr": 1e-5, "decay": 0.0},
        steps=8_000_000,
        contents="ImageNet",
        styles="Painter by Numbers",
        source="Magenta's code",
    )

    kind = StylePrediction


class Ghiasi(Generated):
    """A style prediction network, and MetaStyle's transformation network."""

    name = "ghiasi"
    citation = "Ghiasi, Lee, Kudlur, Dumoulin, Shlens, BMVC 2017"
    kind = StylePrediction
    training = GhiasiTraining
    weights = (
        Weights(
            "ghiasi.safetensors",
            "b5369a73df8d219a6aaeacf8e7909355b39068d3fbbfd3e0014554638ba64c51",
            "bench train ghiasi",
            "MIT",
        ),
    )


@hookimpl
def bench_methods() -> Sequence[type[Method]]:
    """Ghiasi's method."""
    return [Ghiasi]
