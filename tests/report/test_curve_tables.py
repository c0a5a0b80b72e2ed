"""Tables of curves: methods by steps, cut to the width, in every format."""

import json

import pytest
from helpers.watched import METRICS

from bench import results
from bench.cli import main
from bench.errors import BenchError
from bench.report import curve_tables


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
