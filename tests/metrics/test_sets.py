"""Metrics of sets: Fréchet distances against their originals, and the way from run to table."""

import importlib

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.linalg import sqrtm
from torchvision.models import inception_v3

from bench import SetMetric, SetScore, conformance, report, results, store
from bench.contract import Context, Precision
from bench.errors import BenchError
from bench.plugins import registry
from bench.report import rows
from bench.run import resuming

REGISTRY = registry.load()
fid, artfid, lpips = (
    importlib.import_module(f"bench.metrics.{name}") for name in ("fid", "artfid", "lpips")
)


def picture(height=80, width=80, seed=0):
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def samples(count, channels, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, channels)) @ rng.normal(size=(channels, channels))


def context():
    return Context(torch.device("cpu"), Precision(), store.collect([]), REGISTRY.encoder)


# Fréchet distance


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


# networks, on random weights in their files' layout


@pytest.fixture(scope="module")
def state():
    """An Inception's state dict, its batch norms as if trained."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = inception_v3(weights=None, aux_logits=False, init_weights=False)
        for name, value in network.state_dict().items():
            if name.endswith("running_var"):
                value.uniform_(0.05, 0.2)
            elif name.endswith("running_mean"):
                value.normal_(0, 0.05)
    return network.state_dict()


@pytest.fixture
def hub(monkeypatch, state):
    """torch.hub's cache has the networks of this page, all with these weights."""
    for cls in (fid.FidInception, fid.ArtInception, fid.InceptionStart):
        monkeypatch.setattr(cls, "_state", lambda self: state)


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
    metric = fid.SIFID("inception-v3")
    metric.load(context())
    photo, style = picture(), picture(72, 96, seed=1)
    network = metric._positions._network
    with torch.no_grad():
        places = [network(p)[0][0].flatten(1).T.double().numpy() for p in (photo, style)]
    a, b = (np.cov(x, rowvar=False) for x in places)
    shift = places[0].mean(0) - places[1].mean(0)
    roots = np.sqrt(np.linalg.eigvals(a @ b).real.clip(0))
    expected = shift @ shift + np.trace(a + b) - 2 * roots.sum()
    assert metric.score(photo, photo, style) == pytest.approx(expected, rel=1e-3)
    assert metric.score(style, photo, style) == pytest.approx(0, abs=1e-6)


def test_artfid_is_the_product_of_its_parts(hub, monkeypatch):
    monkeypatch.setattr(lpips.LPIPS_ALEX, "load", lambda context: None)
    monkeypatch.setattr(
        lpips.LPIPS_ALEX,
        "score",
        lambda stylized, content, style: (stylized - content).abs().mean().item(),
    )
    metrics = artfid.ArtFID(), fid.FID("art-inception")
    for metric in metrics:
        metric.load(context())
    triples = [
        (picture(seed=n), picture(seed=10 + n % 2), picture(seed=20 + n // 2)) for n in range(4)
    ]
    value, parts = metrics[0].score_set(iter(triples))
    assert parts["fid"] == pytest.approx(metrics[1].score_set(iter(triples)).value)
    mean = np.mean([(stylized - content).abs().mean().item() for stylized, content, _ in triples])
    assert parts["lpips"] == pytest.approx(mean)
    assert value == pytest.approx((1 + parts["lpips"]) * (1 + parts["fid"]))


# from run to table


class Spread(SetMetric):
    """How far the pictures' mean reds are apart, and of how many."""

    name = "spread"
    axis = "style"
    direction = "higher"
    citation = "an example"

    def score_set(self, pictures):
        """Largest minus smallest."""
        reds = [stylized[:, 0].mean().item() for stylized, _, _ in pictures]
        if len(reds) < 2:
            raise BenchError("spread needs 2 pictures")
        return SetScore(max(reds) - min(reds), {"count": float(len(reds))})


def test_a_metric_of_sets_conforms():
    from bench.conformance._metrics import MetricSubject, gives_numbers, is_deterministic

    subject = MetricSubject(Spread(), conformance.context(REGISTRY, torch.device("cpu")))
    for check in (gives_numbers, is_deterministic):
        check(subject)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    from bench.cli import main

    folder = tmp_path_factory.mktemp("sets")
    plugin = folder / "spread.py"
    plugin.write_text(
        "from bench import SetMetric, SetScore, hookimpl\n"
        "class Spread(SetMetric):\n"
        "    '''Largest minus smallest mean red.'''\n"
        "    name, axis, direction, citation = 'spread', 'both', 'higher', 'an example'\n"
        "    def score_set(self, pictures):\n"
        "        reds = [made[:, 0].mean().item() for made, _, _ in pictures]\n"
        "        return SetScore(max(reds) - min(reds), {'least': min(reds), 'most': max(reds)})\n"
        "@hookimpl\n"
        "def bench_metrics():\n"
        "    return [Spread()]\n"
    )
    words = "run --method identity --profile smoke --contents 2 --styles 2 --quiet --precision"
    command = [*words.split(), "float32", "--plugin", str(plugin), "--metric", "spread"]
    assert main([*command, "--metric", "ssim", "--runs", str(folder / "runs")]) == 0
    return results.latest(folder / "runs")


def test_a_set_is_scored_once_per_method_and_size(run):
    frames = results.load([run])
    assert list(frames.sets["method"]) == ["identity", "style-copy"]
    assert set(frames.sets["pictures"]) == {4}
    assert set(frames.scores["metric"]) == {"ssim/1"}  # nothing of a set among the pictures
    copy = frames.sets.iloc[1]
    assert copy["value"] == pytest.approx(copy["parts"]["most"] - copy["parts"]["least"])


def test_the_table_has_the_number_its_parts_and_how_many_pictures(run):
    table = " ".join(report.render(results.load([run]), "plain").split())
    assert "spread ↑" in table
    assert "spread of 4 pictures: least 0." in table


def test_a_row_of_one_style_has_no_number_of_the_set(run):
    groups = rows.groups(results.load([run]), by="style")
    values = [row.quality["spread/1"].estimate.value for group in groups for row in group.rows]
    assert len(values) == 4
    assert all(np.isnan(values))


def test_a_failed_cell_that_is_tried_again_has_its_sets_scored_again(run):
    cell = next((run / "cells").glob("identity*.json"))
    record = results.read_json(cell)
    results.write_json(cell, {**record, "status": "error", "reason": "made to fail"})
    resuming.forget_failures(run)
    assert {path.stem for path in (run / "sets").glob("*.json")} == {"style-copy__64"}
