"""The hypernetwork, in the size of its paper and in ours."""

import importlib

import pytest
import torch
from helpers.trained import tensor

statistics = importlib.import_module("bench.methods._style_statistics")
net = importlib.import_module("bench.methods._transform_net")
metanet = importlib.import_module("bench.methods.metanet")


def generator(kind, context):
    torch.manual_seed(0)
    return kind(statistics.StyleStatistics(context, "tiny"), net.TransformNet())


def test_the_hypernetwork_fills_the_network_exactly(context):
    parameters = generator(metanet.MetaNet, context).parameters_for(tensor(20))
    wanted = {name: p.shape for name, p in net.TransformNet().named_parameters()}
    assert {name: p.shape for name, p in parameters.items()} == wanted
    assert sum(p.numel() for p in parameters.values()) == 1_679_235


def test_the_papers_hypernetwork_would_have_the_papers_size():
    """Shen et al.: 128 hidden numbers for every layer; MetaStyle's table says 219.32 M."""
    layers = [m for m in net.TransformNet().modules() if isinstance(m, torch.nn.Conv2d)]
    statistics_of_vgg16 = 2 * (64 + 128 + 256 + 512)
    hidden = 128 * len(layers)
    count = statistics_of_vgg16 * hidden + 128 * 1_679_235
    assert count == pytest.approx(219.32e6, rel=0.01)
