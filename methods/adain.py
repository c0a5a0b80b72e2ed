"""AdaIN: the style's channel means and deviations, put onto the content's features.

Xun Huang, Serge Belongie: Arbitrary Style Transfer in Real-time with Adaptive Instance
Normalization. ICCV 2017.

Departures from the paper:

- The encoder is a VGG19 of a quarter of its channels, which can be had offline. Its relu1_1 to
  relu4_1 are joined into one map at stride 4 (`_feature_matching.Joint`), where the paper has
  relu4_1 alone: that a decoder learns from in hours, and this in minutes.
- The decoder is smaller than the paper's 3.5 M parameters, and its features take the style's
  moments once more at strides 2 and 1, as Avatar-Net's do.
- Every error is divided by its target's energy, and a term on block-averaged luminance keeps tones
  from inverting, as for the other trained methods; total variation is penalised.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bench.contract import Method, Recipe, Strength, Weights
from bench.hooks import hookimpl
from bench.losses import relative_error, tone_error, total_variation
from bench.options import option
from bench.perceptual import Balance

from ._feature_matching import (
    Joint,
    Pyramid,
    adain,
    fusing,
    match_color,
    moments,
)
from ._network_training import NetworkTraining, TransferTrainingOptions
from ._trained import Trained, TrainedOptions
from ._transform_net import load_weights, padded


class AdaINTraining(NetworkTraining):
    """The decoder's training (paper, eq. 11 to 13)."""

    Options = TransferTrainingOptions
    paper = Recipe(
        {"encoder": "vgg19-normalised", "size": 256, "batch": 8, "lr": 1e-4, "decay": 5e-5},
        steps=160_000,
        contents="MS-COCO",
        styles="WikiArt",
        source="the authors' code",
    )

    def build(self) -> nn.Module:
        """The decoder."""
        self.encoder = self.context.encoder(self.options.encoder)  # the loss asks for all its taps
        self.pyramid = Pyramid(self.context, self.options.encoder)
        self.joint = Joint(self.pyramid)
        return self.joint.decoder()

    def terms(self, contents: Tensor, drawn: Sequence[int]) -> dict[str, Tensor]:
        """Content error against the features that were asked for, and moments at every tap."""
        o, balance, styles = self.options, Balance(), self.crops(drawn, self.options.style_size)
        with torch.no_grad():
            taps = self.encoder(styles)
            targets = [moments(features) for features in taps]
            levels = self.pyramid.select(taps)
            wanted = adain(self.joint(contents), moments(self.joint.join(levels)))
        fused = self.pyramid.select(targets)
        stylized = self.network(wanted, fusing(self.pyramid, fused))
        taps = self.encoder(stylized)
        again = self.joint.join(self.pyramid.select(taps))
        content = relative_error(again, wanted).mean()
        style = torch.stack([moment_error(f, t) for f, t in zip(taps, targets, strict=True)]).sum()
        tone = tone_error(stylized, contents).mean()
        total = o.content_weight * content + o.style_weight * style + balance.tone * tone
        total = total + balance.tv * total_variation(stylized).mean()
        return {"total": total, "content": content, "style": style, "tone": tone}


def moment_error(features: Tensor, target: Tensor) -> Tensor:
    """Relative squared error of a tap's channel means and deviations (paper, eq. 13): scalar."""
    got = moments(features)
    return relative_error(got.transpose(0, 1), target.transpose(0, 1)).mean()


@dataclass(frozen=True)
class AdaINOptions(TrainedOptions):
    """Options of the transfer."""

    alpha: float = option(1.0, "how much style, from 0 to 1 (paper, eq. 14)", low=0, high=1)
    preserve_color: bool = option(False, "give the style the content's colours first")


class AdaIN(Trained):
    """Adaptive instance normalisation between a fixed encoder and a trained decoder."""

    name = "adain"
    family = "arbitrary"
    citation = "Huang, Belongie, ICCV 2017"
    Options = AdaINOptions
    strength = Strength("alpha", (0.25, 0.5, 0.75, 1.0), adapts=False)
    several = True
    trains_on = ("vgg19-quarter",)
    training = AdaINTraining
    weights = (
        Weights(
            "adain.safetensors",
            "c18ca74854899d706354c71728d30c21c52aaa0f7a2cc5029ed9c7b10a1ac908",
            "bench train adain",
            "MIT",
        ),
    )

    def load(self) -> None:
        """Build encoder and decoder."""
        tensors, trained_with, file = self.read_weights()
        self.mixes = not self.options.preserve_color
        self.pyramid = Pyramid(self.context, trained_with["encoder"])
        self.joint = Joint(self.pyramid)
        self.decoder = self.context.place(self.joint.decoder().requires_grad_(False))
        load_weights(self.decoder, tensors, file)

    def adapt(self, style: Tensor) -> None:
        """Keep the style's moments, or with `preserve_color` the style itself."""
        if self.options.preserve_color:
            self.style = style
        else:
            self.style_moments = self._moments_of(style)

    def _moments_of(self, style: Tensor) -> Tensor:
        """The style's moments (2, 1, D, 1, 1): of the joint map, then of each level.

        Of several pictures their mean, as the paper mixes styles (§6).
        """
        levels = self.pyramid(padded(style, self.joint.multiple))
        return torch.cat([moments(f) for f in (self.joint.join(levels), *levels)], 2).mean(1, True)

    def stylize(self, content: Tensor) -> Tensor:
        """Encode, normalise to the style's moments, decode."""
        height, width = content.shape[2:]
        levels = self.pyramid(padded(content, self.joint.multiple))
        maps = [self.joint.join(levels), *levels]
        if self.options.preserve_color:
            styles = torch.split(self.style, 1)
            each = [
                self._moments_of(torch.cat([match_color(style, picture) for style in styles]))
                for picture in torch.split(content, 1)
            ]
            style_moments = torch.cat(each, 1)
        else:
            style_moments = self.style_moments
        alpha = self.options.alpha
        targets = torch.split(style_moments, [features.shape[1] for features in maps], 2)
        mixed = [alpha * t + (1 - alpha) * moments(f) for t, f in zip(targets, maps, strict=True)]
        stylized: Tensor = self.decoder(adain(maps[0], mixed[0]), fusing(self.pyramid, mixed[1:]))
        return stylized[..., :height, :width]


@hookimpl
def bench_methods() -> Sequence[type[Method]]:
    """AdaIN."""
    return [AdaIN]
