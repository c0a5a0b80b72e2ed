"""Curves of quality over adaptation, and times to a quality, on numbers made by hand."""

import math

import pytest
from helpers.watched import LOSSES, METRICS, loss, seconds

from bench import results
from bench.errors import BenchError
from bench.report import curves


def test_points_are_means_over_contents_and_end_with_the_result(watched):
    table = loss(curves.points(results.load([watched()])))
    found = table[["method", "style", "step", "seconds", "value"]].to_numpy().tolist()
    assert found == [
        [method, style, step, seconds(step), value]
        for method, styles in LOSSES.items()
        for style, steps in styles.items()
        for step, value in steps.items()
    ]


def test_a_point_observed_at_the_end_is_there_once(watched):
    run = watched()
    path = results.record_path(run, "cells", "slow", "a", 64)
    cell = results.read_json(path)
    cell["observed"].append({**cell["observed"][-1], "step": 100, "seconds": 99.0})
    results.write_json(path, cell)
    path = results.record_path(run, "scores", "slow", "a", 64)
    scores = results.read_json(path)
    scores["scores"] += [{**s, "step": 100} for s in scores["scores"] if s["step"] is None]
    results.write_json(path, scores)
    table = loss(curves.points(results.load([run])))
    table = table[(table["method"] == "slow") & (table["style"] == "a")]
    assert table[["step", "seconds"]].to_numpy().tolist() == [[0, 0.5], [10, 10.5], [100, 99.0]]


def test_a_missing_content_makes_no_mean(watched):
    table = loss(curves.points(results.load([watched(missing=[(10, "x")])])))
    found = table[["method", "style", "step"]].to_numpy().tolist()
    assert found == [
        [method, style, step]
        for method, styles in LOSSES.items()
        for style, steps in styles.items()
        for step in steps
        if step != 10
    ]


def test_curves_are_medians_over_styles(watched):
    table = loss(curves.curves(results.load([watched()])))
    found = table[["method", "step", "styles", "seconds", "value"]].to_numpy().tolist()
    assert found == [
        ["slow", 0, 2, 0.5, 8.5], ["slow", 10, 2, 10.5, 3.5], ["slow", 100, 2, 100.5, 1.5],
        ["quick", 0, 2, 0.5, 3.5], ["quick", 2, 2, 2.5, 2.0], ["quick", 10, 2, 10.5, 1.5],
        ["identity", 0, 2, 0.5, 0.5],
    ]  # fmt: skip
    assert table["low"].isna().all()  # two styles tell no interval


def test_a_step_that_not_every_style_has_is_no_median(watched):
    losses = {"slow": {"a": {0: 9.0, 10: 3.0}, "b": {0: 8.0, 7: 4.0}}}
    table = loss(curves.curves(results.load([watched(losses)])))
    assert table["step"].tolist() == [0]


def test_six_styles_have_an_interval(watched):
    losses = {"slow": {style: {0: float(n), 1: 1.0} for n, style in enumerate("abcdef")}}
    (start, end) = loss(curves.curves(results.load([watched(losses)]))).to_dict("records")
    assert (start["value"], end["value"], end["low"], end["high"]) == (2.5, 1.0, 1.0, 1.0)
    assert 0 <= start["low"] < 2.5 < start["high"] <= 5


def test_time_to_quality_by_hand(watched):
    table = curves.time_to_quality(results.load([watched()]), "slow@100")
    assert set(table["metric"]) == {"perceptual/1@trainer"}  # of content alone there is none
    found = table[["method", "style", "target", "reference_step", "reference_seconds", "step",
                 "seconds", "ratio", "last_step"]].to_dict("records")  # fmt: skip
    assert [tuple(row.values())[:2] for row in found] == [
        ("slow", "a"), ("slow", "b"), ("quick", "a"), ("quick", "b"),
    ]  # fmt: skip
    slow, _, reached, never = found
    assert (slow["step"], slow["ratio"]) == (100, 1.0)
    assert (reached["target"], reached["step"], reached["seconds"]) == (1.0, 2, 2.5)
    assert reached["ratio"] == pytest.approx(100.5 / 2.5)
    assert (never["target"], never["reference_step"], never["last_step"]) == (2.0, 100, 10)
    assert math.isnan(never["step"])
    assert math.isnan(never["seconds"])
    assert never["ratio"] == 0


def test_a_reference_without_a_step_is_its_last(watched):
    frames = results.load([watched()])
    last, named = (curves.time_to_quality(frames, name) for name in ("slow", "slow@100"))
    assert last.equals(named)
    earlier = curves.time_to_quality(frames, "slow@10").set_index(["method", "style"])
    assert earlier["step"].tolist() == [10, 10, 0, 2]
    assert earlier.loc[("quick", "a"), "ratio"] == pytest.approx(10.5 / 0.5)


def test_higher_is_better_where_it_is(watched, monkeypatch):
    monkeypatch.setitem(METRICS["ssim/1"], "axis", "both")
    table = curves.time_to_quality(results.load([watched()]), "quick@2").set_index("metric")
    ssim = table.loc["ssim/1"].set_index(["method", "style"])
    assert ssim["step"].tolist() == [0, 0, 0, 0]


def test_speedups_are_medians_where_most_styles_reached_it(watched):
    frames = results.load([watched()])
    slow, quick = curves.speedups(frames, "slow@100").to_dict("records")
    assert (slow["reached"], slow["styles"], slow["step"], slow["ratio"]) == (2, 2, 100, 1.0)
    assert (quick["reached"], quick["styles"]) == (1, 2)
    assert all(math.isnan(quick[name]) for name in ("step", "seconds", "ratio", "low", "high"))
    assert (quick["least"], quick["most"]) == (0, pytest.approx(100.5 / 2.5))
    # the curve of medians, 3.5 2.0 1.5, has 1.5 at step 10
    assert (quick["curve_step"], quick["curve_seconds"]) == (10, 10.5)
    assert quick["curve_ratio"] == pytest.approx(100.5 / 10.5)


def test_speedups_of_three_styles(watched):
    losses = {
        "slow": {style: {0: 5.0, 100: 1.0} for style in "abc"},
        "quick": {"a": {0: 1.0, 9: 1.0}, "b": {0: 3.0, 9: 0.5}, "c": {0: 3.0, 9: 2.0}},
    }
    quick = curves.speedups(results.load([watched(losses)]), "slow@100").to_dict("records")[1]
    assert (quick["reached"], quick["step"], quick["seconds"]) == (2, 9, 9.5)
    assert quick["ratio"] == pytest.approx(100.5 / 9.5)
    assert (quick["least"], quick["most"]) == (0, pytest.approx(201))


def test_what_failed_takes_no_part(watched):
    frames = results.load([watched(failed={("quick", "a"): ("oom", "too big")})])
    table = curves.time_to_quality(frames, "slow@100")
    assert table[table["method"] == "quick"]["style"].tolist() == ["b"]


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("slow@", "--reference slow@: write it as METHOD@STEP"),
        ("slow@2.5", "write it as METHOD@STEP, e.g. johnson@2000"),
        ("slwo@10", "unknown method of --reference 'slwo'; did you mean slow?"),
        ("slow@50", "slow was observed at the steps 0, 10, 100 only"),
    ],
)
def test_wrong_references_are_one_line(watched, reference, message):
    with pytest.raises(BenchError) as error:
        curves.time_to_quality(results.load([watched()]), reference)
    assert message in str(error.value)
