"""Style-Swap: every patch of the content's features becomes the most similar patch of the style's.

Tian Qi Chen, Mark Schmidt: Fast Patch-based Style Transfer of Arbitrary Style. NIPS 2016 Workshop
on Constructive Machine Learning.

Departures from the paper:

- The inverse network has no instance normalisation, and learns from half as many swapped features
  as real ones with an error in pixels beside the one in features (paper, eq. 8), since it sees
  thousands of pictures and not 80,000.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bench.contract import Method, Recipe, Weights
from bench.hooks import hookimpl
from bench.losses import relative_error, total_variation
from bench.options import option

from ._feature_matching import Pyramid, mirror
from ._network_training import NetworkTraining, TrainingOptions
from ._patches import swap
from ._trained import Trained, TrainedOptions
from ._transform_net import load_weights, padded


@dataclass(frozen=True)
class StyleSwapTrainingOptions(TrainingOptions):
    """Settings of the training; relu3_1 of VGG19 is the paper's layer."""

    encoder: str = option("vgg19-head", "network of the features, down to relu3_1")
    batch: int = option(4, "contents per step, and as many styles; half of both are swapped", low=2)


class StyleSwapTraining(NetworkTraining):
    """The inverse network learns from features as they are and from swapped ones (paper, §3.3)."""

    Options = StyleSwapTrainingOptions
    paper = Recipe(
        {"size": 256, "batch": 2, "decay": 1e-4},
        steps=80_000,
        contents="MS-COCO",
        styles="Painter by Numbers",
        source="the authors' code",
    )

    def build(self) -> nn.Module:
        """The inverse network."""
        self.pyramid = Pyramid(self.context, self.options.encoder)
        return mirror(self.pyramid)

    def terms(self, contents: Tensor, drawn: Sequence[int]) -> dict[str, Tensor]:
        """Error in features (paper, eq. 8), and in pixels where there is a picture to compare."""
        styles = self.crops(drawn, self.options.size)
        half = len(contents) // 2
        pictures = torch.cat([contents[:half], styles[:half]])
        with torch.no_grad():
            real, others = self.pyramid(pictures)[-1], self.pyramid(contents[half:])[-1]
            pairs = zip(others[:, None], self.pyramid(styles[half:])[-1][:, None], strict=True)
            swapped = torch.cat([swap(content, style, 3) for content, style in pairs])
        decoded = self.network(torch.cat([real, swapped]))
        again = self.pyramid(decoded)[-1]
        feature = relative_error(again, torch.cat([real, swapped])).mean()
        pixel = relative_error(decoded[: len(pictures)], pictures).mean()
        smooth = total_variation(decoded).mean()
        return {"total": feature + pixel + 0.05 * smooth, "feature": feature, "pixel": pixel}


@dataclass(frozen=True)
class StyleSwapOptions(TrainedOptions):
    """Options of the transfer."""

    patch: int = option(3, "side of the patches in feature positions", low=1)


class StyleSwap(Trained):
    """Patches swapped in one layer's features, and an inverse network (paper, §3)."""

    name = "style-swap"
    family = "arbitrary"
    citation = "Chen, Schmidt, NIPS workshop 2016"
    Options = StyleSwapOptions
    mixes = False  # two styles' feature maps have nothing in common
    trains_on = ("vgg19-head",)
    training = StyleSwapTraining
    weights = (
        Weights(
            "style-swap.safetensors",
            "0813bdff30418507520e5b2429e4057e5a2a26798623401dc7dc7f6cebf79959",
            "bench train style-swap",
            "MIT",
        ),
    )

    def load(self) -> None:
        """Build the encoder and the inverse network."""
        tensors, trained_with, file = self.read_weights()
        self.pyramid = Pyramid(self.context, trained_with["encoder"])
        self.inverse = self.context.place(mirror(self.pyramid).requires_grad_(False))
        load_weights(self.inverse, tensors, file)

    def adapt(self, style: Tensor) -> None:
        """Keep the style's features, whose patches are looked up."""
        self.style = self._encoded(style)

    def stylize(self, content: Tensor) -> Tensor:
        """Encode, swap, decode."""
        height, width = content.shape[2:]
        swapped = swap(self._encoded(content), self.style, self.options.patch)
        stylized: Tensor = self.inverse(swapped)
        return stylized[..., :height, :width]

    def _encoded(self, picture: Tensor) -> Tensor:
        """Features of the deepest level."""
        levels: list[Tensor] = self.pyramid(padded(picture, self.pyramid.strides[-1]))
        return levels[-1]


@hookimpl
def bench_methods() -> Sequence[type[Method]]:
    """Style-Swap."""
    return [StyleSwap]
