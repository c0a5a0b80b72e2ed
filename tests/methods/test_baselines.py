"""The methods that MetaStyle is compared with, against formulas that are written out here."""

import copy
import importlib
import json
import math
from dataclasses import asdict

import numpy as np
import pytest
import torch
from helpers.tiny import TinyEncoder, pictures
from torch.func import functional_call

from bench import encoders, options
from bench.contract import Context, Precision
from bench.contract.phases import adapt, stylize
from bench.encoders.vgg import VGG
from bench.errors import BenchError
from bench.plugins import registry
from bench.stylize import style_files
from bench.weights import write

matching = importlib.import_module("bench.methods._feature_matching")
patches = importlib.import_module("bench.methods._patches")
statistics = importlib.import_module("bench.methods._style_statistics")
net = importlib.import_module("bench.methods._transform_net")
adain, wct, avatar_net, cin, ghiasi, metanet = (
    importlib.import_module(f"bench.methods.{name}")
    for name in ("adain", "wct", "avatar_net", "cin", "ghiasi", "metanet")
)
METHODS = registry.load().methods
TRAINED = [name for name, cls in METHODS.items() if cls.training is not None]


@pytest.fixture
def context():
    return Context(
        torch.device("cpu"), Precision(), pictures(4, 0), {"tiny": TinyEncoder()}.__getitem__
    )


