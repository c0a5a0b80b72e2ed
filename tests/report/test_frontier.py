"""Quality at equal content, on curves whose points are given: all numbers follow in the head."""

from __future__ import annotations

import csv
import io
import json
import math

import pytest

from bench import cli, results
from bench.errors import BenchError
from bench.report import frontier, plots

# style and content errors are these: the anchors lie at 0 and 1 (gram), 0 and 0.8 (lpips)
POINTS = {
    "weak": (0.8, 0.2), "strong": (0.4, 0.6),  # two strengths of one method
    "other": (0.7, 0.5),  # worse than the line between them
}  # fmt: skip
NAMES = ("identity", "style-copy", *POINTS)


def values(points):
    def content(error):
        return lambda style, _: 0.8 * (error(style) if callable(error) else error)

    return {
        "gram/1@judge": {
            **{"identity": 1.0, "style-copy": 0.0, "fast": math.nan},
            **{name: style for name, (style, _) in points.items()},
        },
        "lpips/1@judge": {
            **{"identity": 0.0, "style-copy": 0.8, "fast": math.nan},
            **{name: content(error) for name, (_, error) in points.items()},
        },
        "gram/1@trainer": {"identity": 2.0, "style-copy": 0.0, "fast": 0.5},
    }


@pytest.fixture
def run(fake_run):
    """A run of these points; weak and strong are the method m with alpha 0.25 and 1."""

    def make(points=POINTS, options=None):
        folder = fake_run(NAMES, values=values(points))
        record = json.loads((folder / "run.json").read_text())
        given = options or {"weak": {"alpha": 0.25, "k": 1}, "strong": {"alpha": 1.0, "k": 1}}
        for name, own in given.items():
            record["methods"][name] |= {"method": "m", "options": own}
        (folder / "run.json").write_text(json.dumps(record))
        return folder

    return make


def curves(run):
    [(_, size, _, found)] = frontier.every(results.load([run]))
    assert size == 64
    return {curve.name: curve for curve in found}


def test_rows_that_differ_in_one_number_are_a_curve(run):
    found = curves(run())
    assert set(found) == {"m", "other"}
    assert found["m"].option == "alpha"
    assert [p.strength for p in found["m"].points] == [0.25, 1.0]
    assert [float(p.style.mean()) for p in found["m"].points] == pytest.approx([0.8, 0.4])
    assert [float(p.content.mean()) for p in found["m"].points] == pytest.approx([0.2, 0.6])


@pytest.mark.parametrize(
    "options",
    [
        {"weak": {"alpha": 0.25, "k": 1}, "strong": {"alpha": 1.0, "k": 2}},
        {"weak": {"alpha": "a"}, "strong": {"alpha": "b"}},
        {"weak": {"alpha": True}, "strong": {"alpha": False}},
        {"weak": {"alpha": 1.0}, "strong": {"alpha": 1.0}},
    ],
    ids=["two options", "words", "switches", "nothing"],
)
def test_other_rows_are_points_of_their_own(run, options):
    assert all(len(curve.points) == 1 for curve in curves(run(options=options)).values())


def test_equal_content_lies_between_the_points(run):
    curve = curves(run())["m"]
    assert curve.style_at(0.4).tolist() == pytest.approx([0.6, 0.6])
    assert curve.style_at(0.3).tolist() == pytest.approx([0.7, 0.7])
    assert curve.strength_at(0.3).tolist() == pytest.approx([0.4375, 0.4375])  # a quarter of 0.75


def test_nothing_is_extrapolated_style_by_style(run):
    """In style b the strong point has 0.3 of the content error only: 0.4 is beyond it."""
    points = {**POINTS, "strong": (0.4, lambda style: {"a": 0.6, "b": 0.3}[style])}
    at = curves(run(points))["m"].style_at(0.4)
    assert at[0] == pytest.approx(0.6)
    assert math.isnan(at[1])


def test_the_front_has_what_no_other_point_beats_in_both(run):
    found = curves(run({**POINTS, "other": (0.85, 0.3)}))
    assert [p.on_front for p in found["m"].points] == [True, True]
    assert [p.on_front for p in found["other"].points] == [False]


def tables(capsys, *words):
    assert cli.main(["report", "--frontier", *words]) == 0
    return capsys.readouterr().out


def test_the_tables(run, capsys):
    out = " ".join(tables(capsys, str(run())).split())
    assert "m alpha 0.25 0.800 0.200 yes" in out
    assert "other 0.700 0.500 yes" in out


def test_the_data(run, capsys):
    rows = list(csv.DictReader(io.StringIO(tables(capsys, str(run()), "--format", "csv"))))
    assert [row["row"] for row in rows if row["method"] == "m"] == ["weak", "strong"]
    assert float(rows[0]["style_error"]) in (pytest.approx(0.8), pytest.approx(0.7))


def test_without_anchors_there_is_no_scale(fake_run, capsys):
    folder = fake_run(("fast",))
    with pytest.raises(BenchError, match="quality has no scale"):
        frontier.render(results.load([folder]))
    assert not any(name.startswith("frontier") for name in plots.figures(results.load([folder])))


def test_a_sweep_has_a_plot(run):
    drawn = plots.figures(results.load([run()]))
    [axes] = drawn["frontier-64px"].axes
    lines = [line.get_xydata().tolist() for line in axes.lines]
    assert [pytest.approx([0.2, 0.8]), pytest.approx([0.6, 0.4])] in lines
