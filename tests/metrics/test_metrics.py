"""Metrics against values worked out by hand and against independent computations."""

import importlib

import numpy as np
import pytest
import torch
from helpers.by_hand import ByHand
from scipy.ndimage import gaussian_filter

from bench import conformance, store, weights
from bench.contract import Context, Precision
from bench.errors import BenchError, NeedError
from bench.plugins import registry

REGISTRY = registry.load()
ssim, color, gram, content, distance, features = (
    importlib.import_module(f"bench.metrics.{name}")
    for name in ("ssim", "color", "gram", "content", "_style_distance", "_features")
)


def at_hand(metric):
    """Whether neither a download nor an extra is missing."""
    encoders = map(REGISTRY.encoder, metric.encoders)
    files = [(e.weights, e.folders()) for e in encoders] + [(w, ()) for w in metric.weights]
    if any(weights.find(file, folders) is None for file, folders in files):
        return False
    try:
        metric.load(context_of(REGISTRY.encoder))
    except NeedError:
        return False
    return True


def context_of(find_encoder):
    return Context(torch.device("cpu"), Precision(), store.collect([]), find_encoder)


OFFLINE = [metric for metric in REGISTRY.metrics.values() if at_hand(metric)]


def picture(height=32, width=32, seed=0):
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def smooth(height=48, width=48, seed=0):
    """A picture of soft blobs, more like a photograph than noise is."""
    noise = picture(height, width, seed).numpy()
    blobs = gaussian_filter(noise, (0, 0, 3, 3), mode="wrap")
    low, high = blobs.min(), blobs.max()
    return torch.from_numpy((blobs - low) / (high - low)).float()


@pytest.fixture(scope="module")
def context():
    return context_of(REGISTRY.encoder)


@pytest.fixture(params=OFFLINE, ids=lambda metric: metric.id)
def metric(request, context):
    request.param.load(context)
    return request.param


@pytest.fixture
def by_hand():
    return context_of(lambda name: ByHand())


# conformance, over the registry


def test_the_built_in_metrics_are_there():
    assert {"gram/1@vgg16-bsds", "content/1@vgg16-bsds", "ssim/1", "color/1"} <= set(
        REGISTRY.metrics
    )
    assert {"gram/1@vgg16", "content/1@vgg16"} <= set(REGISTRY.metrics)


@pytest.mark.parametrize(
    "case",
    [
        case
        for metric in OFFLINE
        for case in conformance.cases_of(
            REGISTRY, "metrics", metric.id, conformance.context(REGISTRY, torch.device("cpu"))
        )
    ],
    ids=str,
)
def test_metric_conforms(case):
    case()


@pytest.mark.parametrize("metric", REGISTRY.metrics.values(), ids=lambda metric: metric.id)
def test_training_losses_are_of_methods_that_are_there(metric):
    assert set(metric.training_loss_of) <= set(REGISTRY.methods)


def test_the_anchors_are_best_on_their_axis(metric):
    if metric.axis == "both":
        pytest.skip("no anchor is best on both axes")
    side = max(48, metric.min_size)
    photo, style = smooth(side, side, seed=1), smooth(side, side, seed=2) ** 2
    identity, copy = metric.score(photo, photo, style), metric.score(style, photo, style)
    best, other = (identity, copy) if metric.axis == "content" else (copy, identity)
    assert best == pytest.approx(1 if metric.direction == "higher" else 0, abs=1e-6)
    assert other < best - 0.1 if metric.direction == "higher" else other > best + 0.1


def test_half_way_lies_between_the_anchors(metric):
    if metric.name == "histogram":
        pytest.skip("bins see no distance: colours half way are as far off as any")
    if metric.name == "perceptual":
        pytest.skip("a sum of what content and style ask for: half way may have neither")
    side = max(48, metric.min_size)
    photo, style = smooth(side, side, seed=1), smooth(side, side, seed=2) ** 2
    values = [metric.score(p, photo, style) for p in (photo, (photo + style) / 2, style)]
    assert values in (sorted(values), sorted(values, reverse=True))


