"""The study of the judges: degradations by hand, comparisons counted, its commands real ones."""

import math
from itertools import pairwise
from types import SimpleNamespace

import pytest
import torch
from helpers.checkout import ROOT

from bench import images, results
from bench.cli import main, parser
from bench.errors import BenchError
from bench.plugins import registry
from bench.study import degradations, judges, studies

REGISTRY = registry.load()
AXES = ("style", "content", "both")
PAIRS = [("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")]


def picture(side=40, seed=0):
    return torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(seed))


def case(side=40):
    return degradations.Case(*(picture(side, seed) for seed in range(5)))


# degradations


def test_blends_go_from_the_content_to_the_good_one():
    pictures = case()
    expected = 0.75 * pictures.content + 0.25 * pictures.good
    torch.testing.assert_close(degradations.DEGRADATIONS["blend-25"](pictures), expected)


def test_colors_only_has_the_styles_values_in_the_contents_order():
    pictures = case(4)
    found = degradations.colors_only(pictures)
    for channel in range(3):
        content, style, other = (
            p[0, channel].flatten() for p in (pictures.content, pictures.style, found)
        )
        assert torch.equal(other.sort().values, style.sort().values)
        assert torch.equal(other.argsort(), content.argsort())


def test_colors_of_a_style_of_another_size_come_at_even_ranks():
    content = torch.tensor([0.1, 0.9, 0.5, 0.3]).view(1, 1, 2, 2).expand(1, 3, 2, 2)
    style = torch.arange(8.0).view(1, 1, 2, 4).expand(1, 3, 2, 4)
    pictures = degradations.Case(content, content, style, content, content)
    assert degradations.colors_only(pictures)[0, 0].flatten().tolist() == [0, 6, 4, 2]


def test_shuffled_pixels_stay_whole():
    pictures = case()
    found = degradations.shuffled(pictures)
    before, after = ({tuple(p.tolist()) for p in x[0].flatten(1).T} for x in (pictures.good, found))
    assert before == after
    assert not torch.equal(found, pictures.good)


def test_shuffled_tiles_are_the_pictures_and_its_edges_stay():
    pictures = case(40)  # two by two tiles and a margin of eight
    found = degradations.shuffled_tiles(pictures)

    def tiles(p):
        return {p[0, :, y : y + 16, x : x + 16].numpy().tobytes() for y in (0, 16) for x in (0, 16)}

    assert tiles(found) == tiles(pictures.good)
    assert torch.equal(found[:, :, 32:], pictures.good[:, :, 32:])
    assert torch.equal(found[:, :, :, 32:], pictures.good[:, :, :, 32:])
    assert not torch.equal(found, pictures.good)


