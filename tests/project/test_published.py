"""Plugins for published networks, on random numbers in the layout of the published files.

The layouts are written out here, as the authors' code declares them, and so is what each network
computes: nothing of it is taken from the plugins. No published file was at hand.
"""

import contextlib
import functools
import io
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from bench import conformance, weights
from bench.cli import main
from bench.contract import phases
from bench.encoders import Vgg19Normalised
from bench.errors import BenchError, NeedError
from bench.plugins import registry
from bench.weights import files, fill, read_checkpoint

FOLDER = Path(__file__).parents[2] / "examples" / "published"
WIDTHS = (64, 128, 256, 512, 512)


def conv(outputs, inputs, kernel, name):
    return {f"{name}.weight": (outputs, inputs, kernel, kernel), f"{name}.bias": (outputs,)}


def linear(outputs, inputs, name):
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def norm(name):
    return {f"{name}.weight": (512,), f"{name}.bias": (512,)}


def joined(*parts):
    return {key: shape for part in parts for key, shape in part.items()}


def prefixed(prefix, layout):
    return {f"{prefix}{key}": shape for key, shape in layout.items()}


# number of the layer: channels out and in; what lies between has no numbers
VGG = {0: (3, 3), 2: (64, 3), 5: (64, 64), 9: (128, 64), 12: (128, 128), 16: (256, 128)}
VGG |= {19: (256, 256), 22: (256, 256), 25: (256, 256), 29: (512, 256), 32: (512, 512)}
VGG |= {35: (512, 512), 38: (512, 512), 42: (512, 512), 45: (512, 512), 48: (512, 512)}
VGG |= {51: (512, 512)}
POOLED = (9, 16, 29, 42)
PARTS = {"enc_1": range(4), "enc_2": range(4, 11), "enc_3": range(11, 18), "enc_4": range(18, 31)}
DECODER = {1: (256, 512), 5: (256, 256), 8: (256, 256), 11: (256, 256), 14: (128, 256)}
DECODER |= {18: (128, 128), 21: (64, 128), 25: (64, 64), 28: (3, 64)}
DOUBLED = (5, 18, 25)
vgg = joined(*(conv(*shape, 3 if n else 1, f"{n}") for n, shape in VGG.items()))
decoder = joined(*(conv(*shape, 3, f"{n}") for n, shape in DECODER.items()))
cast_encoder = joined(
    *(
        conv(*VGG[n], 3 if n else 1, f"{part}.{n - span.start}")
        for part, span in PARTS.items()
        for n in span
        if n in VGG
    )
)

residual = joined(*(conv(64, 64, 3, f"conv{n}.conv_layer") for n in (1, 2)))
micro_encoder = joined(
    conv(16, 3, 9, "enc1.0.conv_layer"),
    conv(32, 1, 3, "enc1.2.conv_layer"),
    conv(32, 32, 1, "enc1.4.conv_layer"),
    conv(64, 1, 3, "enc1.6.conv_layer"),
    conv(64, 64, 1, "enc1.8.conv_layer"),
    prefixed("enc1.10.", residual),
    prefixed("enc2.0.", residual),
)
modulator = joined(
    *(conv(64, 1, 3, f"{name}.0.conv_layer") for name in ("weight1", "bias1", "weight2", "bias2"))
)
micro_decoder = joined(
    prefixed("dec1.", residual),
    prefixed("dec2.", residual),
    conv(32, 2, 3, "dec3.1.conv_layer"),
    conv(32, 32, 1, "dec3.3.conv_layer"),
    conv(16, 2, 3, "dec3.6.conv_layer"),
    conv(16, 16, 1, "dec3.8.conv_layer"),
    conv(3, 16, 9, "dec3.10.conv_layer"),
)


def attention(compared, width):
    f_and_g = [conv(compared, compared, 1, name) for name in "fg"]
    return joined(*f_and_g, conv(width, width, 1, "h"))


