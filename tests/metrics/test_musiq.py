"""MUSIQ against pyiqa's."""

import importlib

import pytest
import torch
from helpers.embedded import REGISTRY, conform, context, picture

musiq = importlib.import_module("bench.metrics.musiq")


def test_musiq_equals_pyiqas(kept):
    pyiqa = pytest.importorskip("pyiqa")
    from pyiqa.archs.musiq_arch import MUSIQ

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = MUSIQ(pretrained=False)
    path = kept(musiq.MUSIQ, lambda p: torch.save(network.state_dict(), p), single=False)
    original = pyiqa.create_metric("musiq", device="cpu", pretrained_model_path=str(path))
    (metric,) = REGISTRY.metric("musiq")
    metric.load(context())
    photo = picture(96, 120)
    expected = original(photo).item()
    assert metric.score(photo, photo, photo) == pytest.approx(expected, rel=1e-4)
    conform(("metrics", "musiq/1"))
