"""Features: what metrics of one encoder share, and projections against scipy."""

import importlib

import pytest
import torch
from helpers.by_hand import ByHand
from helpers.scored import picture
from scipy.stats import wasserstein_distance

gram = importlib.import_module("bench.metrics.gram")
content = importlib.import_module("bench.metrics.content")
features = importlib.import_module("bench.metrics._features")


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
    """The latest pictures are remembered; an older one passes the network again."""
    metric = content.ContentDistance("by-hand")
    metric.load(by_hand)
    pictures = [picture(seed=seed) for seed in range(features.REMEMBERED + 1)]
    for each in pictures:
        metric.score(each, each, picture())
    network = by_hand.encoder("by-hand")
    calls = network.calls
    for each in pictures[1:]:
        metric.score(each, each, picture())
    assert network.calls == calls == len(pictures)
    metric.score(pictures[0], pictures[0], picture())
    assert network.calls == calls + 1


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


def test_directions_are_of_unit_length_and_always_the_same():
    constant = torch.ones(1, 32, 16, 16)
    state = torch.random.get_rng_state()
    (first,), (again,) = (features.projections([constant], ByHand()) for _ in range(2))
    assert torch.equal(first, again)
    assert torch.equal(state, torch.random.get_rng_state())
    assert first.shape == (1, 64, 256)
    squares = first[0, :, 0].square().mean().item()  # of a sum over 32 unit components: about 1
    assert 0.5 < squares < 2
