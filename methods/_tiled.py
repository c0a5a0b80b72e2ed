"""The fused network in bfloat16, for a CPU with AMX: its convolutions are products of tiles.

As in `bench.methods._fused` normalisations are applied in passing and an upsampling is never made.
Nothing is saved of the multiplications, which the tiles make sixteen times as fast as vectors of
float32 do. Weights, and what lies between the layers, are rounded to bfloat16; sums, statistics and
the residual branch are float32.

`_tiled.cpp` has the layers; they are compiled with those of the fused network.
"""

from __future__ import annotations

import functools
import math

import torch
import torch.nn.functional as F
from torch import Tensor

from bench.errors import BenchError
from bench.layers import upsampled_kernels

from ._fused import Folded, Made, Space, all_of, bias, folded_norm, spread
from ._fused_layers import TILED, call_layer, kernels, operators
from ._transform_net import LIMIT, ConvNorm, Residual, TransformNet

DEEP, BLOCK = 32, 32
"""Values of bfloat16 in a tile's row, and outputs that are summed at once."""


@functools.cache
def require_tiles() -> None:
    """Compile the layers.

    Raises:
        BenchError: they cannot be compiled, or processor or system have no AMX.
    """
    if not kernels().has_tiles():
        raise BenchError("inference=tiled needs a CPU with AMX in bfloat16: use fused or plain")


def tiles(matrices: Tensor) -> Tensor:
    """Weights (phases, rows, depth, outputs) in bfloat16, as the products walk through them.

    Rows of the kernel are as deep as all that they meet; a depth that 32 does not divide is filled
    up. Of 32 values and 32 outputs two tiles are made, each of 16 pairs of values.
    """
    matrices = F.pad(matrices, (0, 0, 0, -matrices.shape[2] % DEEP))
    phases, rows, depth, outputs = matrices.shape
    cut = matrices.reshape(phases, rows, depth // DEEP, DEEP // 2, 2, outputs // BLOCK, 2, 16)
    return cut.permute(0, 5, 1, 2, 6, 3, 7, 4).to(torch.bfloat16).contiguous()


class Layer:
    """A convolution of 3 x 3 with its instance normalisation."""

    def __init__(
        self, layer: ConvNorm, relu: bool, smooth: bool, scale: float, limit: float
    ) -> None:
        weight = layer.conv.weight.float()
        phases = upsampled_kernels(weight, smooth) if layer.up else weight[None]
        # (phases, outputs, inputs, 3, 3) to what a row of the kernel meets, pixel after pixel
        self.weight = tiles(phases.permute(0, 3, 4, 2, 1).flatten(2, 3))
        self.norm, self.scale = folded_norm(layer, relu, limit), scale

    def __call__(self, x: Tensor, before: Tensor | None, space: Space, name: str) -> Made:
        """As `bench.methods._fused.Layer`, in bfloat16."""
        high, wide = (int(side * self.scale) for side in x.shape[:2])
        norm = self.norm.clone()
        output = space.take(name, high, wide, norm.shape[1], dtype=torch.bfloat16)
        operators().convolve(x, before, self.weight, TILED, output, norm)
        return output, norm


class TiledNet(Folded):
    """In bfloat16, by tiles."""

    @torch.no_grad()
    def __init__(self, network: TransformNet) -> None:
        super().__init__()
        smooth = network.smooth
        limit = LIMIT if smooth else math.inf
        first, *down = all_of(network.down, ConvNorm)
        kernel = 2 * first.conv.weight.float().permute(2, 3, 1, 0)  # 2 x - 1, as in `FusedNet`
        self.first = tiles(kernel.flatten(1, 2)[None])
        self.first_norm = folded_norm(first, True, limit)

        def layer(conv: ConvNorm, relu: bool = True, scale: float = 1) -> Layer:
            return Layer(conv, relu, smooth, scale, limit)

        self.down = [layer(conv, scale=1 / 2) for conv in down]
        self.residuals = [
            (layer(block.first), layer(block.second, relu=False))
            for block in all_of(network.residuals, Residual)
        ]
        self.up = [layer(conv, scale=2) for conv in all_of(network.up, ConvNorm)]
        self.last, self.bias = tiles(spread(network.out)[None]), bias(network.out)

    def _one(self, padded: Tensor, result: Tensor) -> None:
        space, norm, half = self.space, self.first_norm.clone(), torch.bfloat16
        z = space.take("even", *result.shape[1:], norm.shape[1], dtype=half)
        operators().enter(padded, self.first, z, norm)
        for layer, name in zip(self.down, ("odd", "even"), strict=True):
            z, norm = layer(z, norm, space, name)
        total, x = space.take("sum", *z.shape), space.take("rounded", *z.shape, dtype=half)
        call_layer("tiled_add", total, 1, z, norm, x, *x.shape)
        for first, second in self.residuals:
            z, norm = first(x, None, space, "even")
            z, norm = second(z, norm, space, "odd")
            call_layer("tiled_add", total, 0, z, norm, x, *x.shape)
        z, norm = self.up[0](x, None, space, "even")
        z, norm = self.up[1](z, norm, space, "odd")
        operators().leave(z, norm, self.last, self.bias, result)
