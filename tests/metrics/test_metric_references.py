"""Metrics against other implementations: the originals from PyPI, or numpy and scipy by hand."""

import dataclasses
import importlib
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers.by_hand import ByHand
from scipy.ndimage import gaussian_filter
from scipy.stats import wasserstein_distance

from bench import store, weights
from bench.contract import Context, Precision
from bench.encoders import downloads
from bench.errors import BenchError
from bench.plugins import registry

REGISTRY = registry.load()
features, color, ssim, cfsd, mean_std, sliced, lpips = (
    importlib.import_module(f"bench.metrics.{name}")
    for name in ("_features", "color", "ssim", "cfsd", "mean_std", "sliced_wasserstein", "lpips")
)


def picture(height=48, width=48, seed=0):
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def context_of(find_encoder):
    return Context(torch.device("cpu"), Precision(), store.collect([]), find_encoder)


@pytest.fixture
def by_hand():
    return context_of(lambda name: ByHand())


@pytest.fixture(scope="module")
def context():
    return context_of(REGISTRY.encoder)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty torch.hub cache, filled by the test."""
    cache = tmp_path / "checkpoints"
    cache.mkdir()
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path))
    return cache


# channel statistics


def test_mean_std_equals_numpys_statistics(by_hand):
    metric = mean_std.MeanStdDistance("by-hand")
    metric.load(by_hand)
    stylized, style = picture(8, 8), picture(12, 6, seed=1)

    def statistics(p):
        channels = p[0].double().numpy().reshape(3, -1)
        red = 2 * channels[:1]
        return [np.concatenate([x.mean(1), x.std(1)]) for x in (channels, red)]

    errors = [
        ((a - b) ** 2).sum() / (b**2).sum()
        for a, b in zip(statistics(stylized), statistics(style), strict=True)
    ]
    assert metric.score(stylized, stylized, style) == pytest.approx(np.mean(errors), rel=1e-5)


def test_projections_are_wassersteins_in_one_dimension():
    """The squared distance of sorted values, against scipy's on a shift: W1 = W2 there."""
    values = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(5))
    encoder = ByHand()
    (plain,), (moved,) = (features.projections([v], encoder) for v in (values, values + 0.25))
    expected = wasserstein_distance(values.flatten(), values.flatten() + 0.25)
    distances = (moved - plain).abs()
    assert distances.mean().item() == pytest.approx(expected, rel=1e-5)  # a direction is ±1
    assert distances.std().item() < 1e-6


def test_projections_do_not_depend_on_how_often_a_picture_is_repeated():
    values = picture(16, 16)
    (once,), (twice,) = (
        features.projections([v], ByHand()) for v in (values, values.repeat(1, 1, 2, 2))
    )
    torch.testing.assert_close(once, twice)


def test_sliced_wasserstein_sees_what_gram_matrices_do_not(by_hand):
    """Two distributions of the same second moments: ±1 evenly, and 0 with rare ±2."""
    one = torch.tensor([1.0, -1.0]).repeat(32).view(1, 1, 8, 8)
    other = torch.tensor([2.0, 0.0, 0.0, 0.0, -2.0, 0.0, 0.0, 0.0]).repeat(8).view(1, 1, 8, 8)
    assert features.gram(one).item() == features.gram(other).item()
    (a,), (b,) = (features.projections([x], ByHand()) for x in (one, other))
    # sorted: 1/8 of the mass goes from 2 to 1 at either end, 3/8 from 0 to 1 at either side
    assert ((a - b) ** 2).mean().item() == pytest.approx(1)


def test_directions_are_of_unit_length_and_always_the_same():
    constant = torch.ones(1, 32, 16, 16)
    state = torch.random.get_rng_state()
    (first,), (again,) = (features.projections([constant], ByHand()) for _ in range(2))
    assert torch.equal(first, again)
    assert torch.equal(state, torch.random.get_rng_state())
    assert first.shape == (1, 64, 256)
    squares = first[0, :, 0].square().mean().item()  # of a sum over 32 unit components: about 1
    assert 0.5 < squares < 2


# colour


def histogram_by_loops(pixels):
    """HistoGAN's RGB-uv histogram pixel by pixel, in float64."""
    bins = np.linspace(-3, 3, 64)
    counts = np.zeros((3, 64, 64))
    for rgb in pixels:
        weight = math.sqrt(sum(c * c for c in rgb) + 1e-6)
        logs = [math.log(c + 1e-6) for c in rgb]
        for plane, (first, second) in enumerate(((1, 2), (0, 2), (0, 1))):
            u, v = logs[plane] - logs[first], logs[plane] - logs[second]
            rows, columns = (1 / (1 + ((x - bins) / 0.02) ** 2) for x in (u, v))
            counts[plane] += weight * np.outer(rows, columns)
    return counts / counts.sum()


def test_histogram_equals_a_loop_over_pixels():
    first, second = picture(6, 5), picture(7, 4, seed=1)
    a, b = (histogram_by_loops(p[0].double().flatten(1).T.numpy()) for p in (first, second))
    np.testing.assert_allclose(color.histogram(first).numpy(), a, rtol=2e-3, atol=1e-7)
    hellinger = math.sqrt(((np.sqrt(a) - np.sqrt(b)) ** 2).sum() / 2)
    value = color.HistogramDistance().score(first, first, second)
    assert value == pytest.approx(hellinger, abs=1e-4)


def test_large_pictures_are_brought_to_256_pixels():
    photo = picture(300, 280)
    small = F.interpolate(photo, (256, 256), mode="bilinear", align_corners=False)
    torch.testing.assert_close(color.histogram(photo), color.histogram(small))


# ms-ssim