def test_a_hatch_has_its_amplitude_its_period_and_the_diagonals():
    grey = torch.full((1, 3, 96, 100), 0.5)
    flat = degradations.Case(*(grey,) * 5)
    for amplitude in (4, 8, 16):
        waves = degradations.DEGRADATIONS[f"hatched-{amplitude}"](flat) - grey
        assert waves.square().mean().sqrt().item() == pytest.approx(amplitude / 255, rel=0.01)
    spectrum = torch.fft.rfft2(waves[0, 0, :96, :96]).abs().flatten()
    strongest = [divmod(int(place), 96 // 2 + 1) for place in spectrum.topk(2).indices]
    # lines 3 px apart are 96 / (3 √2) = 22.6 periods across, and as many down or up
    assert sorted(strongest) == [(23, 23), (96 - 23, 23)]


def test_a_hatch_is_cut_off_at_the_ends_of_the_range():
    black = torch.zeros(1, 3, 32, 32)
    found = degradations.hatched(degradations.Case(*(black,) * 5), 16)
    assert found.min() == 0
    assert found.max() == pytest.approx(2 * 16 / 255)


# checks


def test_shares_count_neighbours_and_ties_are_wrong():
    check = judges.Check("order", "style", ("best", "middle", "worst"), "")
    values = {
        "best": dict(zip(PAIRS, (1, 1, 1, 3), strict=True)),
        "middle": dict(zip(PAIRS, (2, 2, 1, 2), strict=True)),
        "worst": dict(zip(PAIRS, (3, 1, 3, 4), strict=True)),
    }
    # best, middle: right, right, a tie, wrong; middle, worst: right, wrong, right, right
    assert judges.shares(values, check, -1) == 5 / 8
    assert judges.shares(values, check, +1) == 2 / 8
    assert math.isnan(judges.shares({}, check, 1))


def test_every_row_of_the_checks_is_made():
    rows = {row for check in judges.CHECKS for row in check.order}
    steps = {f"steps-{count}" for count in judges.STEPS}
    assert rows == {"identity", *steps, *degradations.DEGRADATIONS}


@pytest.fixture
def stylized(fake_run):
    """A run whose good pictures are noise."""
    run = fake_run(methods=["identity", "good"])
    for seed, (role, named) in enumerate({"content": "xy", "style": "ab"}.items()):
        for number, name in enumerate(named):
            images.save(picture(seed=10 * seed + number), results.input_path(run, role, name, 64))
    for seed, style in enumerate("ab"):
        path = results.record_path(run, "cells", "good", style, 64)
        cell = results.read_json(path)
        for shown in cell["contents"]:
            shown["image"] = f"images/{style}{shown['content']}.png"
            images.save(picture(seed=20 + seed), run / shown["image"])
        results.write_json(path, cell)
    return run


def test_degradations_are_written_by_name(stylized, tmp_path):
    folders = degradations.write(stylized, "good", tmp_path / "out")
    assert [folder.name for folder in folders] == ["good", *degradations.DEGRADATIONS]
    for folder in folders:
        assert len(list(folder.glob("?_stylized_?.png"))) == 4
    wrong = (tmp_path / "out" / "wrong-style" / "x_stylized_a.png").read_bytes()
    assert wrong == (tmp_path / "out" / "good" / "x_stylized_b.png").read_bytes()
    with pytest.raises(BenchError, match="is there already"):
        degradations.write(stylized, "good", tmp_path / "out")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"sizes": [64, 128]}, "must be of one size"),
        ({"styles": ["a"]}, "at least two contents and two styles"),
        ({"contents": ["x", "z"]}, "no picture of good in style a"),
    ],
)
def test_a_run_that_does_not_do_is_refused(stylized, tmp_path, change, says):
    path = stylized / "run.json"
    results.write_json(path, {**results.read_json(path), **change})
    with pytest.raises(BenchError, match=says):
        degradations.write(stylized, "good", tmp_path / "out")
    with pytest.raises(BenchError, match="did you mean good"):
        degradations.write(stylized, "god", tmp_path / "out")


@pytest.mark.parametrize("name", ["../../gone", "..", "a\\b", "/gone"])
@pytest.mark.parametrize("kind", ["contents", "styles", "methods"])
def test_no_name_of_a_record_leads_out_of_the_folder(stylized, tmp_path, kind, name):
    path = stylized / "run.json"
    record = results.read_json(path)
    if kind == "methods":
        record[kind][name] = record[kind]["good"]
    else:
        record[kind] = [*record[kind], name]
    results.write_json(path, record)
    with pytest.raises(BenchError, match="cannot be a file's name"):
        degradations.write(stylized, "good", tmp_path / "out")


# the study


def setting(folder, **changes):
    given = {"content": [], "style": [], "size": None, "budget": None, "start": None, "machine": []}
    return studies.Setting(folder, **{**given, **changes})


def test_every_command_of_the_study_is_a_real_one(tmp_path):
    run, degrade, score = studies.judging(setting(tmp_path, budget=200, machine=["--seed", "3"]))
    args = parser().parse_args(list(run.words))
    assert args.method == [f"steps-{count}=gatys" for count in judges.STEPS]
    assert args.option[0] == "steps-3.steps=6"
    assert args.option[-1] == "steps-100.steps=200"
    assert (args.contents, args.styles, args.size, args.seed) == (3, 4, [128], 3)
    assert parser().parse_args(list(degrade.words)).runs == args.runs
    args = parser().parse_args(list(score.words))
    assert args.metric == ["all"]
    named = dict(text.split("=") for text in args.pictures)
    assert {"identity", *named} == {row for check in judges.CHECKS for row in check.order}
    assert named["shuffled"] == str(degrade.makes / "shuffled")


def test_pictures_of_ones_own_are_all_taken(tmp_path):
    own = setting(tmp_path, content=["photos"], style=["art"], metrics=["--metric", "mine"])
    run, _, score = (parser().parse_args(list(s.words)) for s in studies.judging(own))
    for args in (run, score):
        assert (args.content, args.style, args.contents) == (["photos"], ["art"], None)
    assert score.metric == ["mine"]


