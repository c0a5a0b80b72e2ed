"""VGG19 at a quarter of its channels: the default loss network."""

from __future__ import annotations

from torch import nn

from bench.contract import Encoder, Weights
from bench.encoders.vgg import VGG
from bench.weights import locate, read


class Vgg19Quarter(Encoder):
    """A quarter-width VGG19 to relu5_1, distilled from ImageNet's VGG19 for style transfer.

    A sixteenth of VGG19's operations. Its strokes are clean and flat areas stay flat, where
    networks with strided depthwise layers, EfficientNet-Lite0 for one, leave a hatched grain.
    The taps are Gatys' style layers; content is compared at relu4_1, as AdaIN does.
    """

    name = "vgg19-quarter"
    taps = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
    content_tap = "relu4_1"
    citation = "Wang, Li, Wang, Hu, Yang, CVPR 2020 (Collaborative Distillation)"
    weights = Weights(
        "vgg19-quarter.safetensors",
        "8406a169a7a9e414a22acfcecc0cfcdcd2418ae5ece5929ad891094ace0522d6",
        "the bench package itself (made from the weights of the paper's repository)",
        "MIT",
    )

    def build(self) -> nn.Module:
        """Read the shipped weights; the shift to BGR minus the mean is in its first layer."""
        network = VGG(
            (2, 2, 4, 4, 4),
            self.taps,
            (0.0, 0.0, 0.0),
            (1.0, 1.0, 1.0),
            widths=(16, 32, 64, 128, 128),
            reflect=True,
        )
        network.convs.load_state_dict(read(locate(self.weights)))
        return network