# gram and content


def test_style_distance_by_hand():
    ones = [torch.full((1, 1, 1), 2.0), torch.full((1, 1, 1), 3.0)]
    targets = [torch.full((1, 1, 1), 4.0), torch.full((1, 1, 1), 3.0)]
    assert distance.style_distance(ones, targets).item() == pytest.approx(((2 / 4) ** 2 + 0) / 2)


def test_gram_and_content_by_hand_on_an_encoder_by_hand(by_hand):
    style_metric, content_metric = gram.StyleDistance("by-hand"), content.ContentDistance("by-hand")
    for metric in (style_metric, content_metric):
        metric.load(by_hand)
    stylized = torch.zeros(1, 3, 4, 4)
    stylized[:, 0] = 0.5
    style = torch.zeros(1, 3, 8, 8)
    style[:, 0] = 1
    # one entry of either Gram matrix, at a quarter of the target's: (1 - 1/4)² at both taps
    assert style_metric.score(stylized, stylized, style) == pytest.approx(9 / 16)
    # red 1 against 0.8 at the content tap
    other = stylized * 1.6
    assert content_metric.score(stylized, other, style) == pytest.approx((0.3 / 0.8) ** 2)


def test_ids_carry_version_and_encoder():
    assert gram.StyleDistance("vgg16").id == "gram/1@vgg16"
    assert content.ContentDistance("vgg16-bsds").id == "content/1@vgg16-bsds"


def test_only_the_training_encoder_is_a_training_loss():
    of = {m.id: set(m.training_loss_of) for m in REGISTRY.metrics.values()}
    trained = {"metastyle", "johnson", "gatys", "cin", "ghiasi", "metanet", "predict-adapt"}
    assert of["gram/1@vgg19-quarter"] == of["content/1@vgg19-quarter"] == trained
    assert not of["gram/1@efficientnet-lite0"] | of["content/1@efficientnet-lite0"]
    assert not of["gram/1@vgg16-bsds"] | of["content/1@vgg16-bsds"] | of["ssim/1"] | of["color/1"]


def test_metrics_of_one_encoder_share_its_passes(by_hand):
    metrics = [gram.StyleDistance("by-hand"), content.ContentDistance("by-hand")]
    for metric in metrics:
        metric.load(by_hand)
    photo, style = picture(), picture(seed=1)
    for seed in range(2, 5):
        for metric in metrics:
            metric.score(picture(seed=seed), photo, style)
    assert by_hand.encoder("by-hand").calls == 2 + 3  # content and style once, each result once


def test_the_memory_is_bounded(by_hand):
    metric = content.ContentDistance("by-hand")
    metric.load(by_hand)
    for seed in range(3 * features.REMEMBERED):
        metric.score(picture(seed=seed), picture(seed=seed + 100), picture())
    memory = features._memory[by_hand.encoder("by-hand")]
    assert len(memory) == features.REMEMBERED


def test_an_encoder_that_cannot_be_had_is_a_bench_error_on_load():
    def missing(name):
        raise BenchError(f"weights of {name} are missing")

    for metric in (gram.StyleDistance("vgg16"), content.ContentDistance("vgg16")):
        with pytest.raises(BenchError, match="weights of vgg16 are missing"):
            metric.load(context_of(missing))


# ssim


def reference_ssim(first, second):
    """SSIM of two grey pictures by scipy's Gaussian filter, cut to the windows inside."""

    def mean(x):  # truncated at 5 pixels: 11 taps
        return gaussian_filter(x, 1.5, truncate=5 / 1.5)[5:-5, 5:-5]

    a, b = mean(first), mean(second)
    var_a, var_b = mean(first**2) - a**2, mean(second**2) - b**2
    covariance = mean(first * second) - a * b
    c1, c2 = 0.01**2, 0.03**2
    return np.mean(
        (2 * a * b + c1) * (2 * covariance + c2) / ((a**2 + b**2 + c1) * (var_a + var_b + c2))
    )


