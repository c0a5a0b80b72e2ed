"""Tables as data."""

import ast
import csv
import io
import json
import math

import pytest
from helpers.checkout import ROOT
from helpers.report import frames_of
from helpers.watched import LOSSES, METRICS, write

from bench import cli, report, results
from bench.errors import BenchError
from bench.report import render
from bench.tables import data

NO_UTF8 = "\udcff"
"""What Python makes of a byte, in the name of a file, that is not UTF-8."""


def test_lines_are_rows_and_what_they_lack_is_nan():
    frame = data.frame([{"a": 1, "b": "x"}, {"a": 2, "c": 0.5}])
    assert list(frame) == ["a", "b", "c"]
    assert frame["a"].tolist() == [1, 2]
    assert frame["b"][0] == "x"
    assert math.isnan(frame["b"][1])
    assert frame["c"].dtype == float
    assert list(data.frame([], ["a"])) == ["a"]


def test_json_holds_no_number_that_is_not_finite():
    frame = data.frame([{"a": math.nan, "b": math.inf, "c": NO_UTF8, "d": True}])
    assert data.json_lines(frame) == [{"a": None, "b": None, "c": NO_UTF8, "d": True}]


def test_no_other_module_builds_a_frame():
    """What builds frames has seen to it that they hold names that are not UTF-8."""
    allowed = {"bench/tables/data.py", "bench/results/columnwise.py"}
    built = set()
    for path in sorted((ROOT / "bench").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if name in ("DataFrame", "Series", "Index", "read_csv", "from_records"):
                    built.add(path.relative_to(ROOT).as_posix())
    assert built - {"bench/report/rows.py", "bench/report/assembly.py"} == allowed


@pytest.fixture
def runs(fake_run):
    """Runs in which methods, styles, contents and reasons hold bytes that are not UTF-8.

    One has two strengths of a method, in the other adaptations were watched.
    """
    values = {
        "gram/1@judge": {"weak": 0.8, "strong": 0.4, "identity": 1.0, "style-copy": 0.0},
        "lpips/1@judge": {"weak": 0.16, "strong": 0.48, "identity": 0.0, "style-copy": 0.8},
        "gram/1@trainer": dict.fromkeys(("weak", "strong", "identity", "style-copy"), 0.5),
    }
    swept = fake_run(
        ["weak", "strong", "identity", "style-copy", "broken"],
        values={id_: {**of_id, "broken": 1.0} for id_, of_id in values.items()},
        failed={("broken", "a"): ("error", "why")},
    )
    record = json.loads((swept / "run.json").read_text())
    for name, alpha in (("weak", 0.25), ("strong", 1.0)):
        record["methods"][name] |= {"method": "m", "options": {"alpha": alpha}}
    (swept / "run.json").write_text(json.dumps(record))
    watched = fake_run(list(LOSSES), metrics=METRICS, values=dict.fromkeys(METRICS, NO_LOSSES))
    for name, styles in LOSSES.items():
        for style, losses in styles.items():
            write(watched, name, style, losses, ["x", "y"], ())
    for path in [*swept.rglob("*.json"), *watched.rglob("*.json")]:
        text = path.read_text()
        for name in ("weak", "strong", "broken", "m", "slow", "quick", *"abxy", "why"):
            text = text.replace(f'"{name}"', f'"{name}\\udcff"')
        path.write_text(text)
        if path.name != "run.json":
            about = json.loads(text)
            place = [about[name] for name in ("method", "style", "size") if name in about]
            path.rename(results.record_path(path.parents[1], path.parent.name, *place))
    assert not frames_of(swept, watched).warnings
    return swept, watched


NO_LOSSES = dict.fromkeys(LOSSES, 0.0)


@pytest.mark.parametrize("format", report.FORMATS)
def test_names_that_are_not_utf8_are_in_every_table(runs, tmp_path, format):
    out = tmp_path / "table"
    words = ["--all-metrics", "--by", "style", "--format", format, "--out", str(out)]
    for run in runs:
        assert cli.main(["report", str(run), *words]) == 0
        assert out.stat().st_size


def test_names_that_are_not_utf8_come_back(runs):
    swept, _ = runs
    frames = frames_of(swept)
    rows = json.loads(render(frames, "json"))["rows"]
    assert {f"weak{NO_UTF8}", f"strong{NO_UTF8}"} <= {row["method"] for row in rows}
    rows = list(csv.DictReader(io.StringIO(render(frames, "csv"))))
    assert {f"weak{NO_UTF8}", f"strong{NO_UTF8}"} <= {row["method"] for row in rows}
    assert f"weak{NO_UTF8}" in report.table(frames)["method"].tolist()


@pytest.mark.parametrize("format", ["plain", "github", "latex", "csv"])
@pytest.mark.parametrize(
    ("number", "words", "name"),
    [
        (0, ["--amortised"], "weak?"),
        (0, ["--frontier"], "m?"),
        (0, ["--at-equal-content"], "m?"),
        (0, ["--by", "environment"], "weak?"),
        (1, ["--curves"], "slow?"),
        (1, ["--curves", "--reference", f"slow{NO_UTF8}@10"], "quick?"),
    ],
)
def test_names_that_are_not_utf8_are_in_other_tables(runs, tmp_path, number, words, name, format):
    out = tmp_path / "table"
    words = [*words, "--format", format, "--out", str(out)]
    assert cli.main(["report", str(runs[number]), *words]) == 0
    assert name in out.read_text()


def test_names_that_are_not_utf8_are_compared(runs, tmp_path):
    for format in ("plain", "csv"):
        words = ["--format", format, "--json", str(tmp_path / "json")]
        assert cli.main(["compare", str(runs[0]), str(runs[0]), *words]) == 0
    rows = json.loads((tmp_path / "json").read_text())["rows"]
    assert f"weak{NO_UTF8}" in {row["method"] for row in rows}


def test_names_that_are_not_utf8_are_on_the_page(runs, tmp_path):
    for run in runs:
        assert cli.main(["report", str(run), "--html", str(tmp_path / run.name)]) == 0
        assert "?" in (tmp_path / run.name / "index.html").read_text()
        assert cli.main(["report", str(run), "--site", str(tmp_path / "site")]) == 0


def test_parquet_without_pyarrow_names_the_extra(fake_run, monkeypatch):
    frames = frames_of(fake_run())

    def not_there(name):
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr("bench.extras.importlib.import_module", not_there)
    with pytest.raises(BenchError, match=r"^--format parquet needs pyarrow: pip .*\[parquet\]'$"):
        render(frames, "parquet")