def test_ms_ssim_equals_pytorch_msssims():
    pytorch_msssim = pytest.importorskip("pytorch_msssim")
    noise = torch.from_numpy(gaussian_filter(picture(176, 192).numpy(), (0, 0, 2, 2)))
    first = (noise - noise.min()) / (noise.max() - noise.min())
    second = (first + 0.2 * picture(176, 192, seed=1)).clamp(0, 1)
    wanted = pytorch_msssim.ms_ssim(first, second, data_range=1.0)
    torch.testing.assert_close(ssim.ms_ssim(first, second), wanted.view(1), rtol=1e-4, atol=1e-5)


def test_ms_ssim_says_how_large_pictures_must_be():
    with pytest.raises(BenchError, match="ms-ssim needs sides of at least 176 px, got 175x180"):
        ssim.MultiScaleSSIM().score(picture(180, 175), picture(180, 175), picture())


# cfsd


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


# lpips


ST_LPIPS = {  # of PyPI stlpips-pytorch 0.0.2's own code on `picture`s with seeds 0 and 1
    "st-alexnet": {(64, 64): 0.038319122, (67, 45): 0.0405767},
    "st-vgg16": {(64, 64): 0.065652519, (67, 45): 0.066238575},
}


@pytest.mark.parametrize("network", ST_LPIPS)
def test_st_lpips_equals_the_original(network, context):
    encoder = REGISTRY.encoder(network)
    if weights.find(encoder.weights, encoder.folders()) is None:
        pytest.skip("needs the extra stlpips")
    (metric,) = REGISTRY.metric(f"st-lpips/1@{network}")
    metric.load(context)
    for size, expected in ST_LPIPS[network].items():
        first, second = picture(*size), picture(*size, seed=1)
        assert metric.score(first, second, first) == pytest.approx(expected, rel=1e-3)


def test_st_vgg16_reads_the_packages_layout(monkeypatch, tmp_path):
    """On random weights in the package's layout, against the layers spelt out."""
    generator = torch.Generator().manual_seed(0)
    widths = [(3, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 256)]
    widths += [(256, 512), *[(512, 512)] * 5]
    slices = [(1, 0), (1, 2), (2, 6), (2, 8), (3, 12), (3, 14), (3, 16), (4, 20), (4, 22), (4, 24)]
    slices += [(5, 28), (5, 30), (5, 32)]
    state = {}
    for (inputs, outputs), (part, place) in zip(widths, slices, strict=True):
        scale = (2 / (9 * inputs)) ** 0.5
        name = f"net.slice{part}.{place}"
        state[f"{name}.weight"] = torch.randn(outputs, inputs, 3, 3, generator=generator) * scale
        state[f"{name}.bias"] = torch.randn(outputs, generator=generator) * 0.01
    encoder = lpips.ShiftTolerantVgg16()
    file = tmp_path / encoder.weights.file
    torch.save(state, file)
    monkeypatch.setattr(lpips, "locate", lambda *_: file)
    photo = picture(40, 36)
    blur = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
    mean, std = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]]).view(2, 1, 3, 1, 1)
    x, wanted = (photo - mean) / std, []
    for number, (part, place) in enumerate(slices):
        if part > 1 and part != slices[number - 1][0]:
            x = F.pad(F.max_pool2d(x, 2, 1), (2, 2, 2, 2), mode="reflect")
            x = torch.cat(
                [F.conv2d(c[:, None], blur[None, None], stride=2) for c in x.unbind(1)], 1
            )
        name = f"net.slice{part}.{place}"
        x = F.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], padding=1).relu()
        if number in (1, 3, 6, 9, 12):
            wanted.append(x)
    for found, expected in zip(encoder.build()(photo), wanted, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.filterwarnings("ignore::UserWarning:torchvision", "ignore::FutureWarning")
@pytest.mark.parametrize(("network", "trunk"), [("alexnet", "alex"), ("vgg16", "vgg")])
def test_lpips_equals_the_original_on_random_trunks(network, trunk, hub, monkeypatch):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        original = pytest.importorskip("lpips").LPIPS(net=trunk, pnet_rand=True, verbose=False)
    numbers = {f"features.{k.split('.', 1)[1]}": v for k, v in original.net.state_dict().items()}
    cls = type(REGISTRY.encoder(network))
    torch.save(numbers, hub / cls.weights.file)
    monkeypatch.setattr(cls, "weights", dataclasses.replace(cls.weights, sha256=None))
    (metric,) = REGISTRY.metric(f"lpips/1@{network}")
    metric.load(context_of(REGISTRY.encoder))
    first, second = picture(64, 64), picture(64, 64, seed=1)
    with torch.no_grad():
        wanted = original(first, second, normalize=True).item()
    assert metric.score(first, second, first) == pytest.approx(wanted, rel=1e-4)


def test_lpips_without_its_trunk_is_one_line(hub, monkeypatch):
    def refuse(*_, **__):
        raise OSError("no network in tests")

    downloads.download.cache_clear()
    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    for metric in REGISTRY.metric("lpips"):
        with pytest.raises(BenchError, match=r"cannot be downloaded \(no network in tests\): get"):
            metric.load(context_of(REGISTRY.encoder))
    downloads.download.cache_clear()


def test_calibrated_distance_by_hand():
    """Two positions, two channels: one position turned by a right angle, one only longer."""
    first = torch.tensor([[[[3.0, 0.0]], [[0.0, 1.0]]]])
    second = torch.tensor([[[[0.0, 0.0]], [[2.0, 5.0]]]])
    weight = torch.tensor([0.5, 0.25])
    found = lpips.calibrated_distance([first], [second], [weight])
    assert found.item() == pytest.approx((0.5 * 1 + 0.25 * 1) / 2)
