"""Every protocol runs from end to end on a stand-in of its folder, and its row says what lacked."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from bench import protocols, results
from bench.cli import main
from bench.commands._following import counted
from bench.errors import BenchError
from bench.images import Fit, load
from bench.plugins import registry
from bench.report import rows
from bench.run.plan import Plan
from bench.run.profiles import PROFILES

REGISTRY = registry.load()
_PLAN = Plan(
    methods={},
    metrics=(),
    dataset=REGISTRY.dataset("synthetic")(),
    profile=PROFILES["smoke"],
    contents=(),
    styles=(),
    sizes=(64,),
    seed=0,
    adapt_seconds=None,
    command="bench run",
)
FOLDERS = {
    "folder": ("photos", "art"),
    "styleid": ("data/cnt", "data/sty"),
    "stylebench": ("content", "style/ink"),
}


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory):
    """Two photographs and two paintings, in every layout."""
    root = tmp_path_factory.mktemp("stand-in")
    for n, place in enumerate(place for both in FOLDERS.values() for place in both):
        (root / place).mkdir(parents=True)
        for m, name in enumerate(("a", "b")):
            pixels = np.random.default_rng(10 * n + m).integers(0, 256, (96, 120, 3), np.uint8)
            Image.fromarray(pixels).save(root / place / f"{name}.png")
    return root


def _refuse(*_):
    raise OSError("no network in tests")


def pictures(dataset, root):
    """The words that name the stand-in."""
    if dataset == "folder":
        return ["--content", str(root / "photos"), "--style", str(root / "art")]
    known = dataset in FOLDERS
    return ["--option", f"{dataset}.root={root}"] if known else ["--contents", "1", "--styles", "1"]


@pytest.mark.parametrize("protocol", protocols.PROTOCOLS.values(), ids=protocols.PROTOCOLS)
def test_it_runs_from_end_to_end(protocol, stand_in, tmp_path, monkeypatch):
    for name in ("BENCH_WEIGHTS", "TORCH_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "nothing"))
    monkeypatch.setattr("torch.hub.download_url_to_file", _refuse)
    monkeypatch.setattr("os.fsync", lambda _: None)
    words = ["run", "--protocol", protocol.name, *pictures(protocol.dataset, stand_in)]
    words += ["--method", "identity", "--profile", "smoke", "--size", "96", "--quiet"]
    assert main([*words, "--device", "cpu", "--precision", "float32", "--runs", str(tmp_path)]) == 0
    run = results.latest(tmp_path)
    record = results.read_run(run)
    assert record.protocol == protocol.name
    assert list(record.metrics) == list(protocol.metrics)
    assert any("96 px instead of" in text for text in record.differs)
    (group,) = rows.groups(results.load([run]), all_metrics=True)
    notes = "\n".join(group.notes)
    assert f"protocol {protocol.name}, {protocol.paper}, but for: 96 px instead of" in notes
    assert all(f"published, not measured here ({p.source})" in notes for p in protocol.published)
    assert all(text in notes for text in protocol.not_reproduced)
    scores = results.load([run])
    lacking = [*scores.scores.itertuples(), *scores.sets.itertuples()]
    for entry in lacking:
        assert entry.status in ("ok", "skipped", "error"), entry.reason
        if entry.status != "ok":
            assert "weights" in entry.reason or "extra" in entry.reason, entry.reason
    for row in group.rows:
        for id_ in protocol.metrics:
            reasons = row.quality[id_].notes
            measured = any(e.metric == id_ and e.status == "ok" for e in lacking)
            assert measured or any("weights" in text for text in reasons), (id_, reasons)


@pytest.mark.parametrize("protocol", protocols.PROTOCOLS.values(), ids=protocols.PROTOCOLS)
def test_what_it_names_is_there(protocol):
    assert protocol.dataset in REGISTRY.datasets
    assert set(protocol.metrics) <= set(REGISTRY.metrics)
    Fit(protocol.square, protocol.filter)
    for figures in protocol.published:
        assert all(len(row) == len(figures.columns) for row in figures.rows.values())


def test_it_is_resumed_by_the_same_rules(stand_in, tmp_path, monkeypatch):
    monkeypatch.setattr("os.fsync", lambda _: None)
    words = ["run", "--protocol", "adaattn", *pictures("folder", stand_in), "--metric", "ssim"]
    words += ["--method", "identity", "--size", "48", "--profile", "smoke", "--device", "cpu"]
    assert main([*words, "--precision", "float32", "--quiet", "--runs", str(tmp_path)]) == 0
    run = results.latest(tmp_path)
    before = results.read_run(run)
    (lost,) = (run / "scores").glob("identity__a*.json")
    kept = lost.read_text()
    lost.unlink()
    assert main(["run", "--resume", str(run), "--quiet"]) == 0
    assert json.loads(lost.read_text())["scores"] == json.loads(kept)["scores"]
    assert results.read_run(run) == before
    assert {"other metrics", "48 px instead of 256 and 512"} <= set(before.differs)


def test_styleids_figures_obey_artfids_formula():
    """(1 + LPIPS) (1 + FID), within the figures' rounding: they were read off right."""
    (figures,) = protocols.named("styleid-800").published
    for method, (artfid, fid, lpips, _) in figures.rows.items():
        assert (1 + lpips) * (1 + fid) == pytest.approx(artfid, rel=2e-3), method


def test_a_whole_one_differs_in_nothing_and_a_part_says_so():
    protocol = protocols.named("styleid-800")
    assert counted(protocol, 20, 40) == []
    assert counted(protocol, 2, 40) == ["2 contents instead of 20"]
    assert protocols.notes("styleid-800", [])[0].endswith("(StyleID)")


def test_an_unknown_one_is_told():
    with pytest.raises(BenchError, match="unknown protocol 'styleid'; did you mean styleid-800"):
        protocols.named("styleid")


def test_squashing_keeps_the_edges_that_cropping_loses(tmp_path):
    pixels = np.zeros((40, 80, 3), np.uint8)
    pixels[:, :20] = 255  # the left quarter, outside of the centred square
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    cropped = load(tmp_path / "wide.png", 40)
    squashed = load(tmp_path / "wide.png", 40, fit=Fit("squash", "bilinear"))
    assert cropped.max() == 0
    assert squashed[..., :9].min() == 1
    assert squashed.shape == cropped.shape
    wanted = np.asarray(
        Image.open(tmp_path / "wide.png").resize((40, 40), Image.Resampling.BILINEAR)
    )
    np.testing.assert_allclose(squashed[0].permute(1, 2, 0) * 255, wanted, atol=1e-3)


def test_pictures_made_squares_in_another_way_are_other_pictures():
    dataset = REGISTRY.dataset("synthetic")()
    fits = Fit(), Fit("squash"), Fit("crop", "bilinear"), Fit("squash", "bilinear")
    prints = [replace(_PLAN, dataset=dataset, fit=fit).fingerprint for fit in fits]
    assert len(set(prints)) == 4
    assert prints[0] == dataset.fingerprint(), "as before there were others"
