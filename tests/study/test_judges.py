"""The study of the judges: degradations by hand, comparisons counted, its commands real ones."""

import math
from itertools import pairwise
from types import SimpleNamespace

import pytest
from helpers.checkout import ROOT

from bench import results
from bench.cli import main, parser
from bench.errors import BenchError
from bench.plugins import registry
from bench.study import degradations, judges, studies

REGISTRY = registry.load()


AXES = ("style", "content", "both")


PAIRS = [("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")]


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
