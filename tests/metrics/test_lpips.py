"""LPIPS and its shift-tolerant form, against the originals."""

import dataclasses
import importlib

import pytest
import torch
import torch.nn.functional as F
from helpers.scored import context_of, picture

from bench import weights
from bench.encoders import downloads
from bench.errors import BenchError
from bench.plugins import registry

REGISTRY = registry.load()
lpips = importlib.import_module("bench.metrics.lpips")


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty torch.hub cache, filled by the test."""
    cache = tmp_path / "checkpoints"
    cache.mkdir()
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path))
    return cache


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
