"""Networks of vectors: what goes in, and what is said where they are not there."""

import importlib

import pytest
import torch
from helpers.embedded import REGISTRY, picture, prepared

from bench.errors import BenchError, NeedError

csd = importlib.import_module("bench.metrics.csd")
dinov2 = importlib.import_module("bench.metrics.dinov2")
embeddings = importlib.import_module("bench.metrics._embeddings")


@pytest.mark.parametrize("size", [(80, 80), (67, 45), (32, 90), (20, 24)])
def test_preprocessing_equals_torchvisions_on_pillow(size):
    photo = picture(*size)
    wanted = prepared(photo, 36, 32, (0, 0, 0), (1, 1, 1))
    torch.testing.assert_close(embeddings.centred(photo, 36, 32), wanted, rtol=0, atol=1.1 / 255)


@pytest.mark.parametrize("name", ["clip-vit-b32", "csd-vit-l14", "dinov2-vitb14"])
def test_nothing_is_downloaded_and_the_reason_says_how(name, tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path))
    with pytest.raises(NeedError, match="are missing: bench weights fetch gets them"):
        REGISTRY.encoder(name).build()


@pytest.mark.parametrize("encoder", [csd.CSDEncoder, dinov2.DinoV2])
def test_anothers_weights_are_told(encoder, kept):
    kept(encoder, lambda path: torch.save({"a": torch.zeros(2)}, path))
    with pytest.raises(BenchError, match="holds another network's weights"):
        encoder().build()
