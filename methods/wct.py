"""WCT: the content's features are whitened, then coloured with the style's covariance.

Yijun Li, Chen Fang, Jimei Yang, Zhaowen Wang, Xin Lu, Ming-Hsuan Yang: Universal Style Transfer
via Feature Transforms. NIPS 2017.

Departures from the paper:

- The encoder is a VGG19 of a quarter of its channels, which can be had offline; `encoder=vgg19` is
  the training's option for the paper's. Its levels are relu4_1 to relu1_1: from the paper's
  relu5_1, a sixteenth of the picture's sides, a decoder gives no picture back after minutes of
  training.
- One training makes all decoders, on photographs and on paintings; the errors in pixels and in
  features are divided by their targets' energy.
- Directions whose variance is below 1e-5 of the largest are left out; the paper cuts at 1e-5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bench.contract import Method, Recipe, Strength, Weights
from bench.hooks import hookimpl
from bench.options import option

from ._feature_matching import (
    Decoder,
    Pyramid,
    covariance_roots,
    match_color,
    reconstruction,
)
from ._network_training import NetworkTraining, TrainingOptions
from ._trained import Trained, TrainedOptions
from ._transform_net import load_weights, padded


def decoders(pyramid: Pyramid) -> nn.ModuleList:
    """One decoder per level, shallow to deep."""
    channels, strides = pyramid.channels, pyramid.strides
    return nn.ModuleList(
        Decoder(channels[i], strides[i], channels[:i], strides[:i]) for i in range(len(strides))
    )


class WCTTraining(NetworkTraining):
    """The decoders learn to invert the encoder, without any style (paper, §3.1)."""

    Options = TrainingOptions
    paper = Recipe(
        {"encoder": "vgg19", "size": 256},
        steps=None,
        contents="MS-COCO",
        styles="MS-COCO",
        source="",
    )

    def build(self) -> nn.Module:
        """The decoders of all levels."""
        self.pyramid = Pyramid(self.context, self.options.encoder)
        return decoders(self.pyramid)

    def terms(self, contents: Tensor, drawn: Sequence[int]) -> dict[str, Tensor]:
        """Error in pixels and in features (paper, eq. 1), over all levels."""
        half = len(contents) // 2
        pictures = torch.cat([contents[half:], self.crops(drawn[:half], self.options.size)])
        with torch.no_grad():
            features = self.pyramid(pictures)
        errors = {}
        levels = zip(self.pyramid.strides, self.network.children(), features, strict=True)
        for index, (stride, decoder, level) in enumerate(levels):
            decoded = decoder(level)
            again = self.pyramid(decoded)[index]
            errors[f"stride_{stride}"] = reconstruction(pictures, decoded, [level], [again])
        return {"total": torch.stack(list(errors.values())).sum(), **errors}


@dataclass(frozen=True)
class WCTOptions(TrainedOptions):
    """Options of the transfer."""

    alpha: float = option(0.6, "how much style, from 0 to 1 (paper, eq. 4)", low=0, high=1)
    preserve_color: bool = option(False, "give the style the content's colours first")


class WCT(Trained):
    """Whitening and colouring at every level, deep to shallow (paper, §3.3)."""

    name = "wct"
    family = "arbitrary"
    citation = "Li, Fang, Yang, Wang, Lu, Yang, NIPS 2017"
    Options = WCTOptions
    strength = Strength("alpha", (0.2, 0.4, 0.6, 0.8), adapts=False)
    trains_on = ("vgg19-quarter",)
    training = WCTTraining
    weights = (
        Weights(
            "wct.safetensors",
            "6854fabb5c7f77a90a0159c7c0ed9f664e264d414ffeb00768b24cc1e48a7a84",
            "bench train wct",
            "MIT",
        ),
    )

    def load(self) -> None:
        """Build the encoder and the decoders."""
        tensors, trained_with, file = self.read_weights()
        self.mixes = not self.options.preserve_color
        self.pyramid = Pyramid(self.context, trained_with["encoder"])
        self.decoders = self.context.place(decoders(self.pyramid).requires_grad_(False))
        load_weights(self.decoders, tensors, file)

    def adapt(self, style: Tensor) -> None:
        """Keep each level's mean and colouring matrix, or with `preserve_color` the style."""
        if self.options.preserve_color:
            self.style = style
        else:
            self.coloring = self._coloring(style)

    def _coloring(self, style: Tensor) -> Tensor:
        """The matrices [Σ_s^(1/2) | μ_s] (C, C + 1) of all levels, flat, one after the other."""
        parts = []
        for features in self.pyramid(style):
            flat = features[0].flatten(1)
            root, _ = covariance_roots(flat)
            mean = flat.double().mean(1, keepdim=True)
            parts.append(torch.cat([root, mean], 1).float().flatten())
        return torch.cat(parts)

    def stylize(self, content: Tensor) -> Tensor:
        """Each picture through all levels."""
        return torch.cat([self._stylize(picture) for picture in content[:, None]])

    def _stylize(self, content: Tensor) -> Tensor:
        height, width = content.shape[2:]
        alpha = self.options.alpha
        keep = self.options.preserve_color
        flat = self._coloring(match_color(self.style, content)) if keep else self.coloring
        coloring = torch.split(flat, [c * (c + 1) for c in self.pyramid.channels])
        picture = padded(content, self.pyramid.strides[-1])
        for index in reversed(range(len(coloring))):
            features = self.pyramid(picture)[index]
            matrix = coloring[index].view(self.pyramid.channels[index], -1)
            moved = whiten_color(features, matrix[:, :-1], matrix[:, -1:])
            picture = self.decoders[index](alpha * moved + (1 - alpha) * features)
        return picture[..., :height, :width]


def whiten_color(features: Tensor, root: Tensor, mean: Tensor) -> Tensor:
    """The features with another covariance and mean (paper, eq. 2 and 3).

    Args:
        features: (1, C, H, W).
        root: square root of the covariance to have, (C, C).
        mean: the mean to have, (C, 1).
    """
    flat = features[0].double().flatten(1)
    _, inverse = covariance_roots(flat)
    moved = root.double() @ inverse @ (flat - flat.mean(1, keepdim=True)) + mean
    return moved.view_as(features).to(features)


@hookimpl
def bench_methods() -> Sequence[type[Method]]:
    """WCT."""
    return [WCT]