adaattn_3 = attention(448, 256)
adaattn_transformer = joined(
    prefixed("attn_adain_4_1.", attention(960, 512)),
    prefixed("attn_adain_5_1.", attention(1472, 512)),
    conv(512, 512, 3, "merge_conv"),
)
adaattn_decoder = joined(
    conv(256, 512, 3, "decoder_layer_1.1"),
    conv(256, 512, 3, "decoder_layer_2.1"),
    *(conv(*DECODER[n + 4], 3, f"decoder_layer_2.{n}") for n in (4, 7, 10, 14, 17, 21, 24)),
)


def attended(name):
    return joined(
        {f"{name}.in_proj_weight": (1536, 512), f"{name}.in_proj_bias": (1536,)},
        linear(512, 512, f"{name}.out_proj"),
    )


perceptron = joined(linear(2048, 512, "linear1"), linear(512, 2048, "linear2"))
encoder_layer = joined(attended("self_attn"), perceptron, norm("norm1"), norm("norm2"))
decoder_layer = joined(encoder_layer, attended("multihead_attn"), norm("norm3"))
stytr_transformer = joined(
    *(prefixed(f"encoder_{of}.layers.{n}.", encoder_layer) for of in "cs" for n in range(3)),
    *(prefixed(f"decoder.layers.{n}.", decoder_layer) for n in range(3)),
    norm("decoder.norm"),
    conv(512, 512, 1, "new_ps"),
)
embedding = {"proj.weight": (512, 3, 8, 8), "proj.bias": (512,)}


def size(*layouts):
    return sum(torch.Size(shape).numel() for layout in layouts for shape in layout.values())


def test_the_layouts_have_the_published_sizes():
    """Of files whose bytes a public repository tells, and of a paper; 4 bytes a number."""
    assert 4 * size(vgg) == pytest.approx(80_102_481, rel=2e-4)
    assert 4 * size(stytr_transformer) == pytest.approx(127_222_545, rel=1e-3)
    micro = size(micro_encoder, micro_encoder, modulator, micro_decoder)
    assert micro / 1e6 == pytest.approx(0.472, abs=5e-4)  # MicroAST, table 1


def numbers(layout, seed=0):
    """Random tensors under which signals neither die nor grow; norms stay near what they are."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for key, shape in layout.items():
        noise = torch.randn(shape, generator=generator)
        inputs = torch.Size(shape[1:]).numel() if len(shape) > 1 else 100
        tensors[key] = noise / inputs**0.5 + (1.0 if ".norm" in key and "weight" in key else 0.0)
    return tensors


class Drawn(Mapping):
    """Numbers in layouts by name, drawn when they are first asked for: there are 90 million."""

    def __init__(self, layouts):
        self.layouts = layouts
        self.drawn = {}

    def __getitem__(self, name):
        if name not in self.drawn:
            self.drawn[name] = numbers(*self.layouts[name])
        return self.drawn[name]

    def __iter__(self):
        return iter(self.layouts)

    def __len__(self):
        return len(self.layouts)


STATES = Drawn(
    {
        "vgg_normalised.pth": (vgg, 0),
        "adain-naoto/decoder.pth": (decoder, 1),
        "microast/content_encoder_iter_160000.pth.tar": (micro_encoder, 2),
        "microast/style_encoder_iter_160000.pth.tar": (micro_encoder, 3),
        "microast/modulator_iter_160000.pth.tar": (modulator, 4),
        "microast/decoder_iter_160000.pth.tar": (micro_decoder, 5),
        "stytr2/embedding_iter_160000.pth": (embedding, 6),
        "stytr2/transformer_iter_160000.pth": (stytr_transformer, 7),
        "stytr2/decoder_iter_160000.pth": (decoder, 8),
    }
)
ARCHIVES = {
    "cast/CAST_model.zip": Drawn(
        {
            "CAST_model/latest_net_AE.pth": (cast_encoder, 9),
            "CAST_model/latest_net_Dec_A.pth": (prefixed("decoder.", decoder), 10),
            "CAST_model/latest_net_Dec_B.pth": (prefixed("decoder.", decoder), 11),
        }
    ),
    "adaattn/AdaAttN_model.zip": Drawn(
        {
            "AdaAttN/latest_net_adaattn_3.pth": (adaattn_3, 12),
            "AdaAttN/latest_net_transformer.pth": (adaattn_transformer, 13),
            "AdaAttN/latest_net_decoder.pth": (adaattn_decoder, 14),
            "vgg_normalised.pth": ({}, 0),
        }
    ),
}
PLUGINS = ("adain_naoto", "microast", "cast", "adaattn", "stytr2")


@pytest.fixture(scope="module")
def user(tmp_path_factory):
    """A user's folder with every file."""
    folder = tmp_path_factory.mktemp("weights")
    for name, state in STATES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        torch.save(state, folder / name)
    for name, inside in ARCHIVES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(folder / name, "w") as archive:
            for member, state in inside.items():
                held = io.BytesIO()
                torch.save(state, held)
                archive.writestr(member, held.getvalue())
    return folder


