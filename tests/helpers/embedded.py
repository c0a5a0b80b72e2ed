"""Networks of vectors: small towers with random weights, and what they are compared on."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torchvision import transforms

from bench import conformance, images, store
from bench.contract import Context, Precision
from bench.plugins import registry

REGISTRY = registry.load()


def picture(height=80, width=80, seed=0):
    small = torch.rand(1, 3, 10, 10, generator=torch.Generator().manual_seed(seed))
    return F.interpolate(small, (height, width), mode="bilinear").mul(255).round().div(255)


def context():
    return Context(torch.device("cpu"), Precision(), store.collect([]), REGISTRY.encoder)


def conform(*things):
    """Every check of each, given as its kind and name."""
    cases = [
        case
        for kind, name in things
        for case in conformance.cases_of(REGISTRY, kind, name, context())
    ]
    assert len(cases) >= 10 * len(things)
    for case in cases:
        case()


def tower(projected=True, side=32):
    """A small CLIP tower of transformers with random weights, and the same by OpenAI's names."""
    hf = pytest.importorskip("transformers")
    config = hf.CLIPVisionConfig(
        hidden_size=128, intermediate_size=256, num_hidden_layers=2, num_attention_heads=2,
        image_size=side, patch_size=8, projection_dim=48, hidden_act="quick_gelu",
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = hf.CLIPVisionModelWithProjection(config).eval()
        for parameter in network.parameters():
            parameter.data += 0.1 * torch.randn_like(parameter)
    theirs = network.state_dict()
    state = {
        "conv1.weight": theirs["vision_model.embeddings.patch_embedding.weight"],
        "class_embedding": theirs["vision_model.embeddings.class_embedding"],
        "positional_embedding": theirs["vision_model.embeddings.position_embedding.weight"],
        "proj": theirs["visual_projection.weight"].T.contiguous(),
    }
    for kind in ("weight", "bias"):
        for norm, name in (("pre_layrnorm", "ln_pre"), ("post_layernorm", "ln_post")):
            state[f"{name}.{kind}"] = theirs[f"vision_model.{norm}.{kind}"]
        for layer in range(2):
            there = f"vision_model.encoder.layers.{layer}."
            here = f"transformer.resblocks.{layer}."
            parts = [theirs[f"{there}self_attn.{p}_proj.{kind}"] for p in "qkv"]
            state[f"{here}attn.in_proj_{kind}"] = torch.cat(parts)
            for mine, other in (
                ("attn.out_proj", "self_attn.out_proj"), ("ln_1", "layer_norm1"),
                ("ln_2", "layer_norm2"), ("mlp.c_fc", "mlp.fc1"), ("mlp.c_proj", "mlp.fc2"),
            ):  # fmt: skip
                state[f"{here}{mine}.{kind}"] = theirs[f"{there}{other}.{kind}"]
    return network, state


def archive(state, path):
    """A TorchScript archive as OpenAI's: no code, parameters by dotted names, half precision."""
    root = nn.Module()
    for name, tensor in state.items():
        *modules, last = f"visual.{name}".split(".")
        here = root
        for module in modules:
            if module not in dict(here.named_children()):
                here.add_module(module, nn.Module())
            here = getattr(here, module)
        here.register_parameter(last, nn.Parameter(tensor.half()))
    root.register_parameter("logit_scale", nn.Parameter(torch.ones(())))
    torch.jit.script(root).save(path)


def prepared(photo, side, crop, mean, std):
    """The papers' preprocessing, by torchvision on a Pillow image."""
    bicubic = transforms.InterpolationMode.BICUBIC
    steps = [
        transforms.Resize(side, bicubic),
        transforms.CenterCrop(crop),
        transforms.ToTensor(),
        transforms.Normalize(mean, std),
    ]
    return transforms.Compose(steps)(images.to_image(photo))[None]


def samples(count, channels=6, seed=0):
    return np.random.default_rng(seed).normal(size=(count, channels))
