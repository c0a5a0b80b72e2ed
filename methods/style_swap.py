"""Style-Swap: every patch of the content's features becomes the most similar patch of the style's.

Tian Qi Chen, Mark Schmidt: Fast Patch-based Style Transfer of Arbitrary Style. NIPS 2016 Workshop
on Constructive Machine Learning.

Departures from the paper:

- Patches are compared in EfficientNet-Lite0's features, which can be had offline: three levels
  joined into one map at stride 4, where the paper's relu3_1 of VGG19 lies (the training's option
  `encoder=vgg19`). A single level of EfficientNet has lost the colours.
- The inverse network has no instance normalisation, and learns from half as many swapped features
  as real ones with an error in pixels beside the one in features (paper, eq. 8), since it sees
  thousands of pictures and not 80,000.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bench.contract import Method, Weights
from bench.hooks import hookimpl
from bench.losses import relative_error, total_variation
from bench.options import option

from ._feature_matching import Joint, Pyramid
from ._network_training import NetworkTraining, TrainingOptions
from ._patches import swap
from ._trained import Trained, TrainedOptions
from ._transform_net import load_weights, padded


@dataclass(frozen=True)
class StyleSwapTrainingOptions(TrainingOptions):
    """Settings of the training."""

    batch: int = option(4, "contents per step, and as many styles; half of both are swapped", low=2)


class StyleSwapTraining(NetworkTraining):
    """The inverse network learns from features as they are and from swapped ones (paper, §3.3)."""

    Options = StyleSwapTrainingOptions

    def build(self) -> nn.Module:
        """The inverse network."""
        self.features = Joint(Pyramid(self.context, self.options.encoder))
        return self.features.decoder()

    def terms(self, contents: Tensor, drawn: Sequence[int]) -> dict[str, Tensor]:
        """Error in features (paper, eq. 8), and in pixels where there is a picture to compare."""
        styles = self.crops(drawn, self.options.size)
        half = len(contents) // 2
        pictures = torch.cat([contents[:half], styles[:half]])
        with torch.no_grad():
            real, others = self.features(pictures), self.features(contents[half:])
            pairs = zip(others[:, None], self.features(styles[half:])[:, None], strict=True)
            swapped = torch.cat([swap(content, style, 3) for content, style in pairs])
        decoded = self.network(torch.cat([real, swapped]))
        again = self.features(decoded)
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
    trains_on = ("vgg19-quarter",)
    training = StyleSwapTraining
    weights = (
        Weights(
            "style-swap.safetensors",
            "209f59379f4515a2af2b32cce79a5c5fe0beadae9e81f6d9bf3b93991a5a98de",
            "bench train style-swap",
            "MIT",
        ),
    )

    def load(self) -> None:
        """Build the encoder and the inverse network."""
        tensors, told, file = self.read_weights()
        self.features = Joint(Pyramid(self.context, told["encoder"]))
        self.inverse = self.context.place(self.features.decoder().requires_grad_(False))
        load_weights(self.inverse, tensors, file)

    def adapt(self, style: Tensor) -> None:
        """Keep the style's features, whose patches are looked up."""
        self.style = self.features(self._padded(style))

    def stylize(self, content: Tensor) -> Tensor:
        """Encode, swap, decode."""
        height, width = content.shape[2:]
        features = self.features(self._padded(content))
        stylized: Tensor = self.inverse(swap(features, self.style, self.options.patch))
        return stylized[..., :height, :width]

    def _padded(self, picture: Tensor) -> Tensor:
        return padded(picture, self.features.multiple)


@hookimpl
def bench_methods() -> Sequence[type[Method]]:
    """Style-Swap."""
    return [StyleSwap]