@pytest.fixture(autouse=True)
def _as_published(user, monkeypatch):
    """Random numbers stand in for files whose SHA-256 is declared."""
    declared = {"vgg_normalised.pth": Vgg19Normalised.weights.sha256, "decoder.pth": ADAIN}
    real = files.sha256
    for module in (files, weights):
        monkeypatch.setattr(module, "sha256", lambda path: declared.get(path.name) or real(path))
    monkeypatch.setenv("BENCH_WEIGHTS", str(user))


ADAIN = "379ca41d59f3a37eed3599bbbc2560c19da5c458870a5ffd3a9dd41aa88f9472"


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_plugin_passes_the_suite(plugin):
    outcomes = conformance.run(conformance.cases(str(FOLDER / f"{plugin}.py")))
    assert [f"{o.case}: {o.message}" for o in outcomes if o.status != "passed"] == []


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_plugin_says_where_its_weights_are_from_and_what_they_may_be_used_for(plugin, capsys):
    loaded = registry.load([str(FOLDER / f"{plugin}.py")])
    name = plugin.replace("_", "-")
    for needed in loaded.method(name).weights:
        assert needed.address is not None
        assert needed.address.startswith("https://")
        assert needed.licence
        assert needed.sha256 is None or len(needed.sha256) == 64
    assert main(["weights", name, "--plugin", str(FOLDER / f"{plugin}.py")]) == 0
    out = capsys.readouterr().out
    assert "missing" not in out.partition("\n\n")[0]
    assert ("verified" in out) == any(needed.sha256 for needed in loaded.method(name).weights)


# what they compute


def stylized(plugin, content, style):
    loaded = registry.load([str(FOLDER / f"{plugin}.py")])
    context = conformance.context(loaded, torch.device("cpu"))
    method = loaded.method(plugin.replace("_", "-"))(context)
    method.load()
    phases.adapt(method, style)
    return phases.stylize(method, content)


def pictures():
    generator = torch.Generator().manual_seed(20)
    return [F.interpolate(torch.rand(1, 3, 8, 8, generator=generator), s) for s in (48, (32, 64))]


def convolved(x, state, name, stride=1, groups=1):
    weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
    half = weight.shape[-1] // 2
    return F.conv2d(
        F.pad(x, (half,) * 4, mode="reflect"), weight, bias, stride=stride, groups=groups
    )


def encoded(x, state, taps, name=str):
    """VGG19's features after the ReLU of the numbered convolutions."""
    found = []
    for number in VGG:
        if number in POOLED:
            x = F.max_pool2d(x, 2, ceil_mode=True)
        x = convolved(x, state, name(number))
        x = x.relu() if number else x
        if number in taps:
            found.append(x)
        if number == taps[-1]:
            return found
    return found


def decoded(x, state, name=str, first=1):
    for number in DECODER:
        if number < first:
            continue
        if number in DOUBLED and number > first:
            x = F.interpolate(x, scale_factor=2)
        x = convolved(x, state, name(number))
        x = x.relu() if number < 28 else x
    return x


def centred(x):
    return (x - x.mean((2, 3), keepdim=True)) / (x.var((2, 3), keepdim=True) + 1e-5).sqrt()


def adain(content, style):
    deviation = (style.var((2, 3), keepdim=True) + 1e-5).sqrt()
    return centred(content) * deviation + style.mean((2, 3), keepdim=True)


def close(value, wanted):
    assert wanted.std() > 0.02  # it is a picture
    torch.testing.assert_close(value, wanted.clamp(0, 1), rtol=0, atol=2e-4)


