"""DISTS by hand and against the original."""

import importlib

import pytest
import torch
from helpers.embedded import REGISTRY, context, picture

from bench import weights

dists = importlib.import_module("bench.metrics.dists")


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
