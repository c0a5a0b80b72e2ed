"""AdaIN: the style's channel means and deviations, put onto the content's features.

Xun Huang, Serge Belongie: Arbitrary Style Transfer in Real-time with Adaptive Instance
Normalization. ICCV 2017.

Departures from the paper:

- The encoder is a VGG19 of a quarter of its channels to relu4_1, which can be had offline, and the
  decoder its mirror, a sixteenth of the paper's 3.5 M parameters. `encoder=vgg19` is the training's
  option for the paper's.
- Every error is divided by its target's energy, and a term on block-averaged luminance keeps tones
  from inverting, as for the other trained methods; total variation is penalised.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bench.contract import Method, Strength, Weights
from bench.hooks import hookimpl
from bench.losses import relative_error, tone_error, total_variation
from bench.options import option
from bench.perceptual import Balance

from ._feature_matching import Pyramid, adain, match_color, mirror, moments
from ._network_training import NetworkTraining, TransferTrainingOptions
from ._trained import Trained, TrainedOptions
from ._transform_net import load_weights, padded


class AdaINTraining(NetworkTraining):
    """The decoder's training (paper, eq. 11 to 13)."""

    Options = TransferTrainingOptions

    def build(self) -> nn.Module:
        """The decoder."""
        self.pyramid = Pyramid(self.context, self.options.encoder)
        return mirror(self.pyramid)

    def terms(self, contents: Tensor, drawn: Sequence[int]) -> dict[str, Tensor]:
        """Content error against the features that were asked for, and moments at every level."""
        o, balance, styles = self.options, Balance(), self.crops(drawn, self.options.style_size)
        with torch.no_grad():
            targets = [moments(features) for features in self.pyramid(styles)]
            wanted = adain(self.pyramid(contents)[-1], targets[-1])
        stylized = self.network(wanted)
        levels = self.pyramid(stylized)
        content = relative_error(levels[-1], wanted).mean()
        errors = [moment_error(f, t) for f, t in zip(levels, targets, strict=True)]
        style = torch.stack(errors).sum()
        tone = tone_error(stylized, contents).mean()
        total = o.content_weight * content + o.style_weight * style + balance.tone * tone
        total = total + balance.tv * total_variation(stylized).mean()
        return {"total": total, "content": content, "style": style, "tone": tone}


def moment_error(features: Tensor, target: Tensor) -> Tensor:
    """Relative squared error of a level's channel means and deviations (paper, eq. 13): scalar."""
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
    strength = Strength("alpha", (0.25, 0.5, 0.75, 1.0))
    trains_on = ("vgg19-quarter",)
    training = AdaINTraining
    weights = (
        Weights(
            "adain.safetensors",
            "2408a4bed03af41038cdf2f2e0d8f80c8573cd4648b9c336669e95311486c6c8",
            "bench train adain",
            "MIT",
        ),
    )

    def load(self) -> None:
        """Build encoder and decoder."""
        tensors, told, file = self.read_weights()
        self.mixes = not self.options.preserve_color
        self.pyramid = Pyramid(self.context, told["encoder"])
        self.decoder = self.context.place(mirror(self.pyramid).requires_grad_(False))
        load_weights(self.decoder, tensors, file)

    def adapt(self, style: Tensor) -> None:
        """Keep the style's moments, or with `preserve_color` the style itself."""
        if self.options.preserve_color:
            self.style = style
        else:
            self.target = moments(self._encoded(style))

    def _encoded(self, picture: Tensor) -> Tensor:
        """Features of the deepest level."""
        levels: list[Tensor] = self.pyramid(padded(picture, self.pyramid.strides[-1]))
        return levels[-1]

    def stylize(self, content: Tensor) -> Tensor:
        """Encode, normalise to the style's moments, decode."""
        height, width = content.shape[2:]
        features = self._encoded(content)
        target = self._matched(content) if self.options.preserve_color else self.target
        alpha = self.options.alpha
        mixed = alpha * target + (1 - alpha) * moments(features)
        stylized: Tensor = self.decoder(adain(features, mixed))
        return stylized[..., :height, :width]

    def _matched(self, contents: Tensor) -> Tensor:
        """Moments of the style in the colours of each content."""
        each = [match_color(self.style, picture) for picture in torch.split(contents, 1)]
        return torch.cat([moments(self._encoded(style)) for style in each], 1)


@hookimpl
def bench_methods() -> Sequence[type[Method]]:
    """AdaIN."""
    return [AdaIN]
