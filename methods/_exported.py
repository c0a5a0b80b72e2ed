"""The transformation network in ordinary operators, for other runtimes (`bench.runtimes`)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ._instance_norm import EPSILON
from ._transform_net import LIMIT, ConvNorm, Residual, TransformNet


class Portable(nn.Module):
    """The same function as the network that it is made of, for pictures of any size from 16 px on.

    Its layers have no gradients and no layout of their own; the network's weights are copied.
    """

    def __init__(self, network: TransformNet) -> None:
        super().__init__()
        copy = TransformNet(network.smooth)
        copy.load_state_dict({name: t.detach().float() for name, t in network.state_dict().items()})
        self.network = (
            copy.requires_grad_(False).eval().cpu().to(memory_format=torch.contiguous_format)
        )

    def forward(self, picture: Tensor) -> Tensor:
        """Pictures (N, 3, H, W) in [0, 1] to pictures of the same shape in (0, 1), in float32."""
        height, width = picture.shape[2:]
        # selections, as a view would bind the graph to sides that are multiples of 4, or not
        x = picture.index_select(2, _mirrored(height)).index_select(3, _mirrored(width)) * 2 - 1
        for module in self.network.down:
            x = self._layer(module, x, True)
        for block in self.network.residuals:
            assert isinstance(block, Residual)
            x = x + self._layer(block.second, self._layer(block.first, x, True), False)
        for module in self.network.up:
            x = self._layer(module, x, True)
        out = self.network.out
        x = F.conv2d(F.pad(x, (4,) * 4, mode="reflect"), out.weight, out.bias)
        x = torch.sigmoid(x).index_select(2, torch.arange(height))
        return x.index_select(3, torch.arange(width))

    def _layer(self, module: nn.Module, x: Tensor, relu: bool) -> Tensor:
        assert isinstance(module, ConvNorm)
        conv, norm, smooth = module.conv, module.norm, self.network.smooth
        if module.up:
            mode = "bilinear" if smooth else "nearest"
            x = F.interpolate(x, scale_factor=2.0, mode=mode)
        margin = (conv.kernel_size[0] // 2,) * 4
        x = F.pad(x, margin, mode="replicate" if module.up and smooth else "reflect")
        x = F.conv2d(x, conv.weight, conv.bias, conv.stride)
        x = F.instance_norm(x, eps=EPSILON)
        if smooth:
            x = x.clamp(-LIMIT, LIMIT)
        x = x * norm.weight[:, None, None] + norm.bias[:, None, None]
        return F.relu(x) if relu else x


def _mirrored(side: int) -> Tensor:
    """Where the pixels of a side grown to a multiple of 4 come from: by reflection at its end."""
    places = torch.arange((side + 3) // 4 * 4)
    return side - 1 - (side - 1 - places).abs()
