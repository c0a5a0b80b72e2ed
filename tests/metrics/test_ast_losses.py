"""The losses of tables, spelt out."""

import numpy as np
import pytest
import torch
from helpers.embedded import REGISTRY, context, picture


def test_style_and_content_loss_equal_microasts_spelt_out(tmp_path, monkeypatch):
    """On random weights of the network, against numpy: unbiased deviations, epsilon 1e-5."""
    from bench.encoders import Vgg19Normalised

    encoder = Vgg19Normalised()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = encoder.empty(encoder.taps).eval().requires_grad_(False)
    monkeypatch.setattr(Vgg19Normalised, "build", lambda self: network)
    stylized, content, style = (picture(40, 36, seed=n) for n in range(3))
    maps = {n: [f[0].numpy() for f in network(p)] for n, p in enumerate((stylized, content, style))}

    def statistics(f):
        flat = f.reshape(len(f), -1).astype(np.float64)
        return flat.mean(1), np.sqrt(flat.var(1, ddof=1) + 1e-5)

    layers = []
    for own, wanted in zip(maps[0], maps[2], strict=True):
        pairs = zip(statistics(own), statistics(wanted), strict=True)
        layers.append(sum(((a - b) ** 2).mean() for a, b in pairs))
    expected = {
        "style-loss": np.mean(layers),
        "content-loss": np.mean([((maps[0][k] - maps[1][k]) ** 2).mean() for k in (3, 4)]),
    }
    for name, value in expected.items():
        (metric,) = REGISTRY.metric(name)
        metric.load(context())
        assert metric.score(stylized, content, style) == pytest.approx(value, rel=1e-4)
