"""Metrics on networks of vectors, with random weights in their files' layout; and of sets."""

import importlib
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torchvision import transforms

from bench import conformance, images, store, weights
from bench.contract import Context, Precision, Triple, Weights
from bench.errors import BenchError, NeedError
from bench.plugins import registry

REGISTRY = registry.load()
clip, csd, dinov2, dists, embeddings, kid, musiq = (
    importlib.import_module(f"bench.metrics.{name}")
    for name in ("clip", "csd", "dinov2", "dists", "_embeddings", "kid", "musiq")
)
CLIP_MEAN, CLIP_STD = clip.CLIP_NORMALISATION


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


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A function that puts a file into the user's folder and declares it to be the right one."""
    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path))

    def keep(owner, save, single=True):
        declared = owner.weights if single else owner.weights[0]
        path = tmp_path / declared.file
        path.parent.mkdir(parents=True, exist_ok=True)
        save(path)
        right = Weights(declared.file, weights.sha256(path), declared.source, declared.licence)
        monkeypatch.setattr(owner, "weights", right if single else (right,))
        return path

    return keep


# CLIP and what derives from it, against transformers' own network


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


@pytest.mark.parametrize("size", [(80, 80), (67, 45), (32, 90), (20, 24)])
def test_preprocessing_equals_torchvisions_on_pillow(size):
    photo = picture(*size)
    wanted = prepared(photo, 36, 32, (0, 0, 0), (1, 1, 1))
    torch.testing.assert_close(embeddings.centred(photo, 36, 32), wanted, rtol=0, atol=1.1 / 255)


@pytest.mark.filterwarnings("ignore::FutureWarning")
@torch.inference_mode()
def test_clip_equals_transformers_and_the_similarity_is_the_cosine(kept):
    pytest.importorskip("open_clip")
    network, state = tower()
    network = network.half().float()  # what the archive keeps
    kept(clip.B32, lambda path: archive(state, path))
    pictures = [picture(seed=n) for n in range(3)]
    wanted = [
        network(prepared(photo, 32, 32, CLIP_MEAN, CLIP_STD)).image_embeds[0] for photo in pictures
    ]
    (found,) = clip.B32.build()(pictures[0])
    assert F.cosine_similarity(found[0, :, 0, 0], wanted[0], 0) > 0.999
    stylized, content, style = pictures
    for axis, other in (("style", 2), ("content", 1)):
        (metric,) = REGISTRY.metric(f"clip-{axis}/1@clip-vit-b32")
        metric.load(context())
        expected = F.cosine_similarity(wanted[0], wanted[other], 0).item()
        assert metric.score(stylized, content, style) == pytest.approx(expected, abs=5e-3)
        assert metric.direction == "higher"
        assert metric.axis == axis


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


# distances of sets


def samples(count, channels=6, seed=0):
    return np.random.default_rng(seed).normal(size=(count, channels))


def test_kid_by_hand():
    """One channel, two samples a side: k(x, y) = (x y + 1)³."""
    first, second = np.array([[0.0], [1.0]]), np.array([[2.0], [3.0]])
    across = np.mean([1, 1, 3**3, 4**3])
    expected = (1 + 1) / 2 + (7**3 + 7**3) / 2 - 2 * across
    found = kid.mean_discrepancy(first, second, kid.cubic_kernel, unbiased=True)
    assert found == pytest.approx(expected)


def test_kid_equals_torch_fidelitys():
    fidelity = pytest.importorskip("torch_fidelity.metric_kid")
    first, second = samples(30), samples(30, seed=1) + 0.3
    theirs = fidelity.kid_features_to_metric(
        torch.from_numpy(first), torch.from_numpy(second),
        kid_subsets=1, kid_subset_size=30, verbose=False,
    )  # fmt: skip
    found = kid.mean_discrepancy(first, second, kid.cubic_kernel, unbiased=True)
    assert found == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-9)


