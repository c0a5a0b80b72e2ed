"""The image transformation network that Johnson's method, MetaStyle and others share."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.contract import Weights
from bench.errors import BenchError
from bench.weights import locate, read


class ConvNorm(nn.Module):
    """Reflection padding, convolution and instance normalisation with learned scale and shift."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            inputs, outputs, kernel, stride, padding=kernel // 2, padding_mode="reflect"
        )
        self.norm = nn.InstanceNorm2d(outputs, affine=True)

    def forward(self, x: Tensor) -> Tensor:
        normed: Tensor = self.norm(self.conv(x))
        return normed


class Residual(nn.Module):
    """conv · norm · ReLU · conv · norm, added to its input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = ConvNorm(channels, channels, 3)
        self.second = ConvNorm(channels, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        change: Tensor = self.second(F.relu(self.first(x)))
        return x + change


class TransformNet(nn.Module):
    """MetaStyle's network (Zhang et al. 2019, supplement, Table 1): 1,679,235 parameters.

    Pictures (N, 3, H, W) in [0, 1] to pictures of the same shape in (0, 1). Sides that are no
    multiple of 4 are padded by reflection and cropped again; each side has at least 16 pixels.
    The affine parameters of the instance normalisations, 3,200 in number, are what MetaStyle's
    inner loop changes.
    """

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList(
            (ConvNorm(3, 32, 9), ConvNorm(32, 64, 3, 2), ConvNorm(64, 128, 3, 2))
        )
        self.residuals = nn.ModuleList(Residual(128) for _ in range(5))
        self.up = nn.ModuleList((ConvNorm(128, 64, 3), ConvNorm(64, 32, 3)))
        self.out = nn.Conv2d(32, 3, 9, padding=4, padding_mode="reflect")

    def forward(self, picture: Tensor) -> Tensor:
        height, width = picture.shape[2:]
        x = padded(picture, 4) * 2 - 1
        for layer in self.down:
            x = F.relu(layer(x))
        for block in self.residuals:
            x = block(x)
        for layer in self.up:
            x = F.relu(layer(F.interpolate(x, scale_factor=2, mode="nearest")))
        return torch.sigmoid(self.out(x).float())[..., :height, :width]


def padded(picture: Tensor, multiple: int) -> Tensor:
    """The picture with sides that `multiple` divides, grown right and below by reflection."""
    height, width = picture.shape[2:]
    across, down = -width % multiple, -height % multiple
    return F.pad(picture, (0, across, 0, down), mode="reflect") if across or down else picture


def norm_parameters(network: nn.Module) -> dict[str, nn.Parameter]:
    """The affine parameters of the network's instance normalisations, by qualified name."""
    return {
        f"{prefix}.{name}": parameter
        for prefix, module in network.named_modules()
        if isinstance(module, nn.InstanceNorm2d)
        for name, parameter in module.named_parameters(recurse=False)
    }


def norm_vector(network: nn.Module) -> Tensor:
    """These parameters one after the other, (3200,) for a `TransformNet`: a style in numbers."""
    return torch.cat([parameter.flatten() for parameter in norm_parameters(network).values()])


def norms_from(network: nn.Module, vector: Tensor) -> dict[str, Tensor]:
    """A `norm_vector` as parameters by name, for `torch.func.functional_call`."""
    named = norm_parameters(network)
    parts = torch.split(vector, [parameter.numel() for parameter in named.values()])
    return dict(zip(named, parts, strict=True))


def load_weights(network: nn.Module, tensors: dict[str, Tensor], file: Path) -> None:
    """Fill the network, or say which file does not fit it.

    Raises:
        BenchError: the file's tensors are another network's.
    """
    try:
        network.load_state_dict(tensors)
    except RuntimeError:
        raise BenchError(
            f"{file} holds another network's weights; make them with bench train"
        ) from None


def started(start: str | None) -> TransformNet:
    """A network with random weights, or with those of the file that a training starts from.

    Raises:
        BenchError: the file is not there, or holds another network's weights.
    """
    network = TransformNet()
    if start is not None:
        file = locate(Weights(str(Path(start).expanduser().absolute()), None, "the user", ""))
        load_weights(network, read(file), file)
    return network
