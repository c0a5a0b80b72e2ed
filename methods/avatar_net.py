"""Avatar-Net: patches swapped between whitened deep features, and the style's moments on the way.

Lu Sheng, Ziyi Lin, Jing Shao, Xiaogang Wang: Avatar-Net: Multi-scale Zero-shot Style Transfer by
Feature Decoration. CVPR 2018.

Departures from the paper:

- The encoder is EfficientNet-Lite0, which can be had offline, at strides 8, 4 and 2 (the paper:
  VGG19, relu4_1 to relu1_1, the training's option `encoder=vgg19`).
- Whitening is by eigenvectors of the covariance, as WCT's, where the paper also allows it.
- Errors are divided by their targets' energy; the decoder learns from photographs and paintings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bench.contract import Method, Weights
from bench.hooks import hookimpl
from bench.losses import total_variation
from bench.options import option

from ._feature_matching import (
    Pyramid,
    covariance_roots,
    fusing,
    mirror,
    moments,
    padded,
    reconstruction,
)
from ._network_training import NetworkTraining, TrainingOptions
from ._patches import swap
from ._trained import Trained, TrainedOptions
from ._transform_net import load_weights


class AvatarNetTraining(NetworkTraining):
    """The decoder learns to give pictures back from deep features and moments (paper, §3.2)."""

    Options = TrainingOptions

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
            told = [moments(features) for features in levels]
        decoded = self.network(levels[-1], fusing(self.pyramid, told))
        error = reconstruction(pictures, decoded, levels, self.pyramid(decoded))
        smooth = total_variation(decoded).mean()
        return {"total": error + 0.05 * smooth, "reconstruction": error, "tv": smooth}


@dataclass(frozen=True)
class AvatarNetOptions(TrainedOptions):
    """Options of the transfer."""

    patch: int = option(3, "side of the patches in feature positions (paper: 5)", low=1)
    alpha: float = option(1.0, "how much style, from 0 to 1", low=0, high=1)


class AvatarNet(Trained):
    """The style decorator in the deepest features, AdaIN on the way back (paper, §3)."""

    name = "avatar-net"
    family = "arbitrary"
    citation = "Sheng, Lin, Shao, Wang, CVPR 2018"
    Options = AvatarNetOptions
    mixes = False  # two styles' feature maps have nothing in common
    trains_on = ("efficientnet-lite0",)
    training = AvatarNetTraining
    weights = (Weights("avatar-net.safetensors", "0" * 64, "bench train avatar-net", "MIT"),)

    def load(self) -> None:
        """Build encoder and decoder."""
        tensors, told, file = self.read_weights()
        self.pyramid = Pyramid(self.context, told["encoder"])
        self.decoder = self.context.place(mirror(self.pyramid))
        load_weights(self.decoder, tensors, file)

    def adapt(self, style: Tensor) -> None:
        """Keep whitened features, the colouring matrix, the mean, and the moments of the levels."""
        levels = self.pyramid(padded(style, self.pyramid.strides[-1]))
        self.told = torch.cat([moments(features) for features in levels], 2)
        self.style, self.root, self.mean = project(levels[-1])

    def stylize(self, content: Tensor) -> Tensor:
        """Encode, decorate, decode."""
        height, width = content.shape[2:]
        levels = self.pyramid(padded(content, self.pyramid.strides[-1]))
        deepest = levels[-1]
        decorated = torch.cat([self._decorate(features) for features in deepest[:, None]])
        alpha = self.options.alpha
        mixed = [
            alpha * told + (1 - alpha) * moments(features)
            for told, features in zip(
                torch.split(self.told, self.pyramid.channels, 2), levels, strict=True
            )
        ]
        blended = alpha * decorated + (1 - alpha) * deepest
        stylized: Tensor = self.decoder(blended, fusing(self.pyramid, mixed))
        return stylized[..., :height, :width]

    def _decorate(self, features: Tensor) -> Tensor:
        """Project, match and reassemble, reconstruct (paper, §3.1, eq. 1 to 4)."""
        swapped = swap(project(features)[0], self.style, self.options.patch)
        flat = self.root @ swapped[0].flatten(1) + self.mean
        return flat.view_as(features)


def project(features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Whitened features (1, C, H, W), and the root (C, C) and mean (C, 1) that undo it."""
    flat = features[0].flatten(1)
    root, inverse = covariance_roots(flat)
    mean = flat.double().mean(1, keepdim=True)
    white = (inverse @ (flat - mean)).view_as(features)
    return white.to(features), root.to(features), mean.to(features)


@hookimpl
def bench_methods() -> Sequence[type[Method]]:
    """Avatar-Net."""
    return [AvatarNet]
