"""VGG19 with scaled filters and reflection padding, as AdaIN and its successors use it."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from bench.contract import Encoder, Weights
from bench.weights import fill, locate, read_checkpoint

_BLOCKS = ((64, 64), (128, 128), (256, 256, 256, 256), (512, 512, 512, 512), (512,))
"""Widths of the convolutions, up to relu5_1."""


class _Network(nn.Module):
    """Up to the last tap; layers have the file's numbers as names.

    The first convolution brings RGB in [0, 1] to VGG's own input.
    """

    def __init__(self, taps: Sequence[str]) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 3, 1))
        self.taps: set[int] = set()
        inputs = 3
        for block, widths in enumerate(_BLOCKS, 1):
            if block > 1:
                self.layers.append(nn.MaxPool2d(2, ceil_mode=True))
            for place, width in enumerate(widths, 1):
                self.layers.extend([nn.ReflectionPad2d(1), nn.Conv2d(inputs, width, 3), nn.ReLU()])
                inputs = width
                if (tap := f"relu{block}_{place}") in taps:
                    self.taps.add(len(self.layers) - 1)
                if tap == taps[-1]:
                    return

    def forward(self, picture: Tensor) -> list[Tensor]:
        """The features at the taps, shallow to deep, of pictures (N, 3, H, W) in [0, 1]."""
        features, x = [], picture
        for index, layer in enumerate(self.layers):
            x = layer(x)
            if index in self.taps:
                features.append(x)
        return features


class Vgg19Normalised(Encoder):
    """The file that AdaIN, AdaAttN, StyTr2, CAST and their like were trained with.

    VGG19 with every filter scaled so that its mean activation over ImageNet is 1 (Gatys et al.
    2015), with reflection padding, and sides rounded up where it halves them (Huang, Belongie
    2017). It is downloaded by `bench weights fetch vgg19-normalised`, never by itself.
    """

    name = "vgg19-normalised"
    taps = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
    content_tap = "relu4_1"
    citation = "Simonyan, Zisserman 2015; Gatys et al. 2015; Huang, Belongie 2017"
    weights = Weights(
        "vgg_normalised.pth",
        "804ca2835ecf7539f0cd2a7ac3c18ce81e6f8468969ae7117ac0c148d286bb4a",
        "https://github.com/naoto0804/pytorch-AdaIN/releases/download/v0.0.0/vgg_normalised.pth",
        "CC-BY 4.0 (Simonyan, Zisserman); as a file of pytorch-AdaIN MIT",
    )

    def build(self) -> nn.Module:
        """Read what the taps need of the file."""
        return self.network(self.taps)

    def network(self, taps: Sequence[str]) -> nn.Module:
        """The network up to other taps, such as `relu4_1`; raises as `build`."""
        file = locate(self.weights)
        state, network = read_checkpoint(file), self.empty(taps)
        known = network.layers.state_dict().keys() & state.keys()
        fill(network.layers, {key: state[key] for key in known}, file)
        return network

    def empty(self, taps: Sequence[str]) -> _Network:
        """The network up to some taps before its weights, which go into its `layers`."""
        return _Network(taps)


def vgg19_decoder() -> nn.Sequential:
    """The encoder up to relu4_1, mirrored, as AdaIN and its successors train it to give pictures.

    Features (N, 512, H, W) to pictures (N, 3, 8 H, 8 W); layers have their files' numbers as names.
    """
    layers = nn.Sequential()
    inputs = 512
    for width in (256, None, 256, 256, 256, 128, None, 128, 64, None, 64):
        if width is None:
            layers.append(nn.Upsample(scale_factor=2))
        else:
            layers.extend([nn.ReflectionPad2d(1), nn.Conv2d(inputs, width, 3), nn.ReLU()])
            inputs = width
    return layers.extend([nn.ReflectionPad2d(1), nn.Conv2d(inputs, 3, 3)])
