"""The first eight convolutions of VGG19, whole: the papers' network as far as it can be shipped."""

from __future__ import annotations

from torch import nn

from bench.contract import Encoder, Weights
from bench.encoders.vgg import VGG
from bench.weights import locate, read

MEAN = tuple(level / 255 for level in (123.68, 116.779, 103.939))


class Vgg19Head(Encoder):
    """ImageNet's VGG19 to relu3_4, padded by reflection; content is compared at relu3_4."""

    name = "vgg19-head"
    taps = ("relu1_1", "relu2_1", "relu3_1", "relu3_4")
    content_tap = "relu3_4"
    citation = "Simonyan, Zisserman 2015"
    weights = Weights(
        "vgg19-head.safetensors",
        "b0d487f067fadab4a9175e6e8da1319fbb200d794a8f81505800af449ba4e4e7",
        "the bench package itself (ImageNet weights of the Visual Geometry Group)",
        "CC-BY 4.0",
    )

    def build(self) -> nn.Module:
        """Read the shipped weights."""
        network = VGG((2, 2, 4), self.taps, MEAN, (1 / 255,) * 3, (64, 128, 256), reflect=True)
        network.convs.load_state_dict(read(locate(self.weights)))
        return network
