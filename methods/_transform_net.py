"""The image transformation network that Johnson's method, MetaStyle and others share."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench import paths
from bench.contract import Weights
from bench.errors import BenchError
from bench.layers import reflected, upsampled_conv
from bench.weights import locate, read

from ._instance_norm import instance_norm

LIMIT = 3.0
"""The largest value after a normalisation, in standard deviations, of a smooth network."""


class ConvNorm(nn.Module):
    """Reflection padding, convolution and instance normalisation with learned scale and shift.

    Args:
        inputs: channels in.
        outputs: channels out.
        kernel: its side.
        stride: of the convolution.
        up: upsampling by 2 before it.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, up: bool = False
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride)
        self.norm = nn.InstanceNorm2d(outputs, affine=True)
        self.up = up

    def forward(
        self,
        x: Tensor,
        relu: bool,
        smooth: bool,
        affine: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Convolved, normalised and perhaps rectified.

        Args:
            x: (N, inputs, H, W).
            relu: whether what is negative becomes 0.
            smooth: see `TransformNet`.
            affine: scales and shifts (N, outputs) instead of its own.
        """
        conv, norm = self.conv, self.norm
        if self.up and smooth:
            y = upsampled_conv(x, conv.weight, conv.bias)
        else:
            if self.up:
                x = F.interpolate(x, scale_factor=2, mode="nearest")
            grown = reflected(x, conv.kernel_size[0] // 2)
            y = F.conv2d(grown, conv.weight, conv.bias, conv.stride)
        gain, bias = affine or (norm.weight, norm.bias)
        return instance_norm(y, gain, bias, relu, LIMIT if smooth else math.inf)


class Residual(nn.Module):
    """conv · norm · ReLU · conv · norm, added to its input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = ConvNorm(channels, channels, 3)
        self.second = ConvNorm(channels, channels, 3)


class TransformNet(nn.Module):
    """MetaStyle's network (Zhang et al. 2019, supplement, Table 1): 1,679,235 parameters.

    Pictures (N, 3, H, W) in [0, 1] to pictures of the same shape in (0, 1). Sides that are no
    multiple of 4 are padded by reflection and cropped again; each side has at least 16 pixels.
    The affine parameters of the instance normalisations, 3,200 in number, are what MetaStyle's
    inner loop changes.

    A smooth network departs from the paper in two ways, and has the same parameters: it upsamples
    bilinearly where the paper repeats pixels, which leaves a grid of 2 to 4 pixels in flat areas,
    and it limits normalised values to `LIMIT`, which leaves flat patches of glowing spots, fewer
    and paler. Weights tell which they are for; those of networks from before there were smooth ones
    tell nothing, and are not.

    Args:
        smooth: whether it is.
    """

    def __init__(self, smooth: bool = True) -> None:
        super().__init__()
        self.down = nn.ModuleList(
            (ConvNorm(3, 32, 9), ConvNorm(32, 64, 3, 2), ConvNorm(64, 128, 3, 2))
        )
        self.residuals = nn.ModuleList(Residual(128) for _ in range(5))
        self.up = nn.ModuleList((ConvNorm(128, 64, 3, up=True), ConvNorm(64, 32, 3, up=True)))
        self.out = nn.Conv2d(32, 3, 9)
        self.smooth = smooth
        self.register_buffer("is_smooth", torch.tensor(smooth))

    def forward(self, picture: Tensor, norms: Tensor | None = None) -> Tensor:
        """Stylized pictures; `norms`: a `norm_vector` for each (N, 3200) instead of its own."""
        height, width = picture.shape[2:]
        affines = iter([None] * 15 if norms is None else self._affines(norms))

        def layer(module: nn.Module, x: Tensor, relu: bool) -> Tensor:
            y: Tensor = module(x, relu, self.smooth, next(affines))
            return y

        x = padded(picture, 4) * 2 - 1
        for module in self.down:
            x = layer(module, x, True)
        for block in self.residuals:
            assert isinstance(block, Residual)
            x = x + layer(block.second, layer(block.first, x, True), False)
        for module in self.up:
            x = layer(module, x, True)
        x = reflected(x, self.out.kernel_size[0] // 2)
        logits = F.conv2d(x, self.out.weight, self.out.bias).float()
        return torch.sigmoid(logits)[..., :height, :width]

    def _affines(self, norms: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Scale and shift of each normalisation, in the order of the layers, (N, C) each."""
        sizes = [p.numel() for p in norm_parameters(self).values()]
        parts = torch.split(norms, sizes, dim=1)
        return zip(parts[::2], parts[1::2], strict=True)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        key = f"{prefix}is_smooth"
        if f"{prefix}out.weight" in state_dict:
            self.smooth = bool(state_dict.setdefault(key, torch.tensor(False)))
        super()._load_from_state_dict(state_dict, prefix, *rest)


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


def fill(network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Copy tensors of the network's device into its parameters of these names, without waiting."""
    parameters = dict(network.named_parameters())
    with torch.no_grad():
        torch._foreach_copy_([parameters[name] for name in tensors], list(tensors.values()))


def started(start: str | None, smooth: bool = True) -> TransformNet:
    """A network with random weights, or with those of the file that a training starts from.

    The file may be another method's that holds such a network, as `ghiasi`'s does.

    Raises:
        BenchError: the file is not there, or holds another network's weights.
    """
    network = TransformNet(smooth)
    if start is not None:
        file = locate(Weights(str(paths.expanded(start).absolute()), None, "the user", ""))
        inner = "transform."
        tensors = read(file)
        if any(name.startswith(inner) for name in tensors):
            tensors = {n.removeprefix(inner): t for n, t in tensors.items() if n.startswith(inner)}
        load_weights(network, tensors, file)
    return network