def test_adain():
    content, style = pictures()
    state = STATES["vgg_normalised.pth"]
    features = [encoded(picture, state, [29])[0] for picture in (content, style)]
    wanted = decoded(adain(*features), STATES["adain-naoto/decoder.pth"])
    close(stylized("adain_naoto", content, style), wanted)


def test_cast():
    """Its own encoder, pictures in [-1, 1], and the second decoder."""
    content, style = pictures()
    inside = ARCHIVES["cast/CAST_model.zip"]

    def name(number):
        (part,) = (part for part, span in PARTS.items() if number in span)
        return f"{part}.{number - PARTS[part].start}"

    features = [
        encoded(picture * 2 - 1, inside["CAST_model/latest_net_AE.pth"], [29], name)[0]
        for picture in (content, style)
    ]
    state = inside["CAST_model/latest_net_Dec_B.pth"]
    wanted = decoded(adain(*features), state, lambda number: f"decoder.{number}")
    close(stylized("cast", content, style), (wanted + 1) / 2)


def test_microast():
    content, style = pictures()
    states = {
        name.split("/")[1].split("_iter")[0]: STATES[name] for name in STATES if "micro" in name
    }

    def block(x, state, name, gain=None, bias=None):
        first = convolved(x, state, f"{name}.conv1.conv_layer")
        if gain is None:
            return x + convolved(first.relu(), state, f"{name}.conv2.conv_layer")
        inner = (gain * first + bias * x).relu()
        return x + gain * convolved(inner, state, f"{name}.conv2.conv_layer") + bias * inner

    def encode(x, state):
        x = convolved(x, state, "enc1.0.conv_layer").relu()
        x = convolved(x, state, "enc1.2.conv_layer", 2, 16).relu()
        x = convolved(x, state, "enc1.4.conv_layer").relu()
        x = convolved(x, state, "enc1.6.conv_layer", 2, 32).relu()
        x = convolved(x, state, "enc1.8.conv_layer").relu()
        shallow = block(x, state, "enc1.10")
        return shallow, block(shallow, state, "enc2.0")

    shallow, deep = encode(style, states["style_encoder"])
    signals = {
        f"{kind}{level}": convolved(
            features, states["modulator"], f"{kind}{level}.0.conv_layer", groups=64
        ).mean((2, 3), keepdim=True)
        for level, features in ((1, shallow), (2, deep))
        for kind in ("weight", "bias")
    }
    state = states["decoder"]
    x = adain(encode(content, states["content_encoder"])[1], deep)
    x = adain(block(x, state, "dec1", signals["weight2"], signals["bias2"]), shallow)
    x = block(x, state, "dec2", signals["weight1"], signals["bias1"])
    up = functools.partial(F.interpolate, scale_factor=2, mode="bilinear")
    x = convolved(up(x), state, "dec3.1.conv_layer", groups=32).relu()
    x = convolved(x, state, "dec3.3.conv_layer").relu()
    x = convolved(up(x), state, "dec3.6.conv_layer", groups=16).relu()
    x = convolved(x, state, "dec3.8.conv_layer").relu()
    close(stylized("microast", content, style), convolved(x, state, "dec3.10.conv_layer"))


