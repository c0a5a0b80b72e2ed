"""Shen's meta networks: a hypernetwork gives every parameter of the transformation network.

Falong Shen, Shuicheng Yan, Gang Zeng: Neural Style Transfer via Meta Networks. CVPR 2018.

Departures from the paper:

- The statistics are those of the five taps of a VGG19 of a quarter of its channels, which can be
  had offline (the paper: means and deviations at four layers of VGG16).
- Size. The paper's hypernetwork gives each layer 128 hidden numbers of its own, so that 128 times
  the network's 1.68 M parameters, 219 M in all, make one. Here each convolution has `CONV_HIDDEN`
  and each instance normalisation `NORM_HIDDEN`: the weights of a layer move in a plane instead of
  a space of 128 dimensions, and the file has 11 MB instead of 877.
- What is generated for the average style, the bias of the paper's last layers, starts as a network
  that was trained on all styles at once.
- The transformation network is MetaStyle's (the paper's has the same layers and size), and the
  loss the normalised one of the other trained methods.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.contract import Method, Recipe, Weights
from bench.hooks import hookimpl

from ._generated import Generated, Generator, GeneratorTraining
from ._style_statistics import StyleStatistics
from ._transform_net import TransformNet

CONV_HIDDEN = 2
NORM_HIDDEN = 32


class MetaNet(Generator):
    """Statistics to hidden numbers, in parts, each to one layer's parameters (paper, §3.3)."""

    def __init__(self, statistics: StyleStatistics, transform: TransformNet) -> None:
        super().__init__(statistics, transform)
        self.layers = {
            name: NORM_HIDDEN if isinstance(module, nn.InstanceNorm2d) else CONV_HIDDEN
            for name, module in transform.named_modules()
            if isinstance(module, nn.Conv2d | nn.InstanceNorm2d)
        }
        self.hidden = nn.Linear(statistics.size, sum(self.layers.values()))
        self.heads = nn.ModuleList()
        for name, width in self.layers.items():
            count = sum(p.numel() for p in transform.get_submodule(name).parameters())
            head = nn.Linear(width, count, bias=False)
            nn.init.zeros_(head.weight)  # at first every style gets the neutral network
            self.heads.append(head)

    def parameters_for(self, numbers: Tensor) -> dict[str, Tensor]:
        """Every parameter of the transformation network."""
        hidden = torch.split(F.relu(self.hidden(numbers)), list(self.layers.values()))
        parameters: dict[str, Tensor] = {}
        for (name, width), part, head in zip(self.layers.items(), hidden, self.heads, strict=True):
            own = dict(self.transform.get_submodule(name).named_parameters())
            change = head(part / width**0.5).float()  # so that Adam's steps fit the output
            changes = torch.split(change, [p.numel() for p in own.values()])
            for (kind, neutral), part in zip(own.items(), changes, strict=True):
                parameters[f"{name}.{kind}"] = neutral + part.view_as(neutral)
        return parameters


class MetaNetTraining(GeneratorTraining):
    """The hypernetwork learns through the network that it makes (paper, algorithm 1)."""

    paper = Recipe(
        {"encoder": "vgg16", "size": 256, "batch": 8},
        steps=None,
        contents="MS-COCO",
        styles="WikiArt",
        source="",
    )

    kind = MetaNet


class MetaNetworks(Generated):
    """A hypernetwork, and MetaStyle's transformation network."""

    name = "metanet"
    citation = "Shen, Yan, Zeng, CVPR 2018"
    kind = MetaNet
    training = MetaNetTraining
    weights = (
        Weights(
            "metanet.safetensors",
            "ab12ad4484021f1db18961f52e894416f3ffa9439683dec3d59b147e1e8d76b2",
            "bench train metanet",
            "MIT",
        ),
    )


@hookimpl
def bench_methods() -> Sequence[type[Method]]:
    """Meta networks."""
    return [MetaNetworks]
