"""MicroAST (Wang et al., AAAI 2023) with the weights of github.com/EndyWon/MicroAST.

    bench weights fetch microast --plugin examples/published/microast.py
    bench run --method microast --plugin examples/published/microast.py --size 512 --size 1024

Weights: four files in the repository, 1.9 MB together; the paper's authors publish no SHA-256.
Trained on MS-COCO and WikiArt with VGG19's features as the loss; no VGG is needed to stylize.
Pictures go in as they are, in [0, 1], at whatever size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bench import Method, Weights, hookimpl, option
from bench.weights import fill, locate, read_checkpoint

WIDTH = 64
"""Channels of the features that are transferred."""


class Conv(nn.Module):
    """A convolution with reflection padding; names are the files'."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self.reflection_pad = nn.ReflectionPad2d(kernel // 2)
        self.conv_layer = nn.Conv2d(inputs, outputs, kernel, stride, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, H / stride, …)."""
        convolved: Tensor = self.conv_layer(self.reflection_pad(x))
        return convolved


class Residual(nn.Module):
    """A residual block whose filters a style may modulate (paper, §3.2, FilterMod)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = Conv(WIDTH, WIDTH, 3), Conv(WIDTH, WIDTH, 3)

    def forward(self, x: Tensor, gain: Tensor | None = None, bias: Tensor | None = None) -> Tensor:
        """The same shape; gain and bias are (1, 64, 1, 1)."""
        if gain is None or bias is None:
            return x + self.conv2(torch.relu(self.conv1(x)))
        inner = torch.relu(gain * self.conv1(x) + bias * x)
        return x + gain * self.conv2(inner) + bias * inner


def halving(inputs: int, outputs: int) -> list[nn.Module]:
    """A depthwise convolution of stride 2 and a pointwise one."""
    depthwise = Conv(inputs, outputs, 3, 2, groups=inputs)
    return [depthwise, nn.ReLU(), Conv(outputs, outputs, 1), nn.ReLU()]


def doubling(inputs: int, outputs: int) -> list[nn.Module]:
    """Bilinear upsampling, a depthwise convolution and a pointwise one."""
    up = nn.Upsample(scale_factor=2, mode="bilinear")
    pointwise = [nn.ReLU(), Conv(outputs, outputs, 1), nn.ReLU()]
    return [up, Conv(inputs, outputs, 3, groups=outputs), *pointwise]


class Encoder(nn.Module):
    """Content's and style's network: features after its first and its second residual block."""

    def __init__(self) -> None:
        super().__init__()
        first = [Conv(3, 16, 9), nn.ReLU(), *halving(16, 32), *halving(32, WIDTH), Residual()]
        self.enc1, self.enc2 = nn.Sequential(*first), nn.Sequential(Residual())

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures (N, 3, H, W) to two maps (N, 64, H / 4, W / 4)."""
        shallow = self.enc1(picture)
        return shallow, self.enc2(shallow)


class Modulator(nn.Module):
    """A style's gain and bias of the decoder's two residual blocks."""

    def __init__(self) -> None:
        super().__init__()
        for name in ("weight1", "bias1", "weight2", "bias2"):
            conv = Conv(WIDTH, WIDTH, 3, groups=WIDTH)
            self.add_module(name, nn.Sequential(conv, nn.AdaptiveAvgPool2d(1)))

    def forward(self, shallow: Tensor, deep: Tensor) -> list[Tensor]:
        """Gain and bias (N, 64, 1, 1) from the shallow features, then from the deep ones."""
        return [
            self.get_submodule(f"{kind}{number}")(features)
            for number, features in ((1, shallow), (2, deep))
            for kind in ("weight", "bias")
        ]


class Decoder(nn.Module):
    """Features to pictures, with the style brought in twice at each of two levels."""

    def __init__(self) -> None:
        super().__init__()
        self.dec1, self.dec2 = Residual(), Residual()
        self.dec3 = nn.Sequential(*doubling(WIDTH, 32), *doubling(32, 16), Conv(16, 3, 9))

    def forward(self, deep: Tensor, signals: Tensor, alpha: float) -> Tensor:
        """The content's deep features, and the style's eight signals (8, 1, 64, 1, 1)."""
        gain1, bias1, gain2, bias2, mean1, deviation1, mean2, deviation2 = signals
        x = self.dec1(moved(deep, mean2, deviation2, alpha), gain2, bias2)
        x = self.dec2(moved(x, mean1, deviation1, alpha), gain1, bias1)
        picture: Tensor = self.dec3(x)
        return picture


def moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Channel means and deviations, each (N, C, 1, 1), of features (N, C, H, W)."""
    variance, mean = torch.var_mean(features.float(), (2, 3), keepdim=True)
    return mean, (variance + 1e-5).sqrt()


def moved(features: Tensor, mean: Tensor, deviation: Tensor, alpha: float) -> Tensor:
    """Features with these moments (FeatMod), mixed with what they were."""
    own_mean, own_deviation = moments(features)
    styled = (features - own_mean) / own_deviation * deviation + mean
    return alpha * styled + (1 - alpha) * features


@dataclass(frozen=True)
class Options:
    """Options of the transfer."""

    alpha: float = option(1.0, "how much style, from 0 to 1", low=0, high=1)


def part(name: str) -> Weights:
    """One of the four files."""
    file = f"{name}_iter_160000.pth.tar"
    source = f"https://github.com/EndyWon/MicroAST/raw/main/models/{file}"
    return Weights(f"microast/{file}", None, source, "MIT")


class MicroAST(Method):
    """Micro encoders and a micro decoder, modulated in features and in filters."""

    name = "microast"
    family = "arbitrary"
    citation = "Wang, Zhao, Zuo, Li, Chen, Xing, Lu, AAAI 2023"
    Options = Options
    trains_on = ("vgg19",)
    weights = tuple(map(part, ("content_encoder", "style_encoder", "modulator", "decoder")))

    def load(self) -> None:
        """Read the four networks."""
        self.content_encoder, self.style_encoder = Encoder(), Encoder()
        self.modulator, self.decoder = Modulator(), Decoder()
        networks = (self.content_encoder, self.style_encoder, self.modulator, self.decoder)
        for needed, network in zip(self.weights, networks, strict=True):
            file = locate(needed, self.folders())
            fill(network, read_checkpoint(file), file)
            self.context.place(network.eval().requires_grad_(False))

    def adapt(self, style: Tensor) -> None:
        """Keep the style's signals: gains, biases and moments at two levels."""
        shallow, deep = self.style_encoder(style)
        signals = [*self.modulator(shallow, deep), *moments(shallow), *moments(deep)]
        self.signals = torch.stack([signal.float() for signal in signals])

    def stylize(self, content: Tensor) -> Tensor:
        """One pass; cut what halving and doubling odd sides has added."""
        height, width = content.shape[2:]
        _, deep = self.content_encoder(content)
        stylized = self.decoder(deep, self.signals, self.options.alpha)
        return stylized[..., :height, :width].float().clamp(0, 1)

    def networks(self) -> list[nn.Module]:
        """The two that stylize."""
        return [self.content_encoder, self.decoder]


@hookimpl
def bench_methods() -> Sequence[type[Method]]:
    """The one method."""
    return [MicroAST]