def test_adaattn():
    """Position by position: the style's mean and deviation under softmax weights."""
    content, style = pictures()
    inside = ARCHIVES["adaattn/AdaAttN_model.zip"]
    levels = [
        encoded(picture, STATES["vgg_normalised.pth"], [2, 9, 16, 29, 42])
        for picture in (content, style)
    ]

    def compared(features, level):
        size = features[level].shape[2:]
        parts = [F.interpolate(f, size) for f in features[:level]] + [features[level]]
        return torch.cat([centred(part) for part in parts], 1)

    def attend(level, state, prefix=""):
        query = F.conv2d(
            compared(levels[0], level), state[f"{prefix}f.weight"], state[f"{prefix}f.bias"]
        )
        key = F.conv2d(
            compared(levels[1], level), state[f"{prefix}g.weight"], state[f"{prefix}g.bias"]
        )
        value = F.conv2d(levels[1][level], state[f"{prefix}h.weight"], state[f"{prefix}h.bias"])
        share = torch.einsum("kp,ks->ps", query[0].flatten(1), key[0].flatten(1)).softmax(1)
        flat = value[0].flatten(1)
        mean = torch.einsum("ps,cs->cp", share, flat)
        square = torch.einsum("ps,cs->cp", share, flat**2)
        here = levels[0][level]
        deviation = (square - mean**2).clamp_min(0).sqrt()
        return centred(here) * deviation.view_as(here) + mean.view_as(here)

    third = attend(2, inside["AdaAttN/latest_net_adaattn_3.pth"])
    state = inside["AdaAttN/latest_net_transformer.pth"]
    deep = attend(3, state, "attn_adain_4_1.")
    deep = deep + F.interpolate(attend(4, state, "attn_adain_5_1."), scale_factor=2)
    state = inside["AdaAttN/latest_net_decoder.pth"]
    x = convolved(
        convolved(deep, inside["AdaAttN/latest_net_transformer.pth"], "merge_conv"),
        state,
        "decoder_layer_1.1",
    ).relu()
    both = torch.cat([F.interpolate(x, scale_factor=2), third], 1)
    wanted = decoded(both, state, lambda number: f"decoder_layer_2.{number - 4}", first=5)
    value = stylized("adaattn", content, style)
    assert (value - wanted.clamp(0, 1)).abs().mean() < 1e-4
    close(value, wanted)


def test_adaattn_draws_the_same_positions_of_a_large_style_every_time():
    content, style = pictures()
    large = F.interpolate(style, (288, 320), mode="bilinear")  # 72 × 80 positions at relu3_1
    torch.manual_seed(0)
    first = stylized("adaattn", content, large)
    torch.manual_seed(1)
    assert torch.equal(first, stylized("adaattn", content, large))


def test_stytr2():
    """Torch's own encoder layers for the style, which has no places; the rest by its formulas."""
    content, style = pictures()
    state = STATES["stytr2/transformer_iter_160000.pth"]
    patches = [
        F.conv2d(picture, *STATES["stytr2/embedding_iter_160000.pth"].values(), stride=8)
        for picture in (content, style)
    ]

    def part(prefix):
        return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}

    def attend(queries, keys, values, name):
        """Of eight heads; tokens (P, 512)."""
        weights = state[f"{name}.in_proj_weight"].chunk(3)
        biases = state[f"{name}.in_proj_bias"].chunk(3)
        q, k, v = (
            F.linear(x, w, b).unflatten(1, (8, 64)).transpose(0, 1)
            for x, w, b in zip((queries, keys, values), weights, biases, strict=True)
        )
        mixed = (q @ k.transpose(1, 2) / 8).softmax(2) @ v
        out = state[f"{name}.out_proj.weight"], state[f"{name}.out_proj.bias"]
        return F.linear(mixed.transpose(0, 1).flatten(1), *out)

    def norm(x, name):
        return F.layer_norm(x, (512,), state[f"{name}.weight"], state[f"{name}.bias"])

    def perceive(x, name):
        first = F.linear(x, state[f"{name}.linear1.weight"], state[f"{name}.linear1.bias"])
        return F.linear(
            first.relu(), state[f"{name}.linear2.weight"], state[f"{name}.linear2.bias"]
        )

    memory = patches[1].flatten(2).transpose(1, 2)
    for index in range(3):
        layer = torch.nn.TransformerEncoderLayer(512, 8, batch_first=True).eval()
        layer.load_state_dict(part(f"encoder_s.layers.{index}."))
        memory = layer(memory)
    memory = memory[0]
    pooled = F.adaptive_avg_pool2d(patches[0], 18)
    pooled = F.conv2d(pooled, state["new_ps.weight"], state["new_ps.bias"])
    place = F.interpolate(pooled, patches[0].shape[2:], mode="bilinear")[0].flatten(1).T
    x = patches[0][0].flatten(1).T
    for index in range(3):
        name = f"encoder_c.layers.{index}"
        x = norm(x + attend(x + place, x + place, x, f"{name}.self_attn"), f"{name}.norm1")
        x = norm(x + perceive(x, name), f"{name}.norm2")
    for index in range(3):
        name = f"decoder.layers.{index}"
        x = norm(x + attend(x + place, memory, memory, f"{name}.self_attn"), f"{name}.norm1")
        x = norm(x + attend(x + place, memory, memory, f"{name}.multihead_attn"), f"{name}.norm2")
        x = norm(x + perceive(x, name), f"{name}.norm3")
    features = norm(x, "decoder.norm").T.reshape(1, 512, *patches[0].shape[2:])
    wanted = decoded(features, STATES["stytr2/decoder_iter_160000.pth"])
    close(stylized("stytr2", content, style).detach(), wanted)


