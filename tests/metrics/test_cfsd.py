"""StyleID's structural distance, against numpy."""

import importlib

import numpy as np
import pytest
import torch
from helpers.scored import picture

from bench.plugins import registry

REGISTRY = registry.load()
cfsd = importlib.import_module("bench.metrics.cfsd")


def test_structural_distance_equals_numpys(monkeypatch):
    """StyleID's formula in numpy: softmax of inner products, KL summed over positions."""
    monkeypatch.setattr(cfsd, "ROWS", 5)  # cut into blocks that do not come out even
    content, stylized = (
        torch.rand(12, 4, generator=torch.Generator().manual_seed(s)) for s in (0, 1)
    )

    def similarities(x):
        x = x.double().numpy()
        powers = np.exp(x @ x.T)
        return powers / powers.sum(1, keepdims=True)

    p, q = similarities(content), similarities(stylized)
    expected = (p * np.log(p / q)).sum()
    assert cfsd.structural_distance(content, stylized).item() == pytest.approx(expected, rel=1e-10)


def test_cfsd_reads_relu3_1_over_its_channels(context):
    encoder = REGISTRY.encoder("vgg16-bsds")
    maps = context.encoder("vgg16-bsds")(picture(32, 32))
    rows = cfsd.structure(maps, encoder)
    assert rows.shape == (8 * 8, 256)
    torch.testing.assert_close(rows[9], maps[2][0, :, 1, 1] / 256)
