"""DINOv2 against transformers' own network with random weights."""

import importlib

import pytest
import torch
import torch.nn.functional as F
from helpers.embedded import REGISTRY, conform, context, picture, prepared

dinov2 = importlib.import_module("bench.metrics.dinov2")


@torch.inference_mode()
def test_dinov2_equals_transformers(kept):
    pytest.importorskip("timm")
    hf = pytest.importorskip("transformers")
    config = hf.Dinov2Config(
        hidden_size=128, num_hidden_layers=2, num_attention_heads=2, image_size=224, patch_size=14,
        layerscale_value=0.5,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = hf.Dinov2Model(config).eval()
        for parameter in network.parameters():
            parameter.data += 0.05 * torch.randn_like(parameter)
    theirs = network.state_dict()
    state = {
        "cls_token": theirs["embeddings.cls_token"],
        "mask_token": theirs["embeddings.mask_token"],
        "pos_embed": theirs["embeddings.position_embeddings"],
        "norm.weight": theirs["layernorm.weight"],
        "norm.bias": theirs["layernorm.bias"],
    }
    layers = network.encoder.layer

    def part(layer, *names):
        """A layer's tensor, by whichever of the names this version of transformers has."""
        held = layers[layer].state_dict()
        return next(held[name] for name in names if name in held)

    for kind in ("weight", "bias"):
        patches = f"embeddings.patch_embeddings.projection.{kind}"
        state[f"patch_embed.proj.{kind}"] = theirs[patches]
        for layer in range(2):
            here = f"blocks.{layer}."
            parts = [
                part(layer, f"attention.{p[0]}_proj.{kind}", f"attention.attention.{p}.{kind}")
                for p in ("query", "key", "value")
            ]
            state[f"{here}attn.qkv.{kind}"] = torch.cat(parts)
            state[f"{here}attn.proj.{kind}"] = part(
                layer, f"attention.o_proj.{kind}", f"attention.output.dense.{kind}"
            )
            for name in ("norm1", "norm2", "mlp.fc1", "mlp.fc2"):
                state[f"{here}{name}.{kind}"] = part(layer, f"{name}.{kind}")
    for layer in range(2):
        for n in (1, 2):
            state[f"blocks.{layer}.ls{n}.gamma"] = part(layer, f"layer_scale{n}.lambda1")
    kept(dinov2.DinoV2, lambda path: torch.save(state, path))
    photos = [picture(300, 280, seed=n) for n in range(2)]
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    wanted = [network(prepared(p, 256, 224, mean, std)).pooler_output[0] for p in photos]
    (found,) = REGISTRY.encoder("dinov2-vitb14").build().eval()(photos[0])
    assert F.cosine_similarity(found[0, :, 0, 0], wanted[0], 0) > 0.9999
    (metric,) = REGISTRY.metric("dinov2-content")
    metric.load(context())
    expected = F.cosine_similarity(*wanted, 0).item()
    assert metric.score(*photos, photos[0]) == pytest.approx(expected, abs=2e-3)
    with torch.inference_mode(False):
        conform(("encoders", "dinov2-vitb14"), ("metrics", "dinov2-style/1@dinov2-vitb14"))
