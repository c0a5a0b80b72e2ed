"""Networks that are generated for a style: neutral at first, and blended with the content's own."""

import importlib

import pytest
import torch
from helpers.trained import loaded, tensor
from torch.func import functional_call

from bench.contract.phases import adapt, stylize

statistics = importlib.import_module("bench.methods._style_statistics")
net = importlib.import_module("bench.methods._transform_net")
ghiasi = importlib.import_module("bench.methods.ghiasi")
metanet = importlib.import_module("bench.methods.metanet")


@pytest.mark.parametrize("name", ["ghiasi", "metanet"])
def test_between_the_style_and_the_content_lie_their_numbers(name, context, tmp_path):
    """alpha=0 is the content as its own style, alpha=1 the style; each picture has its own."""
    style, contents = tensor(1, 3, 32, 32).sigmoid(), tensor(2, 3, 32, 32, seed=4).sigmoid()
    torch.manual_seed(0)
    none, whole = (loaded(name, context, tmp_path, alpha=alpha) for alpha in (0.0, 1.0))
    for method in (none, whole):
        torch.manual_seed(1)
        for parameter in method.generator.parameters():
            torch.nn.init.normal_(parameter, std=0.05)
        adapt(method, style)
    own = []
    for content in contents[:, None]:
        adapt(whole, content)
        own.append(stylize(whole, content))
    torch.testing.assert_close(stylize(none, contents), torch.cat(own), atol=1e-4, rtol=1e-4)


def generator(kind, context):
    torch.manual_seed(0)
    return kind(statistics.StyleStatistics(context, "tiny"), net.TransformNet())


@pytest.mark.parametrize("kind", [ghiasi.StylePrediction, metanet.MetaNet])
def test_an_untrained_generator_gives_the_neutral_network(kind, context):
    untrained = generator(kind, context)
    content = tensor(1, 3, 32, 32).sigmoid()
    stylized = functional_call(
        untrained.transform, untrained.parameters_for(tensor(20)), (content,)
    )
    torch.testing.assert_close(stylized, untrained.transform(content))
