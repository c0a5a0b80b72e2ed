"""Avatar-Net: a style is its own decoration."""

import importlib

import numpy as np
import torch
from helpers.trained import loaded, tensor

from bench.contract.phases import adapt, stylize

matching = importlib.import_module("bench.methods._feature_matching")
avatar_net = importlib.import_module("bench.methods.avatar_net")


def test_a_style_decorated_with_itself_is_as_if_encoded_and_decoded(context, tmp_path):
    """Avatar-Net: its patches are their own nearest, and the moments are its own."""
    method = loaded("avatar-net", context, tmp_path, alpha=1.0)
    style = tensor(1, 3, 32, 32).sigmoid()
    adapt(method, style)
    levels = method.pyramid(style)
    style_moments = [matching.moments(features) for features in levels]
    decoded = method.decoder(levels[-1], matching.fusing(method.pyramid, style_moments))
    torch.testing.assert_close(stylize(method, style), decoded, atol=1e-4, rtol=1e-4)


def test_projected_features_have_no_moments_of_their_own():
    features = tensor(2, 5, 10, 10) * torch.arange(1.0, 6).view(1, 5, 1, 1) + 3
    projected = avatar_net.project(features).numpy()
    np.testing.assert_allclose(projected.mean((2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(projected.std((2, 3)), 1, atol=1e-4)