# the encoder, and files that do not fit


def test_the_encoder_is_vgg19_with_reflection_padding():
    content, _ = pictures()
    picture = content[..., :45]  # rounded up at each pooling: 23, 12, 6, 3
    network = Vgg19Normalised().build()
    taps = network(picture)
    wanted = encoded(picture, STATES["vgg_normalised.pth"], [2, 9, 16, 29, 42])
    assert [tuple(f.shape[1:]) for f in taps] == [
        (64, 48, 45),
        (128, 24, 23),
        (256, 12, 12),
        (512, 6, 6),
        (512, 3, 3),
    ]
    for value, other in zip(taps, wanted, strict=True):
        torch.testing.assert_close(value, other, rtol=1e-4, atol=1e-4)


def test_the_encoder_passes_the_suite():
    outcomes = conformance.run(conformance.cases("vgg19-normalised"))
    assert [f"{o.case}: {o.message}" for o in outcomes if o.status != "passed"] == []


def test_another_networks_file_is_one_line(user, tmp_path):
    network = torch.nn.Linear(3, 3)
    with pytest.raises(BenchError, match=r"decoder\.pth holds another network's weights \(Missing"):
        fill(network, read_checkpoint(user / "adain-naoto" / "decoder.pth"), user / "decoder.pth")
    (tmp_path / "cut.pth").write_bytes((user / "adain-naoto" / "decoder.pth").read_bytes()[:5000])
    (tmp_path / "list.pth").write_bytes(b"")
    torch.save([1, 2], tmp_path / "list.pth")
    archive = user / "cast" / "CAST_model.zip"
    for path, inside, says in (
        (tmp_path / "cut.pth", None, "cut.pth cannot be read as a checkpoint: "),
        (tmp_path / "no.pth", None, "no.pth cannot be read as a checkpoint: "),
        (tmp_path / "list.pth", None, "list.pth holds no state dict"),
        (tmp_path / "cut.pth", "latest_net_AE.pth", "cannot be read as a zip archive"),
        (archive, "latest_net_C.pth", "holds 0 files latest_net_C.pth, not one"),
    ):
        with pytest.raises(BenchError, match=says) as caught:
            read_checkpoint(path, inside)
        assert "\n" not in str(caught.value)


# a diffusion model


@pytest.fixture(scope="module")
def diffusion(tmp_path_factory):
    """Stable Diffusion's three networks in its layout, narrow and random."""
    diffusers = pytest.importorskip("diffusers", reason="needs the extra diffusion")
    transformers = pytest.importorskip("transformers", reason="needs the extra diffusion")
    folder = tmp_path_factory.mktemp("user") / "stable-diffusion-v1-4"
    torch.manual_seed(0)
    unet = diffusers.UNet2DConditionModel(
        block_out_channels=(8, 8, 16, 16),
        norm_num_groups=4,
        attention_head_dim=4,
        cross_attention_dim=16,
    )
    autoencoder = diffusers.AutoencoderKL(
        block_out_channels=(8,) * 4,
        norm_num_groups=4,
        down_block_types=["DownEncoderBlock2D"] * 4,
        up_block_types=["UpDecoderBlock2D"] * 4,
    )
    narrow = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2}
    text = transformers.CLIPTextModel(
        transformers.CLIPTextConfig(num_hidden_layers=1, projection_dim=16, **narrow)
    )
    for network, name in ((unet, "unet"), (autoencoder, "vae"), (text, "text_encoder")):
        with contextlib.redirect_stderr(io.StringIO()):
            network.save_pretrained(folder / name)
    return folder


