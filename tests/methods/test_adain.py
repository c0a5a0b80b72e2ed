"""AdaIN: what of its style is a matter of two moments alone."""

import importlib

import torch
from helpers.trained import loaded, tensor

from bench.contract.phases import adapt, stylize
from bench.encoders.vgg import VGG

matching = importlib.import_module("bench.methods._feature_matching")


def test_adain_without_style_reconstructs(context, tmp_path):
    """alpha = 0 asks for the content's own moments: the picture does not depend on the style."""
    method = loaded("adain", context, tmp_path, alpha=0.0)
    content = tensor(1, 3, 32, 32, seed=2).sigmoid()
    results = []
    for seed in (3, 4):
        adapt(method, tensor(1, 3, 32, 32, seed=seed).sigmoid())
        results.append(stylize(method, content))
    torch.testing.assert_close(results[0], results[1])


def test_adain_mixes_styles_by_their_moments(context, tmp_path):
    """Paper, eq. 15: what is linear in the styles' moments can be mixed by mixing them."""
    method = loaded("adain", context, tmp_path)
    target = []
    for seed in (3, 4):
        adapt(method, tensor(1, 3, 32, 32, seed=seed).sigmoid())
        target.append(method.adapted()["style_moments"])
    features = tensor(1, target[0].shape[2], 8, 8)
    halves = [matching.adain(features, moments) for moments in target]
    mixed = matching.adain(features, (target[0] + target[1]) / 2)
    torch.testing.assert_close(mixed, (halves[0] + halves[1]) / 2)


def test_vgg19_to_relu4_1_has_half_of_adains_parameters():
    """MetaStyle's table says 7.01 M for AdaIN: the encoder and a decoder that mirrors it."""
    vgg = VGG((2, 2, 4, 4, 4), ("relu4_1",), (0, 0, 0), (1, 1, 1))
    assert sum(p.numel() for p in vgg.parameters()) == 3_505_728
