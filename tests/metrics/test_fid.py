"""Fréchet distances against their originals."""

import importlib

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.linalg import sqrtm
from torchvision.models import inception_v3

from bench import store
from bench.contract import Context, Precision
from bench.errors import BenchError
from bench.plugins import registry

REGISTRY = registry.load()
fid = importlib.import_module("bench.metrics.fid")


def picture(height=80, width=80, seed=0):
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def samples(count, channels, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, channels)) @ rng.normal(size=(channels, channels))


def context():
    return Context(torch.device("cpu"), Precision(), store.collect([]), REGISTRY.encoder)


@pytest.mark.parametrize("counts", [(50, 40), (200, 300), (8, 50)], ids=str)
def test_frechet_distance_equals_scipys_root(counts):
    first, second = samples(counts[0], 12), samples(counts[1], 12, seed=1) + 0.5
    shift = first.mean(0) - second.mean(0)
    a, b = (np.cov(x, rowvar=False) for x in (first, second))
    root = sqrtm(a @ b).real
    expected = shift @ shift + np.trace(a + b - 2 * root)
    assert fid.frechet_distance(first, second) == pytest.approx(expected, rel=1e-5)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_frechet_distance_equals_pytorch_fids():
    score = pytest.importorskip("pytorch_fid.fid_score")
    first, second = samples(60, 10), samples(70, 10, seed=1)
    moments = [m for x in (first, second) for m in (x.mean(0), np.cov(x, rowvar=False))]
    expected = score.calculate_frechet_distance(*moments)
    assert fid.frechet_distance(first, second) == pytest.approx(expected, rel=1e-6)


def test_frechet_distance_by_hand():
    """One channel: the shift squared, and the squared difference of deviations."""
    first, second = np.array([[0.0], [2.0]]), np.array([[5.0], [5.0], [11.0]])
    expected = (7 - 1) ** 2 + (12**0.5 - 2**0.5) ** 2
    assert fid.frechet_distance(first, second) == pytest.approx(expected)


def test_fewer_samples_than_channels_and_the_same_twice_are_at_no_distance():
    few = samples(3, 40)
    assert fid.frechet_distance(few, few) == pytest.approx(0, abs=1e-9)


def test_one_sample_has_no_covariance():
    with pytest.raises(BenchError, match="needs at least 2 samples, got 1: take more pictures"):
        fid.frechet_distance(samples(1, 4), samples(5, 4))


@torch.inference_mode()
def test_fid_inception_equals_pytorch_fids(hub, monkeypatch, state):
    inception = pytest.importorskip("pytorch_fid.inception")
    numbers = dict(state)
    numbers["fc.weight"], numbers["fc.bias"] = torch.zeros(1008, 2048), torch.zeros(1008)
    monkeypatch.setattr(inception, "load_state_dict_from_url", lambda *_, **__: numbers)
    with torch.random.fork_rng(devices=[]):
        original = inception.InceptionV3([3], resize_input=False).eval()
    monkeypatch.setattr(fid, "SIDE", 80)  # 299 in earnest, and fifteen times as slow
    photo = picture(90, 70)
    resized = F.interpolate(photo, (80, 80), mode="bilinear", align_corners=False)
    wanted = original(resized)[0][0, :, 0, 0].numpy()
    found = fid.PooledFeatures(context(), "fid-inception").read(photo)
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-4 * np.abs(wanted).max())


@torch.inference_mode()
def test_the_other_inceptions_equal_torchvisions(hub, state):
    network = inception_v3(weights=None, aux_logits=False, init_weights=False)
    network.load_state_dict(state)
    network.eval()
    seen = {}
    for name in ("Conv2d_4a_3x3", "Mixed_7c"):
        getattr(network, name).register_forward_hook(
            lambda _, __, output, name=name: seen.__setitem__(name, output)
        )
    photo = picture()
    network(2 * photo - 1)  # torchvision's own input
    (start,) = REGISTRY.encoder("inception-v3").build().eval()(photo)
    torch.testing.assert_close(start, seen["Conv2d_4a_3x3"], rtol=1e-4, atol=1e-5)
    network(photo)  # art-fid gives it [0, 1]
    (end,) = REGISTRY.encoder("art-inception").build().eval()(photo)
    torch.testing.assert_close(end, seen["Mixed_7c"], rtol=1e-4, atol=1e-5)


def test_sifid_is_the_distance_of_two_pictures_places(hub):
    metric, here = fid.SIFID("inception-v3"), context()
    metric.load(here)
    photo, style = picture(), picture(72, 96, seed=1)
    network = here.encoder("inception-v3")
    with torch.no_grad():
        places = [network(p)[0][0].flatten(1).T.double().numpy() for p in (photo, style)]
    a, b = (np.cov(x, rowvar=False) for x in places)
    shift = places[0].mean(0) - places[1].mean(0)
    roots = np.sqrt(np.linalg.eigvals(a @ b).real.clip(0))
    expected = shift @ shift + np.trace(a + b) - 2 * roots.sum()
    assert metric.score(photo, photo, style) == pytest.approx(expected, rel=1e-3)
    assert metric.score(style, photo, style) == pytest.approx(0, abs=1e-6)