@pytest.mark.parametrize("size", [(11, 11), (32, 32), (67, 45)], ids=str)
def test_ssim_equals_scipys(size):
    first, second = picture(*size), (picture(*size) + 0.5 * picture(*size, seed=1)).clamp(0, 1)
    channels = [
        reference_ssim(a.double().numpy(), b.double().numpy())
        for a, b in zip(first[0], second[0], strict=True)
    ]
    assert ssim.ssim(first, second).item() == pytest.approx(np.mean(channels), abs=1e-5)


def test_ssim_metric_uses_luma():
    first, second = picture(), picture(seed=1)
    luma = [np.tensordot([0.299, 0.587, 0.114], p[0].double().numpy(), 1) for p in (first, second)]
    value = ssim.SSIM().score(first, second, picture(seed=2))
    assert value == pytest.approx(reference_ssim(*luma), abs=1e-5)


def test_ssim_of_plain_pictures_is_the_luminance_term():
    dark, bright = torch.full((1, 1, 16, 16), 0.25), torch.full((1, 1, 16, 16), 0.75)
    expected = (2 * 0.25 * 0.75 + 1e-4) / (0.25**2 + 0.75**2 + 1e-4)
    assert ssim.ssim(dark, bright).item() == pytest.approx(expected, abs=1e-4)


def test_ssim_of_a_negative_is_negative_where_it_is_structured():
    photo = picture()
    assert ssim.ssim(1 - photo, photo).item() < -0.5
    assert ssim.ssim(photo, photo).item() == pytest.approx(1, abs=1e-6)


def test_ssim_is_per_picture():
    first, second = torch.cat([picture(), picture()]), torch.cat([picture(), picture(seed=1)])
    both = ssim.ssim(first, second)
    alone = ssim.ssim(first[1:], second[1:])
    torch.testing.assert_close(both, torch.stack([torch.tensor(1.0), alone[0]]))


def test_ssim_refuses_pictures_smaller_than_its_window():
    with pytest.raises(BenchError, match="at least 11 px, got 12x10: use a larger --size"):
        ssim.SSIM().score(picture(10, 12), picture(10, 12), picture())


# color


def test_lab_of_known_colours():
    """White, black, and the primaries as Lindbloom's calculator gives them (D65)."""
    srgb = np.array([[1, 1, 1], [0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0.02, 0.02, 0.02]])
    expected = np.array(
        [
            [100, 0, 0],
            [0, 0, 0],
            [53.24, 80.09, 67.20],
            [87.73, -86.18, 83.18],
            [32.30, 79.19, -107.86],
            [903.2963 * 0.02 / 12.92, 0, 0],  # the straight parts of both curves
        ]
    )
    np.testing.assert_allclose(color.lab(srgb.astype(np.float64)), expected, atol=0.05)


def test_color_distance_of_grey_levels_is_their_distance_in_lightness():
    def grey(lightness):  # CIE 15, eq. 8.3, and the sRGB curve, both backwards
        luminance = ((lightness + 16) / 116) ** 3
        return torch.full((1, 3, 4, 4), 1.055 * luminance ** (1 / 2.4) - 0.055)

    assert color.color_distance(grey(40), grey(70)) == pytest.approx(30 / 3, abs=0.01)


def test_color_distance_ignores_place_and_size():
    photo = picture(8, 12)
    turned = photo.flip(2).transpose(2, 3)
    assert color.color_distance(photo, turned) == pytest.approx(0, abs=1e-9)
    assert color.color_distance(photo, photo.repeat(1, 1, 2, 2)) == pytest.approx(0, abs=1e-9)


def test_color_distance_of_half_a_picture_is_half_the_distance():
    black, white = torch.zeros(1, 3, 4, 4), torch.ones(1, 3, 4, 4)
    half = torch.cat([black, white], 3)
    assert color.color_distance(black, white) == pytest.approx(100 / 3, abs=0.02)
    assert color.color_distance(half, white) == pytest.approx(50 / 3, abs=0.01)
