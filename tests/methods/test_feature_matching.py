"""Moments, covariances and levels of features, against formulas that are written out here."""

import importlib

import numpy as np
import pytest
import torch
from helpers.tiny import pictures
from helpers.trained import loaded, tensor

from bench import encoders
from bench.contract import Context, Precision
from bench.contract.phases import adapt, stylize
from bench.encoders.vgg import VGG

matching = importlib.import_module("bench.methods._feature_matching")
wct = importlib.import_module("bench.methods.wct")


def test_adain_gives_features_the_styles_moments():
    content, style = 3 * tensor(2, 5, 7, 6) + 1, 0.5 * tensor(1, 5, 9, 4, seed=1) - 2
    moved = matching.adain(content, matching.moments(style)).numpy()
    for picture in moved:
        np.testing.assert_allclose(picture.mean((1, 2)), style[0].numpy().mean((1, 2)), atol=1e-4)
        np.testing.assert_allclose(picture.std((1, 2)), style[0].numpy().std((1, 2)), atol=1e-3)


@pytest.mark.parametrize("name", ["adain", "wct"])
def test_a_preserved_color_is_the_contents(name, context, tmp_path):
    method = loaded(name, context, tmp_path, preserve_color=True)
    style = tensor(1, 3, 32, 32, seed=3).sigmoid()
    content = tensor(2, 3, 32, 32, seed=4).sigmoid()
    adapt(method, style)
    both = stylize(method, content)
    alone = loaded(name, context, tmp_path)
    adapt(alone, matching.match_color(style, content[1:]))
    torch.testing.assert_close(both[1:], stylize(alone, content[1:]), atol=1e-4, rtol=1e-4)


def test_matched_colors_have_the_contents_mean_and_covariance():
    style, content = (0.4 + 0.1 * tensor(1, 3, 30, 30, seed=s).clamp(-2, 2) for s in (0, 1))
    content = 0.3 + 0.5 * content
    matched = matching.match_color(style, content)[0].flatten(1).numpy()
    flat = content[0].flatten(1).numpy()
    np.testing.assert_allclose(matched.mean(1), flat.mean(1), atol=1e-4)
    np.testing.assert_allclose(np.cov(matched), np.cov(flat), atol=1e-4)


def test_directions_without_variance_are_left_out():
    """Two equal channels: whitening must not blow their difference, which is rounding, up."""
    flat = tensor(1, 50).repeat(2, 1)
    root, inverse = matching.covariance_roots(flat)
    white = inverse @ (flat.double() - flat.double().mean(1, keepdim=True))
    assert np.cov(white.numpy()).trace() == pytest.approx(1.0, abs=1e-6)
    np.testing.assert_allclose((root @ root).numpy(), np.cov(flat.double().numpy()), atol=1e-6)


def test_pyramids_take_one_level_per_stride(context):
    pyramid = matching.Pyramid(context, "tiny")
    assert (pyramid.strides, pyramid.channels) == ([1, 2], [4, 6])
    assert matching.Joint(pyramid)(tensor(1, 3, 32, 24)).shape == (1, 10, 8, 6)


def test_on_vgg19_the_levels_are_the_papers():
    """With random weights, for VGG19's cannot be had everywhere; the layers are the same."""

    class Random(encoders.Vgg19):
        def build(self):
            torch.manual_seed(0)
            return VGG(self.depths, self.taps, (0, 0, 0), (1, 1, 1))

    context = Context(torch.device("cpu"), Precision(), pictures(1, 0), {"vgg": Random()}.get)
    pyramid = matching.Pyramid(context, "vgg")
    taps = [Random.taps[level] for level in pyramid.levels]
    assert taps == ["relu1_1", "relu2_1", "relu3_1", "relu4_1"]
    assert (pyramid.strides, pyramid.channels) == ([1, 2, 4, 8], [64, 128, 256, 512])
    levels = pyramid(tensor(1, 3, 32, 32).sigmoid())
    decoded = [matching.mirror(pyramid)(levels[-1])]
    pairs = zip(wct.decoders(pyramid), levels, strict=True)
    decoded += [decoder(level) for decoder, level in pairs]
    assert {picture.shape for picture in decoded} == {(1, 3, 32, 32)}


@pytest.mark.parametrize(
    ("encoder", "levels"),
    [
        (encoders.Vgg19Quarter, ["relu1_1", "relu2_1", "relu3_1", "relu4_1"]),
        (encoders.Vgg19Head, ["relu1_1", "relu2_1", "relu3_1"]),
    ],
)
def test_on_the_shipped_networks_too(encoder, levels):
    """AdaIN's, Avatar-Net's and WCT's relu4_1, Style-Swap's relu3_1."""
    network = encoder()
    context = Context(torch.device("cpu"), Precision(), pictures(1, 0), {"it": network}.get)
    pyramid = matching.Pyramid(context, "it")
    assert [network.taps[level] for level in pyramid.levels] == levels
    assert pyramid.strides == [1, 2, 4, 8][: len(levels)]
    assert list(pyramid.network.convs)[-1] == levels[-1].replace("relu", "conv")  # no further
