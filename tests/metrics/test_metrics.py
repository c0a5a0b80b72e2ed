"""What every metric keeps to: the conformance suite over the registry, and both anchors."""

import pytest
import torch
from helpers.scored import picture
from scipy.ndimage import gaussian_filter

from bench import conformance, weights
from bench.errors import NeedError
from bench.plugins import registry

REGISTRY = registry.load()
CONTEXT = conformance.context(REGISTRY, torch.device("cpu"))
"""One for all: each network is read once."""


def at_hand(metric):
    """Whether neither a download nor an extra is missing."""
    encoders = map(REGISTRY.encoder, metric.encoders)
    files = [(e.weights, e.folders()) for e in encoders] + [(w, ()) for w in metric.weights]
    if any(weights.find(file, folders) is None for file, folders in files):
        return False
    try:
        metric.load(CONTEXT)
    except NeedError:
        return False
    return True


OFFLINE = [metric for metric in REGISTRY.metrics.values() if at_hand(metric)]


def smooth(height=48, width=48, seed=0):
    """A picture of soft blobs, more like a photograph than noise is."""
    noise = picture(height, width, seed).numpy()
    blobs = gaussian_filter(noise, (0, 0, 3, 3), mode="wrap")
    low, high = blobs.min(), blobs.max()
    return torch.from_numpy((blobs - low) / (high - low)).float()


@pytest.fixture(params=OFFLINE, ids=lambda metric: metric.id)
def metric(request):
    request.param.load(CONTEXT)
    return request.param


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
        for case in conformance.cases_of(REGISTRY, "metrics", metric.id, CONTEXT)
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


def test_only_the_training_encoder_is_a_training_loss():
    of = {m.id: set(m.training_loss_of) for m in REGISTRY.metrics.values()}
    trained = {"metastyle", "johnson", "gatys", "cin", "ghiasi", "metanet", "predict-adapt"}
    assert of["gram/1@vgg19-quarter"] == of["content/1@vgg19-quarter"] == trained
    assert not of["gram/1@efficientnet-lite0"] | of["content/1@efficientnet-lite0"]
    assert not of["gram/1@vgg16-bsds"] | of["content/1@vgg16-bsds"] | of["ssim/1"] | of["color/1"]
