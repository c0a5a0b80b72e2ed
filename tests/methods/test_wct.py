"""WCT: whitening and colouring."""

import importlib

import numpy as np
from helpers.trained import tensor

matching = importlib.import_module("bench.methods._feature_matching")
wct = importlib.import_module("bench.methods.wct")


def test_whitened_and_coloured_features_have_the_styles_covariance():
    mixing = tensor(6, 6, seed=1)
    content = tensor(1, 6, 12, 11) + 2
    style = (mixing @ tensor(6, 400, seed=2)).view(1, 6, 20, 20) - 1
    flat = style[0].flatten(1)
    root, _ = matching.covariance_roots(flat)
    moved = wct.whiten_color(content, root, flat.mean(1, keepdim=True))[0].flatten(1).numpy()
    np.testing.assert_allclose(np.cov(moved), np.cov(flat.numpy()), atol=1e-3)
    np.testing.assert_allclose(moved.mean(1), flat.numpy().mean(1), atol=1e-4)