def tensor(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def task_of(name, context, **values):
    cls = METHODS[name].training
    fields = {"encoder": "tiny", "size": 32, "style_size": 32, "batch": 2, "styles": 2, **values}
    known = {row["name"] for row in options.describe(cls.Options)}
    chosen = options.build(cls.Options, {k: v for k, v in fields.items() if k in known}, name)
    torch.manual_seed(0)
    return cls(context, pictures(3, 1), chosen)


def loaded(name, context, tmp_path, **values):
    """A loaded method with the weights that a training of no step gives."""
    task = task_of(name, context)
    file = tmp_path / f"{name}.safetensors"
    write(file, task.export(), {"options": json.dumps(asdict(task.options))})
    cls = METHODS[name]
    least = {"encoder": "tiny", "steps": 1, "batch": 1, "size": 32}
    known = {row["name"] for row in options.describe(cls.Options)}
    given = {**{k: v for k, v in least.items() if k in known}, "weights": str(file), **values}
    method = cls(context, options.build(cls.Options, given, name))
    method.load()
    return method


# --- training, for all of them


@pytest.mark.parametrize("name", TRAINED)
def test_a_trained_method_learns_saves_and_loads(name, context, tmp_path):
    task = task_of(name, context)
    before = {key: value.clone() for key, value in task.export().items()}
    for index in range(2):
        logged = task.step(index)
        assert all(map(math.isfinite, logged.values()))
    assert any(not torch.equal(before[key], value) for key, value in task.export().items())
    method = loaded(name, context, tmp_path)
    torch.manual_seed(0)
    adapt(method, tensor(1, 3, 40, 56).sigmoid())
    content = tensor(2, 3, 37, 45, seed=1).sigmoid()
    picture = stylize(method, content)
    assert picture.shape == content.shape
    assert picture.min() >= 0
    assert picture.max() <= 1


@pytest.mark.parametrize("name", TRAINED)
def test_a_training_goes_on_where_it_was(name, context):
    whole, first, second = (task_of(name, context) for _ in range(3))
    torch.manual_seed(5)
    for index in range(2):
        whole.step(index)
    torch.manual_seed(5)
    first.step(0)
    second.restore(copy.deepcopy(first.state()))  # as from a file
    second.step(1)
    for key, value in second.export().items():
        torch.testing.assert_close(value, whole.export()[key], msg=key)


def test_a_step_lowers_the_loss_of_its_own_pairs(context):
    """Some steps on the same pairs: every training must be able to learn that much."""
    for name in ("adain", "wct", "style-swap", "avatar-net", "ghiasi", "metanet", "cin"):
        task = task_of(name, context, batch=2)
        torch.manual_seed(0)
        contents, drawn = task.contents(2), task.draw(2)
        totals = []
        for _ in range(10):
            torch.manual_seed(1)
            terms = task.terms(contents, drawn)
            totals.append(terms["total"].item())
            task.update(torch.autograd.grad(terms["total"], task.parameters), 1e-3)
        assert totals[-1] < totals[0], name


def test_weights_that_do_not_tell_their_training_are_refused(context, tmp_path):
    file = tmp_path / "w.safetensors"
    write(file, {"a": torch.zeros(1)})
    cls = METHODS["adain"]
    method = cls(context, options.build(cls.Options, {"weights": str(file)}, "adain"))
    with pytest.raises(BenchError, match="does not tell how it was trained"):
        method.load()


@pytest.mark.parametrize("name", ["cin", "adain", "ghiasi", "wct"])
def test_weights_of_another_method_are_refused(name, context, tmp_path):
    file = tmp_path / "w.safetensors"
    write(file, {"a": torch.zeros(1)}, {"options": '{"encoder": "tiny"}'})
    cls = METHODS[name]
    method = cls(context, options.build(cls.Options, {"weights": str(file)}, name))
    with pytest.raises(BenchError, match="holds another network's weights"):
        method.load()


# --- AdaIN


def test_adain_gives_features_the_styles_moments():
    content, style = 3 * tensor(2, 5, 7, 6) + 1, 0.5 * tensor(1, 5, 9, 4, seed=1) - 2
    moved = matching.adain(content, matching.moments(style)).numpy()
    for picture in moved:
        np.testing.assert_allclose(picture.mean((1, 2)), style[0].numpy().mean((1, 2)), atol=1e-4)
        np.testing.assert_allclose(picture.std((1, 2)), style[0].numpy().std((1, 2)), atol=1e-3)


def test_adain_without_style_reconstructs(context, tmp_path):
    """alpha = 0 asks for the content's own moments: the picture does not depend on the style."""
    method = loaded("adain", context, tmp_path, alpha=0.0)
    content = tensor(1, 3, 32, 32, seed=2).sigmoid()
    results = []
    for seed in (3, 4):
        adapt(method, tensor(1, 3, 32, 32, seed=seed).sigmoid())
        results.append(stylize(method, content))
    torch.testing.assert_close(results[0], results[1])


def test_adain_mixes_styles_by_their_moments(context, tmp_path):
    """Paper, eq. 15: what is linear in the styles' moments can be mixed by mixing them."""
    method = loaded("adain", context, tmp_path)
    target = []
    for seed in (3, 4):
        adapt(method, tensor(1, 3, 32, 32, seed=seed).sigmoid())
        target.append(method.adapted()["style_moments"])
    features = tensor(1, target[0].shape[2], 8, 8)
    halves = [matching.adain(features, moments) for moments in target]
    mixed = matching.adain(features, (target[0] + target[1]) / 2)
    torch.testing.assert_close(mixed, (halves[0] + halves[1]) / 2)


@pytest.mark.parametrize("name", ["adain", "wct"])
def test_a_preserved_color_is_the_contents(name, context, tmp_path):
    method = loaded(name, context, tmp_path, preserve_color=True)
    style = tensor(1, 3, 32, 32, seed=3).sigmoid()
    content = tensor(2, 3, 32, 32, seed=4).sigmoid()
    adapt(method, style)
    both = stylize(method, content)
    alone = loaded(name, context, tmp_path)
    adapt(alone, matching.match_color(style, content[1:]))
    torch.testing.assert_close(both[1:], stylize(alone, content[1:]), atol=1e-4, rtol=1e-4)


def test_matched_colors_have_the_contents_mean_and_covariance():
    style, content = (0.4 + 0.1 * tensor(1, 3, 30, 30, seed=s).clamp(-2, 2) for s in (0, 1))
    content = 0.3 + 0.5 * content
    matched = matching.match_color(style, content)[0].flatten(1).numpy()
    flat = content[0].flatten(1).numpy()
    np.testing.assert_allclose(matched.mean(1), flat.mean(1), atol=1e-4)
    np.testing.assert_allclose(np.cov(matched), np.cov(flat), atol=1e-4)


def test_vgg19_to_relu4_1_has_half_of_adains_parameters():
    """MetaStyle's table says 7.01 M for AdaIN: the encoder and a decoder that mirrors it."""
    vgg = VGG((2, 2, 4, 4, 4), ("relu4_1",), (0, 0, 0), (1, 1, 1))
    assert sum(p.numel() for p in vgg.parameters()) == 3_505_728


@pytest.mark.parametrize(
    ("name", "values"),
    [("style-swap", {}), ("avatar-net", {}), ("adain", {"preserve_color": True})],
)
def test_styles_without_a_mean_are_not_mixed(name, values, context, tmp_path):
    method = loaded(name, context, tmp_path, **values)
    before = style_files.state(method)
    adapt(method, tensor(1, 3, 32, 32).sigmoid())
    style = style_files.taken(method, before, "a")
    style_files.take_up(method, [style], [1.0])
    with pytest.raises(BenchError, match="give one --weights"):
        style_files.take_up(method, [style, style], [0.5, 0.5])


# --- WCT


def test_whitened_and_coloured_features_have_the_styles_covariance():
    mixing = tensor(6, 6, seed=1)
    content = tensor(1, 6, 12, 11) + 2
    style = (mixing @ tensor(6, 400, seed=2)).view(1, 6, 20, 20) - 1
    flat = style[0].flatten(1)
    root, _ = matching.covariance_roots(flat)
    moved = wct.whiten_color(content, root, flat.mean(1, keepdim=True))[0].flatten(1).numpy()
    np.testing.assert_allclose(np.cov(moved), np.cov(flat.numpy()), atol=1e-3)
    np.testing.assert_allclose(moved.mean(1), flat.numpy().mean(1), atol=1e-4)


def test_directions_without_variance_are_left_out():
    """Two equal channels: whitening must not blow their difference, which is rounding, up."""
    flat = tensor(1, 50).repeat(2, 1)
    root, inverse = matching.covariance_roots(flat)
    white = inverse @ (flat.double() - flat.double().mean(1, keepdim=True))
    assert np.cov(white.numpy()).trace() == pytest.approx(1.0, abs=1e-6)
    np.testing.assert_allclose((root @ root).numpy(), np.cov(flat.double().numpy()), atol=1e-6)


# --- patches: Style-Swap and Avatar-Net


def test_a_style_swapped_with_itself_is_itself():
    features = tensor(1, 4, 9, 8)
    torch.testing.assert_close(patches.swap(features, features, 3), features)


def test_swapping_is_the_search_written_out(monkeypatch):
    content, style, patch = tensor(2, 3, 6, 7), tensor(1, 3, 8, 5, seed=1), 3
    expected = torch.zeros_like(content)
    covered = torch.zeros(6, 7)
    for y in range(4):
        for x in range(5):
            covered[y : y + 3, x : x + 3] += 1
    for n in range(2):
        for y in range(4):
            for x in range(5):
                here = content[n, :, y : y + patch, x : x + patch]
                best = max(
                    (style[0, :, v : v + patch, u : u + patch] for v in range(6) for u in range(3)),
                    key=lambda there, here=here: (here * there).sum() / there.norm(),
                )
                expected[n, :, y : y + patch, x : x + patch] += best
    expected /= covered
    torch.testing.assert_close(patches.swap(content, style, patch), expected)
    monkeypatch.setattr(patches, "CHUNK", 1)  # one row of style patches at a time
    torch.testing.assert_close(patches.swap(content, style, patch), expected)


def test_matching_takes_the_style_in_pieces(monkeypatch):
    """However large the style, no more than a chunk of patches and scores is there at once."""
    seen = []
    convolve = torch.nn.functional.conv2d

    def watched(content, kernels):
        scores = convolve(content, kernels)
        seen.append(max(kernels.numel(), scores.numel()))
        return scores

    monkeypatch.setattr(patches, "CHUNK", 20_000)
    monkeypatch.setattr(patches.F, "conv2d", watched)
    patches.swap(tensor(1, 4, 20, 20), tensor(1, 4, 40, 30, seed=1), 3)
    assert len(seen) > 10
    assert max(seen) <= 20_000


def test_a_map_smaller_than_the_patch_is_one_patch():
    content, style = tensor(1, 2, 2, 5), tensor(1, 2, 4, 4, seed=1)
    assert patches.swap(content, style, 5).shape == content.shape


def test_a_style_decorated_with_itself_is_as_if_encoded_and_decoded(context, tmp_path):
    """Avatar-Net: its patches are their own nearest, and the moments are its own."""
    method = loaded("avatar-net", context, tmp_path, alpha=1.0)
    style = tensor(1, 3, 32, 32).sigmoid()
    adapt(method, style)
    levels = method.pyramid(style)
    style_moments = [matching.moments(features) for features in levels]
    decoded = method.decoder(levels[-1], matching.fusing(method.pyramid, style_moments))
    torch.testing.assert_close(stylize(method, style), decoded, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ["ghiasi", "metanet"])
def test_between_the_style_and_the_content_lie_their_numbers(name, context, tmp_path):
    """alpha=0 is the content as its own style, alpha=1 the style; each picture has its own."""
    style, contents = tensor(1, 3, 32, 32).sigmoid(), tensor(2, 3, 32, 32, seed=4).sigmoid()
    torch.manual_seed(0)
    none, whole = (loaded(name, context, tmp_path, alpha=alpha) for alpha in (0.0, 1.0))
    for method in (none, whole):
        torch.manual_seed(1)
        for parameter in method.generator.parameters():
            torch.nn.init.normal_(parameter, std=0.05)
        adapt(method, style)
    own = []
    for content in contents[:, None]:
        adapt(whole, content)
        own.append(stylize(whole, content))
    torch.testing.assert_close(stylize(none, contents), torch.cat(own), atol=1e-4, rtol=1e-4)


def test_predict_adapt_begins_as_ghiasi_and_goes_on(context, tmp_path):
    """No step leaves the predicted network; each further one moves it towards the style."""
    predicted = loaded("ghiasi", context, tmp_path)
    norms = predicted.generator.predict
    torch.nn.init.normal_(norms.weight, std=0.1, generator=torch.Generator().manual_seed(0))
    file = tmp_path / "ghiasi.safetensors"
    about = {"options": json.dumps({"encoder": "tiny"})}
    write(file, predicted.generator.state_dict(), about)
    style, content = (tensor(1, 3, 32, 32, seed=s).sigmoid() for s in (3, 4))
    adapt(predicted, style)
    cls = METHODS["predict-adapt"]
    values = {"weights": str(file), "encoder": "tiny", "steps": 4, "batch": 2, "size": 32}
    method = cls(context, options.build(cls.Options, values, "predict-adapt"))
    method.load()
    steps = method.adapt(style)
    next(steps)
    torch.testing.assert_close(
        stylize(method, content), stylize(predicted, content), atol=5e-3, rtol=0
    )  # the file holds half precision
    before = {name: p.detach().clone() for name, p in method.network.named_parameters()}
    assert len(list(steps)) == 4
    moved = {n for n, p in method.network.named_parameters() if not p.equal(before[n])}
    assert {"up.0.conv.weight", "up.0.norm.weight", "out.bias"} <= moved


def test_projected_features_have_no_moments_of_their_own():
    features = tensor(2, 5, 10, 10) * torch.arange(1.0, 6).view(1, 5, 1, 1) + 3
    projected = avatar_net.project(features).numpy()
    np.testing.assert_allclose(projected.mean((2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(projected.std((2, 3)), 1, atol=1e-4)


# --- networks with parameters of their own for each style


def test_cin_with_one_style_is_instance_normalisation():
    torch.manual_seed(0)
    network = net.TransformNet()
    for parameter in net.norm_parameters(network).values():
        torch.nn.init.uniform_(parameter, 0.5, 1.5)
    many = cin.ManyStyles(network, 1)
    content = tensor(2, 3, 32, 32).sigmoid()
    torch.testing.assert_close(many(content, [0, 0]), network(content))


def test_cin_changes_nothing_but_scales_and_shifts(context, tmp_path):
    method = loaded("cin", context, tmp_path, steps=2)
    before = {key: value.clone() for key, value in method.network.state_dict().items()}
    torch.manual_seed(0)
    adapt(method, tensor(1, 3, 32, 32).sigmoid())
    changed = {k for k, v in method.network.state_dict().items() if not torch.equal(v, before[k])}
    assert changed == set(net.norm_parameters(method.network))


def test_a_training_of_more_styles_than_there_are_is_refused(context):
    with pytest.raises(BenchError, match="only 3 styles"):
        task_of("cin", context, styles=4)


def generator(kind, context):
    torch.manual_seed(0)
    return kind(statistics.StyleStatistics(context, "tiny"), net.TransformNet())


def test_the_hypernetwork_fills_the_network_exactly(context):
    parameters = generator(metanet.MetaNet, context).parameters_for(tensor(20))
    wanted = {name: p.shape for name, p in net.TransformNet().named_parameters()}
    assert {name: p.shape for name, p in parameters.items()} == wanted
    assert sum(p.numel() for p in parameters.values()) == 1_679_235


def test_the_papers_hypernetwork_would_have_the_papers_size():
    """Shen et al.: 128 hidden numbers for every layer; MetaStyle's table says 219.32 M."""
    layers = [m for m in net.TransformNet().modules() if isinstance(m, torch.nn.Conv2d)]
    statistics_of_vgg16 = 2 * (64 + 128 + 256 + 512)
    hidden = 128 * len(layers)
    count = statistics_of_vgg16 * hidden + 128 * 1_679_235
    assert count == pytest.approx(219.32e6, rel=0.01)


@pytest.mark.parametrize("kind", [ghiasi.StylePrediction, metanet.MetaNet])
def test_an_untrained_generator_gives_the_neutral_network(kind, context):
    untrained = generator(kind, context)
    content = tensor(1, 3, 32, 32).sigmoid()
    stylized = functional_call(
        untrained.transform, untrained.parameters_for(tensor(20)), (content,)
    )
    torch.testing.assert_close(stylized, untrained.transform(content))


def test_statistics_are_means_and_deviations_standardised(context):
    read = statistics.StyleStatistics(context, "tiny")
    styles = tensor(3, 3, 32, 32).sigmoid()
    with torch.no_grad():
        taps = [tap.numpy() for tap in context.encoder("tiny")(styles)]
    means = np.concatenate([tap.mean((2, 3)) for tap in taps], 1)
    spread = np.concatenate([tap.std((2, 3)) for tap in taps], 1)
    raw = read.raw(styles)
    np.testing.assert_allclose(raw.numpy(), np.concatenate([means, spread], 1), atol=2e-3)
    read.standardise(torch.tensor([[0.0] * 20, [2.0] * 20]))
    np.testing.assert_allclose(
        read(styles).numpy(), np.clip((raw.numpy() - 1) / np.sqrt(2), -4, 4), rtol=1e-5
    )


def test_pyramids_take_one_level_per_stride(context):
    pyramid = matching.Pyramid(context, "tiny")
    assert (pyramid.strides, pyramid.channels) == ([1, 2], [4, 6])
    assert matching.Joint(pyramid)(tensor(1, 3, 32, 24)).shape == (1, 10, 8, 6)


def test_on_vgg19_the_levels_are_the_papers():
    """With random weights, for VGG19's cannot be had everywhere; the layers are the same."""

    class Random(encoders.Vgg19):
        def build(self):
            torch.manual_seed(0)
            return VGG(self.depths, self.taps, (0, 0, 0), (1, 1, 1))

    context = Context(torch.device("cpu"), Precision(), pictures(1, 0), {"vgg": Random()}.get)
    pyramid = matching.Pyramid(context, "vgg")
    taps = [Random.taps[level] for level in pyramid.levels]
    assert taps == ["relu1_1", "relu2_1", "relu3_1", "relu4_1"]
    assert (pyramid.strides, pyramid.channels) == ([1, 2, 4, 8], [64, 128, 256, 512])
    levels = pyramid(tensor(1, 3, 32, 32).sigmoid())
    decoded = [matching.mirror(pyramid)(levels[-1])]
    pairs = zip(wct.decoders(pyramid), levels, strict=True)
    decoded += [decoder(level) for decoder, level in pairs]
    assert {picture.shape for picture in decoded} == {(1, 3, 32, 32)}


@pytest.mark.parametrize(
    ("encoder", "levels"),
    [
        (encoders.Vgg19Quarter, ["relu1_1", "relu2_1", "relu3_1", "relu4_1"]),
        (encoders.Vgg19Head, ["relu1_1", "relu2_1", "relu3_1"]),
    ],
)
def test_on_the_shipped_networks_too(encoder, levels):
    """AdaIN's, Avatar-Net's and WCT's relu4_1, Style-Swap's relu3_1."""
    network = encoder()
    context = Context(torch.device("cpu"), Precision(), pictures(1, 0), {"it": network}.get)
    pyramid = matching.Pyramid(context, "it")
    assert [network.taps[level] for level in pyramid.levels] == levels
    assert pyramid.strides == [1, 2, 4, 8][: len(levels)]
    assert list(pyramid.network.convs)[-1] == levels[-1].replace("relu", "conv")  # no further


def test_padding_is_by_reflection():
    picture = torch.arange(6.0).view(1, 1, 2, 3)  # 0 1 2 over 3 4 5
    assert net.padded(picture, 2)[0, 0].tolist() == [[0, 1, 2, 1], [3, 4, 5, 4]]
    assert net.padded(picture, 1) is picture
