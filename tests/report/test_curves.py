"""Curves of quality over adaptation, and times to a quality, on numbers made by hand."""

import json
import math

import pytest

from bench import results
from bench.cli import main
from bench.errors import BenchError
from bench.report import curve_tables, curves

METRICS = {
    "perceptual/1@trainer": {"axis": "both", "encoder": "trainer", "judge": False,
                             "training_loss_of": ["slow", "quick"]},
    "content/1@judge": {"axis": "content", "encoder": "judge", "judge": True},
    "ssim/1": {"axis": "content", "encoder": None, "judge": True, "direction": "higher"},
}  # fmt: skip
# loss by method, style and step; a step costs a second after half a second of preparation
LOSSES = {
    "slow": {"a": {0: 9.0, 10: 3.0, 100: 1.0}, "b": {0: 8.0, 10: 4.0, 100: 2.0}},
    "quick": {"a": {0: 2.0, 2: 1.0, 10: 0.5}, "b": {0: 5.0, 2: 3.0, 10: 2.5}},
    "identity": {"a": {0: 0.5}, "b": {0: 0.5}},
}
PREPARED = 0.5


def seconds(step):
    return PREPARED + step


@pytest.fixture
def watched(fake_run):
    """A function that writes a run whose adaptations were observed at all steps but the last."""

    def make(losses=LOSSES, contents=("x", "y"), missing=(), **changes):
        styles = list(next(iter(losses.values())))
        names = list(losses)
        fake = fake_run(names, styles=styles, contents=contents, metrics=METRICS,
                        adapt=dict.fromkeys(styles, 1.0),
                        values={key: {"fast": 1.0} for key in METRICS}, **changes)  # fmt: skip
        for name in names:
            for style in styles:
                write(fake, name, style, losses[name][style], contents, missing)
        return fake

    return make


def write(run, name, style, losses, contents, missing):
    """Put steps into a cell, and its losses, ± 0.25 of the two contents, into the scores."""
    path = results.record_path(run, "cells", name, style, 64)
    cell = results.read_json(path)
    if cell["status"] != "ok":
        return
    *way, last = losses
    cell["adapt"] |= {"steps": last, "seconds": seconds(last)}
    cell["observed"] = [
        {
            "step": step,
            "seconds": seconds(step),
            "contents": [
                {"content": content, "image": f"images/{step}/{content}.png", "seconds": 0.1}
                for content in contents
            ],
        }
        for step in way
    ]
    results.write_json(path, cell)
    path = results.record_path(run, "scores", name, style, 64)
    scores = results.read_json(path)
    scores["scores"] = [
        {
            "step": step if step != last else None,
            "metric": metric,
            "content": content,
            "value": None if (step, content) in missing else loss + shift,
            "status": "ok",
            "reason": "",
        }
        for metric in METRICS
        for step, loss in losses.items()
        for content, shift in zip(contents, (0.25, -0.25), strict=True)
    ]
    results.write_json(path, scores)


def loss(frame):
    return frame[frame["metric"] == "perceptual/1@trainer"]


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


@pytest.mark.parametrize("axis", ["content", "both"])
def test_the_table_has_methods_by_steps_and_marks_the_training_loss(watched, axis, monkeypatch):
    monkeypatch.setitem(METRICS["ssim/1"], "axis", axis)
    run = watched()
    text = curve_tables.render(results.load([run]), reference="slow@100")
    lines = text.splitlines()
    assert lines[0].startswith(f"run {run.name}: Abacus")
    (start,) = (n for n, line in enumerate(lines) if line.startswith("perceptual ↓ on trainer"))
    assert "(a training loss, of slow, quick: no judge)" in lines[start]
    table = [line.split() for line in lines[start + 2 : start + 7]]
    assert table[0] == ["method", "0", "2", "10", "100"]
    assert table[2:] == [
        ["slow", "8.50", "3.50", "1.50"], ["quick", "3.50", "2.00", "1.50"], ["identity", "0.500"],
    ]  # fmt: skip
    assert "ssim" not in text  # neither a training loss nor a network's judgement
    assert "ssim ↑" in curve_tables.render(results.load([run]), all_metrics=True)
    title = "Time to be as good as slow after 100 steps (100 s) in perceptual on trainer: first"
    (start,) = (n for n, line in enumerate(lines) if line.startswith(title))
    (quick,) = (line for line in lines[start:] if line.startswith("quick"))
    assert " ".join(quick.split()[1:]) == "1 of 2 not reached never to 40.2× 10 9.57×"
    assert "2 styles: intervals over styles need 6" in lines


def test_without_a_curve_the_reason_is_told(fake_run):
    run = fake_run(["identity"], metrics=METRICS, values={key: {"fast": 1.0} for key in METRICS})
    with pytest.raises(BenchError, match="in these runs: make one with bench run --observe"):
        curve_tables.render(results.load([run]))
    record = results.read_json(run / "run.json")
    results.write_json(run / "run.json", {**record, "observe": [0, 1]})
    with pytest.raises(BenchError, match="none of their methods iterates, or every cell failed"):
        curve_tables.render(results.load([run]))


def test_long_curves_are_cut_into_parts_that_fit(watched):
    steps = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000]
    losses = {"slow": {style: {s: 1 / (1 + s * n) for s in steps}
                       for n, style in enumerate("abcdef", 1)}}  # fmt: skip
    text = curve_tables.render(results.load([watched(losses)]))
    parts = [line.split() for line in text.splitlines() if line.startswith("method")]
    assert [step for part in parts[:2] for step in part[1:]] == list(map(str, steps))
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("format", ["github", "latex"])
def test_every_format_has_every_number(watched, format):
    text = curve_tables.render(results.load([watched()]), format, reference="slow@100")
    for number in ("8.50", "3.50", "2.00", "0.500", "40.2"):
        assert number in text


def test_csv_and_json_are_data(watched):
    frames = results.load([watched()])
    head, *rows = curve_tables.render(frames, "csv").splitlines()
    assert head.split(",")[:4] == ["run", "size", "method", "step"]
    assert len(rows) == 7 * 3
    head, *rows = curve_tables.render(frames, "csv", reference="slow").splitlines()
    assert (head.split(",")[5], len(rows)) == ("target", 4)
    document = json.loads(curve_tables.render(frames, "json", reference="slow"))
    assert [len(document[name]) for name in ("curves", "time_to_quality", "speedups")] == [21, 4, 2]
    assert document["speedups"][1]["ratio"] is None


def test_runs_that_observed_nothing_are_one_line(fake_run, monkeypatch, tmp_path, capsys):
    fake_run()
    monkeypatch.chdir(tmp_path)
    assert main(["report", "--curves"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("make one with bench run --observe default")
    assert main(["report", "--reference", "slow"]) == 1
    assert "--reference goes with --curves" in capsys.readouterr().err


def test_curves_come_from_the_command_line(watched, monkeypatch, tmp_path, capsys):
    watched()
    monkeypatch.chdir(tmp_path)
    assert main(["report", "--curves", "--reference", "slow@100"]) == 0
    assert "Time to be as good as slow after 100 steps (100 s)" in capsys.readouterr().out