def test_one_sample_has_no_unbiased_discrepancy():
    with pytest.raises(BenchError, match="at least 2 samples, got 1"):
        kid.mean_discrepancy(samples(1), samples(3), kid.cubic_kernel, unbiased=True)


def test_cmmd_equals_its_sum_spelt_out():
    """A loop over pairs, with the biased estimate, as in the paper's equation 3."""
    first, second = 5 * samples(7), 5 * samples(9, seed=1)

    def mean(one, other):
        return np.mean([[math.exp(-((x - y) ** 2).sum() / 200) for y in other] for x in one])

    expected = mean(first, first) + mean(second, second) - 2 * mean(first, second)
    found = kid.mean_discrepancy(first, second, clip.gaussian_kernel, unbiased=False)
    assert found == pytest.approx(expected, rel=1e-9)


class Corners(nn.Module):
    """A picture's first two numbers as its vector, (N, 2, 1, 1)."""

    def forward(self, picture):
        return [picture[:, 0, 0, :2, None, None]]


def test_cmmd_is_of_vectors_of_length_1_times_a_thousand(monkeypatch):
    monkeypatch.setattr(clip.OpenAIClip, "build", lambda self: Corners())
    given = [(0.3, 0.4), (0.0, 0.5), (1.0, 0.0), (0.25, 0.0)]
    one = [(0.6, 0.8), (0.0, 1.0), (1.0, 0.0), (1.0, 0.0)]
    pictures = []
    for numbers in given:
        pictures.append(torch.zeros(1, 3, 8, 8))
        pictures[-1][0, 0, 0, :2] = torch.tensor(numbers)
    stylized, other, wanted, again = pictures
    (metric,) = REGISTRY.metric("cmmd")
    metric.load(context())
    score = metric.score_set(
        [Triple(stylized, stylized, wanted), Triple(other, stylized, again)]
    ).value
    k = np.array([[math.exp(-(math.dist(x, y) ** 2) / 200) for y in one] for x in one])
    expected = 1000 * (k[:2, :2].mean() + k[2:, 2:].mean() - 2 * k[:2, 2:].mean())
    assert score == pytest.approx(expected, rel=1e-5)


# DISTS and MUSIQ


def test_dists_pools_by_the_root_of_blurred_squares_by_hand():
    """A single 4 among zeros: its square, 16, is seen through the window's middle, a quarter."""
    x = torch.zeros(1, 1, 4, 4)
    x[0, 0, 2, 2] = 4.0
    expected = torch.tensor([[0.0, 0.0], [0.0, 2.0]])
    torch.testing.assert_close(dists.l2_pool(x)[0, 0], expected, atol=2e-6, rtol=1e-6)


@pytest.mark.filterwarnings("ignore::UserWarning")
@torch.inference_mode()
def test_dists_equals_the_original_on_a_random_trunk(tmp_path, monkeypatch):
    theirs = pytest.importorskip("DISTS_pytorch.DISTS_pt")
    from torchvision.models import vgg16

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        trunk = vgg16(weights=None, init_weights=True).eval()
    monkeypatch.setattr(theirs.models, "vgg16", lambda pretrained: trunk)
    original = theirs.DISTS(load_weights=False)
    calibration = weights.read(weights.SHIPPED / "dists.safetensors")
    original.load_state_dict({**original.state_dict(), **calibration})
    file = tmp_path / "vgg16.pth"
    torch.save(trunk.state_dict(), file)
    monkeypatch.setattr("bench.encoders.vgg.hub_file", lambda _: file)
    (metric,) = REGISTRY.metric("dists")
    metric.load(context())
    for size in ((64, 64), (70, 45)):
        first, second = picture(*size), picture(*size, seed=1)
        expected = original(first, second).item()
        assert metric.score(first, second, first) == pytest.approx(expected, rel=1e-3)
        assert metric.score(first, first, second) == pytest.approx(0, abs=1e-5)


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


# the losses of tables


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
