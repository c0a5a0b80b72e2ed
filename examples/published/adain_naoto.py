"""AdaIN (Huang, Belongie, ICCV 2017) with the weights of github.com/naoto0804/pytorch-AdaIN.

    bench weights fetch adain-naoto --plugin examples/published/adain_naoto.py
    bench run --method adain-naoto --plugin examples/published/adain_naoto.py

Weights: the repository's release v0.0.0, MIT. The SHA-256 are those that several public projects
pin for these files. Trained on MS-COCO and WikiArt with VGG19's features as the loss.
Pictures go in as they are, in [0, 1]: the encoder's first convolution does the rest. The
repository's script brings both to 512 px first; that is the run's `--size` here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bench import Method, Weights, hookimpl, option
from bench.encoders import Vgg19Normalised, vgg19_decoder
from bench.weights import fill, locate, read_checkpoint

DECODER = Weights(
    "adain-naoto/decoder.pth",
    "379ca41d59f3a37eed3599bbbc2560c19da5c458870a5ffd3a9dd41aa88f9472",
    "https://github.com/naoto0804/pytorch-AdaIN/releases/download/v0.0.0/decoder.pth",
    "MIT",
)


@dataclass(frozen=True)
class Options:
    """Options of the transfer."""

    alpha: float = option(1.0, "how much style, from 0 to 1 (paper, eq. 14)", low=0, high=1)


class AdaINNaoto(Method):
    """The content's features at relu4_1 get the style's means and deviations; a decoder paints."""

    name = "adain-naoto"
    family = "arbitrary"
    citation = "Huang, Belongie, ICCV 2017; weights by naoto0804"
    Options = Options
    trains_on = ("vgg19",)
    weights = (Vgg19Normalised.weights, DECODER)

    def load(self) -> None:
        """Read encoder and decoder."""
        self.encoder = Vgg19Normalised().network(["relu4_1"])
        self.decoder = vgg19_decoder()
        file = locate(self.weights[1], self.folders())
        fill(self.decoder, read_checkpoint(file), file)
        for network in (self.encoder, self.decoder):
            self.context.place(network.eval().requires_grad_(False))

    def adapt(self, style: Tensor) -> None:
        """Keep the moments of the style's features."""
        self.mean, self.deviation = moments(self.encoder(style)[-1])

    def stylize(self, content: Tensor) -> Tensor:
        """Encode, give the style's moments, decode; cut what rounding sides up has added."""
        height, width = content.shape[2:]
        features = self.encoder(content)[-1].float()
        mean, deviation = moments(features)
        styled = (features - mean) / deviation * self.deviation + self.mean
        alpha = self.options.alpha
        stylized: Tensor = self.decoder(alpha * styled + (1 - alpha) * features)
        return stylized[..., :height, :width].float().clamp(0, 1)


def moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Channel means and deviations, each (N, C, 1, 1), of features (N, C, H, W)."""
    variance, mean = torch.var_mean(features.float(), (2, 3), keepdim=True)
    return mean, (variance + 1e-5).sqrt()


@hookimpl
def bench_methods() -> Sequence[type[Method]]:
    """The one method."""
    return [AdaINNaoto]
