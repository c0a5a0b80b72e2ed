"""The fixed feature network, and the decoder back to pictures, of the feature-matching methods.

AdaIN, WCT, Style-Swap and Avatar-Net share this scheme: encode content and style with one fixed
network, make the content's features look like the style's, decode. They differ in the middle.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.contract import Context
from bench.encoders.vgg import VGG
from bench.layers import reflected
from bench.losses import relative_error

EPSILON = 1e-5
"""Added to variances, as Huang and Belongie 2017 do."""


class Pyramid(nn.Module):
    """A frozen encoder's shallowest tap at each stride: relu1_1, relu2_1 and so on of VGGs.

    Those down to the encoder's content tap; a VGG is run to the last of them and no further.

    Args:
        context: where encoders are found.
        encoder: the name of one.

    Attributes:
        channels: of each level, shallow to deep.
        strides: likewise.
    """

    def __init__(self, context: Context, encoder: str) -> None:
        super().__init__()
        network, found = context.encoder(encoder), context.find_encoder(encoder)
        side = 64
        with torch.inference_mode():
            probe = network(torch.zeros(1, 3, side, side, device=context.device))
        self.channels: list[int] = []
        self.strides: list[int] = []
        self.levels: list[int] = []
        for index, features in enumerate(probe[: found.content_index + 1]):
            stride = side // features.shape[-1]
            if stride not in self.strides:
                self.levels.append(index)
                self.strides.append(stride)
                self.channels.append(features.shape[1])
        last = found.taps[self.levels[-1]]
        self.network = network.until(last) if isinstance(network, VGG) else network

    def forward(self, picture: Tensor) -> list[Tensor]:
        """Features (N, C, H / stride, W / stride) of each level, in float32."""
        return self.select(self.network(picture))

    def select(self, taps: Sequence[Tensor]) -> list[Tensor]:
        """The levels among all that the encoder gives."""
        return [taps[index].float() for index in self.levels]


class Joint(nn.Module):
    """All levels of a pyramid as one feature map at stride 4.

    Shallow levels, which carry colour and detail, are averaged down to it, and deep ones, which
    carry shapes, are interpolated up. From relu4_1 alone a decoder learns to give pictures back
    too, but in hours and not in minutes.

    Attributes:
        channels: of the map.
        stride: 4.
        multiple: what the sides of a picture must be multiples of.
    """

    stride = 4

    def __init__(self, pyramid: Pyramid) -> None:
        super().__init__()
        self.pyramid = pyramid
        self.channels = sum(pyramid.channels)
        self.multiple = max(self.stride, pyramid.strides[-1])

    def forward(self, picture: Tensor) -> Tensor:
        """Features (N, C, H / 4, W / 4) of pictures whose sides `multiple` divides."""
        return self.join(self.pyramid(picture))

    def join(self, levels: Sequence[Tensor]) -> Tensor:
        """The map of a pyramid's levels."""
        maps = []
        for stride, features in zip(self.pyramid.strides, levels, strict=True):
            if stride < self.stride:
                features = F.avg_pool2d(features, self.stride // stride)
            elif stride > self.stride:
                scale = stride // self.stride
                features = F.interpolate(features, scale_factor=scale, mode="bilinear")
            maps.append(features)
        return torch.cat(maps, 1)

    def decoder(self) -> Decoder:
        """The way back: to 128 channels first, then a `Decoder`."""
        finer = [i for i, stride in enumerate(self.pyramid.strides) if stride < self.stride]
        channels = [self.pyramid.channels[i] for i in finer]
        strides = [self.pyramid.strides[i] for i in finer]
        return Decoder(self.channels, self.stride, channels, strides, width=128)


class Decoder(nn.Module):
    """Features of a pyramid's level back to pictures: the encoder's mirror, without normalisation.

    Two 3×3 convolutions per level, the second to the next shallower level's channels, ReLU after
    each, upsampling between, reflection padding (Huang, Belongie 2017, §6). It is bilinear for the
    paper's nearest neighbours, which leave a grid.

    Args:
        inputs: channels of the features that come in.
        stride: theirs.
        channels: of the shallower levels, shallow to deep; 32 at stride 1 where there is none.
        strides: likewise.
        width: channels to come down to first, by a 1×1 convolution; none is `inputs`.
    """

    def __init__(
        self,
        inputs: int,
        stride: int,
        channels: Sequence[int],
        strides: Sequence[int],
        width: int | None = None,
    ) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(inputs, width, 1) if width else None
        inputs = width or inputs
        widths = {1: 32, **dict(zip(strides, channels, strict=True))}
        self.strides = sorted((s for s in widths if s < stride), reverse=True)
        self.first, self.second = nn.ModuleList(), nn.ModuleList()
        for finer in self.strides:
            self.first.append(ReflectedConv(inputs, inputs))
            self.second.append(ReflectedConv(inputs, widths[finer]))
            inputs = widths[finer]
        self.out = nn.Sequential(ReflectedConv(inputs, inputs), nn.ReLU(), ReflectedConv(inputs, 3))
        self.stride = stride

    def forward(
        self, x: Tensor, fuse: Callable[[int, Tensor], Tensor] = lambda stride, x: x
    ) -> Tensor:
        """Pictures (N, 3, H · stride, W · stride) in (0, 1).

        Args:
            x: features.
            fuse: called with each finer stride and the features there, before they go on.
        """
        stride = self.stride
        if self.narrow is not None:
            x = F.relu(self.narrow(x))
        for finer, first, second in zip(self.strides, self.first, self.second, strict=True):
            x = F.relu(second(F.relu(first(x))))
            x = F.interpolate(x, scale_factor=stride // finer, mode="bilinear")
            x, stride = fuse(finer, x), finer
        return torch.sigmoid(self.out(x).float())


def mirror(pyramid: Pyramid) -> Decoder:
    """The decoder from the pyramid's deepest level."""
    channels, strides = pyramid.channels, pyramid.strides
    return Decoder(channels[-1], strides[-1], channels[:-1], strides[:-1])


def fusing(pyramid: Pyramid, targets: Sequence[Tensor]) -> Callable[[int, Tensor], Tensor]:
    """For a decoder: its features take the style's `moments` of the level that has their stride."""
    at = dict(zip(pyramid.strides, targets, strict=True))
    return lambda stride, x: adain(x, at[stride]) if stride in at else x


class ReflectedConv(nn.Conv2d):
    """A 3×3 convolution of pictures grown by reflection."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, H, W)."""
        return F.conv2d(reflected(x, 1), self.weight, self.bias)


def moments(features: Tensor) -> Tensor:
    """Mean and standard deviation of each channel over the positions: (2, N, C, 1, 1)."""
    with torch.autocast(features.device.type, enabled=False):
        flat = features.float().flatten(2)
        mean, variance = flat.mean(2), flat.var(2, correction=0)
        return torch.stack((mean, (variance + EPSILON).sqrt()))[..., None, None]


def adain(features: Tensor, target: Tensor) -> Tensor:
    """Adaptive instance normalisation: the features with the target's `moments`.

    Huang, Belongie 2017, eq. 8.
    """
    own = moments(features)
    return (features - own[0]) / own[1] * target[1] + target[0]


def reconstruction(
    pictures: Tensor, decoded: Tensor, features: Sequence[Tensor], again: Sequence[Tensor]
) -> Tensor:
    """Relative squared error in pixels, plus that of every given feature map: scalar."""
    errors = [relative_error(decoded, pictures).mean()]
    errors += [relative_error(f, g).mean() for f, g in zip(again, features, strict=True)]
    return torch.stack(errors).sum()


def match_color(style: Tensor, content: Tensor) -> Tensor:
    """The style with the content's mean colour and colour covariance, (1, 3, H, W) in [0, 1].

    Gatys, Bethge, Hertzmann, Shechtman 2016, Preserving Color in Neural Artistic Style Transfer,
    §3: x → A x + b with A = Σ_c^(1/2) Σ_s^(-1/2).
    """
    flat, goal = style.double().flatten(2)[0], content.double().flatten(2)[0]
    root_goal, _ = covariance_roots(goal)
    _, inverse = covariance_roots(flat)
    matched = root_goal @ inverse @ (flat - flat.mean(1, keepdim=True)) + goal.mean(1, keepdim=True)
    return matched.view_as(style).clamp(0, 1).to(style)


def covariance_roots(flat: Tensor) -> tuple[Tensor, Tensor]:
    """Square root and inverse square root (C, C) of the covariance of vectors (C, P), in float64.

    Directions in which the vectors hardly vary (below 1e-5 of the largest variance) are left out
    of both, as Li et al. 2017 do: what is noise in the content shall not become style.
    """
    centred = flat.double() - flat.double().mean(1, keepdim=True)
    variances, axes = torch.linalg.eigh(centred @ centred.T / max(flat.shape[1] - 1, 1))
    kept = variances > 1e-5 * variances[-1].clamp_min(1e-12)
    roots = variances.where(kept, 0).sqrt()
    inverses = variances.where(kept, torch.inf).rsqrt()
    return (axes * roots) @ axes.T, (axes * inverses) @ axes.T
