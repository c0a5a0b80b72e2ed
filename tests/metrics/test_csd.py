"""CSD: CLIP's features, projected."""

import importlib

import pytest
import torch
import torch.nn.functional as F
from helpers.embedded import REGISTRY, conform, context, picture, prepared, tower

clip = importlib.import_module("bench.metrics.clip")
csd = importlib.import_module("bench.metrics.csd")
CLIP_MEAN, CLIP_STD = clip.CLIP_NORMALISATION


@torch.inference_mode()
def test_csd_projects_clips_features_on_styles(kept):
    pytest.importorskip("open_clip")
    network, state = tower()
    state.pop("proj")
    style, content = (
        torch.randn(128, 24, generator=torch.Generator().manual_seed(n)) for n in (1, 2)
    )
    checkpoint = {f"module.backbone.{name}": tensor for name, tensor in state.items()}
    checkpoint |= {"module.last_layer_style": style, "module.last_layer_content": content}
    kept(csd.CSDEncoder, lambda p: torch.save({"model_state_dict": checkpoint, "epoch": 3}, p))
    pictures = [picture(seed=n) for n in range(3)]
    pooled = [
        network.vision_model(prepared(photo, 32, 32, CLIP_MEAN, CLIP_STD)).pooler_output[0]
        for photo in pictures
    ]
    expected = F.cosine_similarity(pooled[0] @ style, pooled[2] @ style, 0).item()
    (metric,) = REGISTRY.metric("csd")
    metric.load(context())
    assert metric.score(*pictures) == pytest.approx(expected, abs=5e-3)


def test_they_conform(kept):
    """On random weights: the encoder takes any size, batches and gradients; metrics keep rules."""
    pytest.importorskip("open_clip")
    _, state = tower()
    state.pop("proj")
    checkpoint = {f"backbone.{name}": tensor for name, tensor in state.items()}
    for n, tap in enumerate(("style", "content")):
        generator = torch.Generator().manual_seed(n)
        checkpoint[f"last_layer_{tap}"] = torch.randn(128, 24, generator=generator)
    kept(csd.CSDEncoder, lambda path: torch.save(checkpoint, path))
    conform(("encoders", "csd-vit-l14"), ("metrics", "csd/1@csd-vit-l14"))