@pytest.fixture
def styleid(diffusion, monkeypatch):
    """Makes the loaded method with small pictures; `options` are its own."""
    monkeypatch.setenv("BENCH_WEIGHTS", str(diffusion.parent))
    loaded = registry.load([str(FOLDER / "styleid.py")])
    context = conformance.context(loaded, torch.device("cpu"))
    cls = loaded.method("styleid-diffusion")

    def make(**options):
        method = cls(context, cls.Options(size=64, **options))
        method.load()
        return method

    return make


def test_styleid_passes_the_suite(diffusion, monkeypatch):
    monkeypatch.setenv("BENCH_WEIGHTS", str(diffusion.parent))
    outcomes = conformance.run(conformance.cases(str(FOLDER / "styleid.py")))
    assert [f"{o.case}: {o.message}" for o in outcomes if o.status != "passed"] == []


def test_styleid_takes_a_model_that_the_user_names(diffusion, styleid, monkeypatch):
    monkeypatch.setenv("BENCH_WEIGHTS", "nowhere")
    method = styleid(model=str(diffusion))
    assert {Path(needed.file).parents[1] for needed in method.needs(method.options)} == {diffusion}


@torch.no_grad()
def test_styleids_steps_are_diffusers_own(styleid):
    """Attention that is only looked at is its own too; a step of sampling is its scheduler's."""
    import diffusers
    from diffusers.models.attention_processor import AttnProcessor

    method = styleid(steps=10)
    scheduler = diffusers.DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    )
    scheduler.set_timesteps(10)
    times = list(method.times())
    assert times == scheduler.timesteps.tolist()[::-1]
    latent = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    seen = []

    def look(place, *three):
        seen.append(place)
        return three

    moved = [method.moved(latent, t, b, look) for t, b in zip(times, [0, *times], strict=False)]
    assert seen[:6] == ["1 2.0", "1 2.1", "1 2.2", "1 3.0", "1 3.1", "1 3.2"]
    method.unet.set_attn_processor(AttnProcessor())
    for time, value in zip(times, moved, strict=True):
        noise = method.unet(latent, time, method.prompt).sample
        wanted = scheduler.step(noise, time, latent).prev_sample
        torch.testing.assert_close(value, wanted, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_styleid_injects_the_styles_keys_and_values_and_mixes_queries(styleid):
    """What the last sampling step's attentions were given, worked out from what was seen."""
    content, style = (F.interpolate(p, (64, 64)) for p in pictures())
    method = styleid(steps=2, gamma=0.75, temperature=1.5)
    phases.adapt(method, style)
    calls = []
    moved = method.moved

    def watched(latent, time, other, look):
        def looking(place, *three):
            given = look(place, *three)
            calls.append((time, other, place, three, given))
            return given

        return moved(latent, time, other, looking)

    method.moved = watched
    phases.stylize(method, content)
    # inversion from 1 by 501 to 999; sampling leaves the first step, that from 501, out
    assert [(t, o) for t, o, *_ in calls[::6]] == [(1, 501), (501, 999), (1, 0)]
    own = {place: three[0] for _, _, place, three, _ in calls[:6]}
    for _, _, place, (query, key, value), given in calls[12:]:
        mixed = 0.75 * own[place] + 0.25 * query
        torch.testing.assert_close(given[0], 1.5 * mixed)
        assert torch.equal(given[1], method.style[f"{place} key"])
        assert torch.equal(given[2], method.style[f"{place} value"])
        assert not torch.equal(given[1], key)
        assert not torch.equal(given[2], value)


def test_styleids_style_can_be_saved_and_taken_up_again(styleid):
    content, style = (F.interpolate(p, (64, 64)) for p in pictures())
    first, second = styleid(steps=2), styleid(steps=2)
    phases.adapt(first, style)
    kept = first.adapted()
    assert {"style.latent", "style.1 2.0 key", "style.501 3.2 value"} <= set(kept)
    second.restore({key: kept[key] for key in kept if key.startswith("style.")})
    assert torch.equal(*(phases.stylize(method, content) for method in (first, second)))


def test_styleid_without_its_library_says_what_to_install(styleid, monkeypatch):
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(NeedError, match=r"needs diffusers: pip install '.*\[diffusion\]'$"):
        styleid()
