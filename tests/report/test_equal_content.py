"""Methods at one content error, on curves whose points are given: numbers follow in the head."""

import csv
import io
import json
import math

import pytest

from bench import cli, results
from bench.errors import BenchError
from bench.report import equal_content, frontier

# style and content errors: the anchors lie at 0 and 1 (gram), 0 and 0.8 (lpips); the style judge
# may tell styles a and b apart
POINTS = {
    "m1": (lambda style: {"a": 0.7, "b": 0.9}[style], 0.2), "m2": (0.4, 0.6),  # of method m
    "n1": (0.9, 0.1), "n2": (0.5, 0.7),  # of method n
    "w1": (0.95, 0.1), "w2": (0.8, 0.3),  # of method w, which never gives up as much
    "h1": (0.9, 0.2), "h2": (0.6, lambda style: {"a": 0.6, "b": 0.3}[style]),  # in style a alone
    "single": (0.3, 0.45),
}  # fmt: skip
OPTIONS = {
    name: {"method": name[0], "options": {"alpha": alpha}}
    for name, alpha in {"m1": 0.2, "m2": 1.0, "n1": 2.0, "n2": 1.0, "w1": 0.1, "w2": 0.2,
                        "h1": 0.1, "h2": 0.2}.items()
}  # fmt: skip


@pytest.fixture
def run(fake_run):
    """A run of the points with these names."""

    def make(*names):
        names = names or tuple(POINTS)

        def value(error, scale):
            return lambda style, _: scale * (error(style) if callable(error) else error)

        judged = {"gram/1@judge": (1.0, 0.0, 0, 1.0), "lpips/1@judge": (0.0, 0.8, 1, 0.8)}
        values = {"gram/1@trainer": {"identity": 2.0, "style-copy": 0.0, "fast": 0.5}}
        for id_, (identity, style_copy, axis, scale) in judged.items():
            own = {name: value(POINTS[name][axis], scale) for name in names}
            anchors = {"identity": identity, "style-copy": style_copy}
            values[id_] = {**anchors, "fast": math.nan, **own}
        folder = fake_run(("identity", "style-copy", *names), values=values)
        record = json.loads((folder / "run.json").read_text())
        for name in set(names) & set(OPTIONS):
            record["methods"][name] |= OPTIONS[name]
        (folder / "run.json").write_text(json.dumps(record))
        return folder

    return make


def curves(folder):
    [(_, _, _, found)] = frontier.every(results.load([folder]))
    return found


def test_each_method_stands_between_the_strengths_around(run):
    """At 0.4 m is half way from 0.2 to 0.6, n half way from 0.1 to 0.7."""
    found = {c.curve.name: c for c in equal_content.crossings(curves(run()), 0.4)}
    assert found["m"].style.tolist() == pytest.approx([0.55, 0.65])
    assert found["m"].strength == pytest.approx(0.6)
    assert found["n"].style.tolist() == pytest.approx([0.7, 0.7])
    assert found["n"].strength == pytest.approx(1.5)
    assert {name: c.reached for name, c in found.items()} == {
        "m": 2, "n": 2, "h": 1, "w": 0, "single": 0,
    }  # fmt: skip
    assert list(found)[:3] == ["m", "n", "h"]  # the least style error, then who lacks a style


def test_the_content_error_is_the_median_of_the_swept_points(run):
    assert equal_content.common_content(curves(run("m1", "m2", "single"))) == pytest.approx(0.4)
    assert equal_content.common_content(curves(run("single", "w1"))) is None


def lines(capsys, *words):
    assert cli.main(["report", "--at-equal-content", *map(str, words)]) == 0
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_the_table(run, capsys):
    found = lines(capsys, run(), "--at", "0.4")
    assert "Style error at content error 0.40, 64 px" in found
    at = next(n for n, line in enumerate(found) if line.startswith("m alpha"))
    assert found[at] == "m alpha 0.600 2 of 2 0.600 0.200–0.600"
    assert found[at + 1] == "0.550–0.650"  # both resamples of one style are at the ends
    assert "h 1 of 2 not reached 0.200–0.450" in found
    assert "w 0 of 2 not reached 0.100–0.300" in found
    assert "single one only 0 of 2 not reached 0.450" in found
    assert any("not reached: of no strength that was run" in line for line in found)
    assert not any("another with --at" in line for line in found)


def test_without_at_the_table_says_where_it_stands(run, capsys):
    found = lines(capsys, run("m1", "m2", "n1", "n2"))
    assert "Style error at content error 0.40, 64 px" in found
    assert any("another with --at ERROR" in line for line in found)
    assert not any("not reached" in line for line in found)


def test_the_data(run, capsys):
    assert (
        cli.main(["report", "--at-equal-content", str(run()), "--at", "0.4", "--format", "csv"])
        == 0
    )
    rows = {row["method"]: row for row in csv.DictReader(io.StringIO(capsys.readouterr().out))}
    numbers = [float(rows["m"][key]) for key in ("style_error", "style_low", "style_high")]
    assert numbers == pytest.approx([0.6, 0.55, 0.65])
    assert float(rows["m"]["content_error"]) == pytest.approx(0.4)
    assert [rows["h"][key] for key in ("style_error", "styles_reached", "styles")] == ["", "1", "2"]


def test_runs_without_a_sweep_are_refused_in_words(run):
    with pytest.raises(BenchError, match="bench run --sweep"):
        equal_content.render(results.load([run("single", "m1")]))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--at", "0.4"), "--at goes with --at-equal-content"),
        (("--at-equal-content", "--sort", "core"), "does not go with --at-equal-content"),
        (("--at-equal-content", "--format", "json"), "--at-equal-content goes with --format"),
    ],
)
def test_options_that_say_nothing_are_refused(run, capsys, words, message):
    assert cli.main(["report", str(run()), *words]) == 1
    assert message in capsys.readouterr().err
