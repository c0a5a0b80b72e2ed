"""Avatar-Net: patches swapped between normalised deep features, and the style's moments on the way.

Lu Sheng, Ziyi Lin, Jing Shao, Xiaogang Wang: Avatar-Net: Multi-scale Zero-shot Style Transfer by
Feature Decoration. CVPR 2018.

Departures from the paper:

- The encoder is a VGG19 of a quarter of its channels, relu4_1 to relu1_1, which can be had offline;
  `encoder=vgg19` is the training's option for the paper's.
- Features are projected for the matching by channel means and deviations, of which the paper speaks
  beside whitening.
- Two fifths of the content's own features stay in the deepest ones (`alpha`); patches are 3×3 for
  5×5: each position sees more of the picture than relu4_1's.
- Errors are divided by their targets' energy; the decoder learns from photographs and paintings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bench.contract import Method, Recipe, Strength, Weights
from bench.hooks import hookimpl
from bench.losses import total_variation
from bench.options import option

from ._feature_matching import (
    Pyramid,
    fusing,
    mirror,
    moments,
    reconstruction,
)
from ._network_training import NetworkTraining, TrainingOptions
from ._patches import swap
from ._trained import Trained, TrainedOptions
from ._transform_net import load_weights, padded


class AvatarNetTraining(NetworkTraining):
    """The decoder learns to give pictures back from deep features and moments (paper, §3.2)."""

    Options = TrainingOptions
    paper = Recipe(
        {"encoder": "vgg19", "size": 256, "batch": 8, "decay": 0.0},
        steps=120_000,
        contents="MS-COCO",
        styles="MS-COCO",
        source="the authors' code",
    )

    def build(self) -> nn.Module:
        """The decoder."""
        self.pyramid = Pyramid(self.context, self.options.encoder)
        return mirror(self.pyramid)

    def terms(self, contents: Tensor, drawn: Sequence[int]) -> dict[str, Tensor]:
        """Error in pixels and in the features of all levels, and total variation (eq. 7)."""
        half = len(contents) // 2
        pictures = torch.cat([contents[half:], self.crops(drawn[:half], self.options.size)])
        with torch.no_grad():
            levels = self.pyramid(pictures)
            style_moments = [moments(features) for features in levels]
        decoded = self.network(levels[-1], fusing(self.pyramid, style_moments))
        error = reconstruction(pictures, decoded, levels, self.pyramid(decoded))
        smooth = total_variation(decoded).mean()
        return {"total": error + 0.05 * smooth, "reconstruction": error, "tv": smooth}


@dataclass(frozen=True)
class AvatarNetOptions(TrainedOptions):
    """Options of the transfer."""

    patch: int = option(3, "side of the patches in feature positions (paper: 5)", low=1)
    alpha: float = option(
        0.6, "share of the style's patches in the deepest features, from 0 to 1", low=0, high=1
    )


class AvatarNet(Trained):
    """The style decorator in the deepest features, AdaIN on the way back (paper, §3)."""

    name = "avatar-net"
    family = "arbitrary"
    citation = "Sheng, Lin, Shao, Wang, CVPR 2018"
    Options = AvatarNetOptions
    strength = Strength("alpha", (0.25, 0.5, 0.75, 1.0), adapts=False)
    mixes = False  # two styles' feature maps have nothing in common
    trains_on = ("vgg19-quarter",)
    training = AvatarNetTraining
    weights = (
        Weights(
            "avatar-net.safetensors",
            "37b852692c7d9a7024f943f741c35cb562cac7918036d82d536580e56c454237",
            "bench train avatar-net",
            "MIT",
        ),
    )

    def load(self) -> None:
        """Build encoder and decoder."""
        tensors, trained_with, file = self.read_weights()
        self.pyramid = Pyramid(self.context, trained_with["encoder"])
        self.decoder = self.context.place(mirror(self.pyramid).requires_grad_(False))
        load_weights(self.decoder, tensors, file)

    def adapt(self, style: Tensor) -> None:
        """Keep the projected features, whose patches are looked up, and the levels' moments."""
        levels = self.pyramid(padded(style, self.pyramid.strides[-1]))
        self.style_moments = torch.cat([moments(features) for features in levels], 2)
        self.style = project(levels[-1])

    def stylize(self, content: Tensor) -> Tensor:
        """Encode, decorate, decode."""
        height, width = content.shape[2:]
        deepest = self.pyramid(padded(content, self.pyramid.strides[-1]))[-1]
        style_moments = torch.split(self.style_moments, self.pyramid.channels, 2)
        projected = project(deepest)
        swapped = swap(projected, self.style, self.options.patch)
        blended = self.options.alpha * swapped + (1 - self.options.alpha) * projected
        decorated = blended * style_moments[-1][1] + style_moments[-1][0]
        stylized: Tensor = self.decoder(decorated, fusing(self.pyramid, style_moments))
        return stylized[..., :height, :width]


def project(features: Tensor) -> Tensor:
    """The features with mean 0 and deviation 1 in every channel (paper, §3.1)."""
    own = moments(features)
    return (features - own[0]) / own[1]


@hookimpl
def bench_methods() -> Sequence[type[Method]]:
    """Avatar-Net."""
    return [AvatarNet]
