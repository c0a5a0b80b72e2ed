"""ArtFID is the product of its parts."""

import importlib

import numpy as np
import pytest
import torch

from bench import store
from bench.contract import Context, Precision
from bench.plugins import registry

REGISTRY = registry.load()
fid = importlib.import_module("bench.metrics.fid")
artfid = importlib.import_module("bench.metrics.artfid")
lpips = importlib.import_module("bench.metrics.lpips")


def picture(height=80, width=80, seed=0):
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def context():
    return Context(torch.device("cpu"), Precision(), store.collect([]), REGISTRY.encoder)


def test_artfid_is_the_product_of_its_parts(hub, monkeypatch):
    monkeypatch.setattr(lpips.LPIPS_ALEX, "load", lambda context: None)
    monkeypatch.setattr(
        lpips.LPIPS_ALEX,
        "score",
        lambda stylized, content, style: (stylized - content).abs().mean().item(),
    )
    metrics = artfid.ArtFID(), fid.FID("art-inception")
    for metric in metrics:
        metric.load(context())
    triples = [
        (picture(seed=n), picture(seed=10 + n % 2), picture(seed=20 + n // 2)) for n in range(4)
    ]
    value, parts = metrics[0].score_set(iter(triples))
    assert parts["fid"] == pytest.approx(metrics[1].score_set(iter(triples)).value)
    mean = np.mean([(stylized - content).abs().mean().item() for stylized, content, _ in triples])
    assert parts["lpips"] == pytest.approx(mean)
    assert value == pytest.approx((1 + parts["lpips"]) * (1 + parts["fid"]))
