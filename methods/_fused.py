"""The transformation network for a CPU: the same function of a picture, several times as fast.

Four things are exact rewritings, in float32, of what `TransformNet` computes:

- Convolutions of 3 x 3 are computed by tiles, with fewer multiplications (`ALGORITHMS`).
- Instance normalisation becomes a scale and a shift per channel, from sums that are taken while
  the convolution is written, and is applied while the next convolution reads; so are its limit and
  ReLU, as bounds of each channel. A bias before it has no effect and is left out.
- An upsampling is never made. A bilinear one is linear, as is how a tile is transformed, and both
  are one matrix. Of a nearest-neighbour one, two of three kernel rows always meet the same row of
  the small picture, so that small kernels do, and reflection is repetition of the small edge.
- Pictures are channels-last, and each tile stays in the cache between its steps.

`_fused.cpp` has the layers; it is compiled on first use.
"""

from __future__ import annotations

import math
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.contract.context import Module

from ._fused_algorithms import ALGORITHMS, TALL
from ._fused_layers import KERNEL, call_layer, operators, panels
from ._transform_net import LIMIT, ConvNorm, Residual, TransformNet

Made = tuple[Tensor, Tensor]


class Space:
    """Memory for what lies between the layers, kept from picture to picture.

    Fresh memory of this size would come from the system page by page, at every call.
    """

    def __init__(self) -> None:
        self._kept: dict[str, Tensor] = {}

    def take(self, name: str, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """Memory of this name, as a tensor: what was taken under the name before is overwritten."""
        count = math.prod(shape)
        if name not in self._kept or self._kept[name].numel() < count:
            self._kept[name] = torch.empty(count, dtype=dtype)
        return self._kept[name][:count].view(shape)


class Layer:
    """A convolution of 3 x 3 with its instance normalisation, folded for an algorithm."""

    def __init__(self, layer: ConvNorm, algorithm: str, relu: bool, limit: float) -> None:
        self.algorithm = algorithm
        matrix = torch.tensor(ALGORITHMS[algorithm].kernel, dtype=torch.float64)
        kernel = layer.conv.weight.double().permute(2, 3, 1, 0)  # (3, 3, inputs, outputs)
        folded = torch.einsum("pi,qj,ijco->pqco", matrix, matrix, kernel)
        self.weight, self.norm = panels(folded), folded_norm(layer, relu, limit)

    def __call__(self, x: Tensor, before: Tensor | None, space: Space, name: str) -> Made:
        """Convolve norm(x), or x where nothing is left to be done to it.

        Args:
            x: (H, W, inputs).
            before: (4, inputs), scale, shift, least and largest value of its normalisation.
            space: where the result goes, under the `name`.

        Returns:
            (H', W', outputs) before its normalisation, and that as (4, outputs).
        """
        high, wide = (int(side * ALGORITHMS[self.algorithm].scale) for side in x.shape[:2])
        output, norm = space.take(name, high, wide, self.norm.shape[1]), self.norm.clone()
        operators().convolve(x, before, self.weight, self.algorithm, output, norm)
        return output, norm


def folded_norm(layer: ConvNorm, relu: bool, limit: float) -> Tensor:
    """Gain, bias, and the least and largest value after them and ReLU, (4, outputs)."""
    gain, bias = layer.norm.weight.float(), layer.norm.bias.float()
    reach = limit * gain.abs() if limit < math.inf else torch.full_like(gain, math.inf)
    bounds = [bound.clamp_min(0) if relu else bound for bound in (bias - reach, bias + reach)]
    return torch.stack((gain, bias, *bounds))


def _tall(kernel: Tensor) -> Tensor:
    """(9, inputs, outputs), nine rows of a kernel, to (5, 3 inputs, outputs) for `TALL`."""
    matrix = torch.tensor(TALL.kernel, dtype=torch.float64)
    groups = kernel.double().reshape(3, 3, *kernel.shape[1:])
    return torch.einsum("pi,gico->pgco", matrix, groups).flatten(1, 2)


def spread(out: nn.Conv2d) -> Tensor:
    """The last kernel as a matrix a row (row, inputs, column x colour), filled up to 32."""
    matrices = out.weight.permute(2, 1, 3, 0).flatten(2)
    return F.pad(matrices, (0, 32 - matrices.shape[2]))


def bias(out: nn.Conv2d) -> Tensor:
    """Of the last convolution, (3,)."""
    values: Tensor = out.state_dict()["bias"]
    return values.float().clone()


def all_of(modules: Iterable[nn.Module], kind: type[Module]) -> list[Module]:
    """Those of a kind."""
    return [module for module in modules if isinstance(module, kind)]


class Folded(ABC):
    """A `TransformNet` with all its layers folded; a picture at a time, whoever calls."""

    def __init__(self) -> None:
        self.space, self.space_free = Space(), threading.Lock()

    @torch.inference_mode()
    def __call__(self, picture: Tensor) -> Tensor:
        """What `TransformNet.forward` gives: (N, 3, H, W) in [0, 1] to the same in (0, 1)."""
        count, channels, height, width = picture.shape
        if channels != 3:
            raise ValueError(f"pictures have 3 channels, not {channels}")
        margin = KERNEL // 2
        x = F.pad(picture.float(), (0, -width % 4, 0, -height % 4), mode="reflect")
        x = F.pad(x, (margin,) * 4, mode="reflect").permute(0, 2, 3, 1).contiguous()
        output = x.new_empty(count, 3, x.shape[1] - 2 * margin, x.shape[2] - 2 * margin)
        for one, result in zip(x, output, strict=True):
            with self.space_free:
                self._one(one, result)
        return output.sigmoid_()[..., :height, :width].contiguous()

    @abstractmethod
    def _one(self, padded: Tensor, result: Tensor) -> None:
        """One padded picture (H + 8, W + 8, 3) to the logits (3, H, W)."""


class FusedNet(Folded):
    """In float32."""

    @torch.no_grad()
    def __init__(self, network: TransformNet) -> None:
        super().__init__()
        smooth = network.smooth
        limit = LIMIT if smooth else math.inf
        first, *down = all_of(network.down, ConvNorm)
        # the network's 2 x - 1 is a factor here: the shift, like a bias, ends in the normalisation
        kernel = 2 * first.conv.weight.permute(2, 3, 1, 0)
        self.first = panels(_tall(kernel.flatten(1, 2)))
        self.first_norm = folded_norm(first, True, limit)
        self.down = [Layer(layer, "down", True, limit) for layer in down]
        self.residuals = [
            (Layer(block.first, "same", True, limit), Layer(block.second, "same", False, limit))
            for block in all_of(network.residuals, Residual)
        ]
        up = "smooth" if smooth else "up"
        self.up = [Layer(layer, up, True, limit) for layer in all_of(network.up, ConvNorm)]
        self.last, self.bias = panels(_tall(spread(network.out))), bias(network.out)

    def _one(self, padded: Tensor, result: Tensor) -> None:
        space, norm = self.space, self.first_norm.clone()
        z = space.take("even", *result.shape[1:], norm.shape[1])
        operators().enter(padded, self.first, z, norm)
        for layer, name in zip(self.down, ("odd", "even"), strict=True):
            z, norm = layer(z, norm, space, name)
        x = space.take("sum", *z.shape)
        call_layer("add", None, z, norm, x, *x.shape)
        for first, second in self.residuals:
            z, norm = first(x, None, space, "even")
            z, norm = second(z, norm, space, "odd")
            call_layer("add", x, z, norm, x, *x.shape)
        z, norm = self.up[0](x, None, space, "even")
        z, norm = self.up[1](z, norm, space, "odd")
        operators().leave(z, norm, self.last, self.bias, result)