@pytest.fixture
def scored(tmp_path, monkeypatch):
    """Scores in which `fine` orders everything rightly and `blind` is always the same."""
    from pandas import DataFrame

    rows = []
    for axis in AXES:
        order = {}
        checks = [check for check in judges.CHECKS if check.axis == axis]
        for check in checks * len(checks):  # until each comes after all that are better
            for better, worse in pairwise(check.order):
                order[worse] = max(order.get(worse, 0), order.setdefault(better, 0) + 1)
        for row, place in order.items():
            for style, content in PAIRS:
                for metric, value in ((f"fine-{axis}/1", place), (f"blind-{axis}/1", 1.0)):
                    rows.append((row, metric, style, content, float(value), "ok"))
    columns = ["method", "metric", "style", "content", "value", "status"]
    metrics = {
        f"{name}-{axis}/1": SimpleNamespace(axis=axis, direction="lower")
        for name in ("fine", "blind")
        for axis in AXES
    }
    record = SimpleNamespace(
        methods=dict.fromkeys(row[0] for row in rows),
        metrics=metrics,
        contents=["x", "y"],
        styles=["a", "b"],
        sizes=[128],
    )
    scores = DataFrame(rows, columns=columns)
    frames = SimpleNamespace(records={"r": record}, scores=scores)
    monkeypatch.setattr(results, "load", lambda _: frames)
    monkeypatch.setattr(results, "read_run", lambda _: record)
    return tmp_path


def test_a_metric_that_is_right_passes_and_a_blind_one_fails(scored):
    found = judges.agreement(scored)
    for axis in AXES:
        assert set(found[axis][f"fine-{axis}/1"].values()) == {1.0}
        assert set(found[axis][f"blind-{axis}/1"].values()) == {0.0}


def test_the_table_marks_what_fails(scored):
    table = judges.render(scored)
    (fine,) = [line.split() for line in table.splitlines() if line.startswith("fine-style/1")]
    (blind,) = [line.split() for line in table.splitlines() if line.startswith("blind-style/1")]
    assert fine[1:] == ["100"] * 7
    assert blind[1:] == ["!0"] * 7
    assert "style and content metrics" in table
    assert "over 2 contents in 2 styles at 128 px; below 90 marked !" in table
    assert max(map(len, table.splitlines())) <= 100


def test_a_run_without_the_rows_is_refused(scored, monkeypatch):
    record = SimpleNamespace(methods={"identity": None})
    frames = SimpleNamespace(records={"r": record}, scores=None)
    monkeypatch.setattr(results, "load", lambda _: frames)
    with pytest.raises(BenchError, match="no run of the study judges: it has no row blend-25"):
        judges.agreement(scored)


def test_degrade_names_its_folders(stylized, tmp_path, capsys):
    assert main(["degrade", str(stylized), "--method", "good", "--out", str(tmp_path / "new")]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(tmp_path / "new" / "wrong-content")


def test_what_is_done_of_the_study_is_not_done_twice(tmp_path, monkeypatch):
    from bench.commands.study import going_on

    _, degrade, score = studies.judging(setting(tmp_path))
    assert going_on(degrade) == list(degrade.words)
    degrade.makes.mkdir(parents=True)
    assert going_on(degrade) is None
    assert going_on(score) == list(score.words)
    run = score.makes / "x"
    run.mkdir(parents=True)
    (run / "run.json").write_text("{}")
    cells = {"cells": {"a", "b"}, "scores": {"a"}}
    monkeypatch.setattr(results, "completed", lambda _, kind: cells[kind])
    assert going_on(score) == list(score.words)
    cells["scores"] = {"a", "b"}
    assert going_on(score) is None


def test_what_the_page_shows_to_fail_has_a_caveat():
    page = (ROOT / "docs" / "judges.md").read_text(encoding="utf-8")
    found = {
        row[0]: "!" in "".join(row[1:])
        for row in map(str.split, page.splitlines())
        if len(row) == 8 and row[0] in REGISTRY.metrics
    }
    assert len(found) > 10
    for id_, fails in found.items():
        assert bool(REGISTRY.metric(id_)[0].caveat) == fails, id_
