import csv
import io
import json
import re
import shutil
import subprocess
from collections import Counter

import numpy as np
import pandas
import pytest
from helpers.synthetic_run import synthetic_run

from bench import results
from bench.cli import main
from bench.errors import BenchError
from bench.report import FORMATS, render, table
from bench.report.columns import DEFAULT
from bench.report.rows import groups
from bench.tables.model import WIDTH
from bench.tables.text import digits

# Seconds of seven rounds: the median is 12 ms, the interval its second least and second greatest
# (see test_statistics.py).
CORE = [0.014, 0.011, 0.013, 0.009, 0.015, 0.010, 0.012]

# Worked out by hand from tests/conftest.py. Medians: adapt of 2 and 4 s is 3, without an interval
# as there are two styles only. Means: of 0.1, 0.3, 0.5, 0.7 it is 0.4.
PLAIN = """\
environment e1: Abacus · 4 cores, 2 threads · float32/contiguous · torch 2.9.0 · Python 3.12.1 ·
    Linux
dataset tiny (d1)

Medians of times and means over 4 (2×2) pairs (styles × contents), 95 % bootstrap intervals below
method      size  adapt       core       gram ↓  lpips ↓
                      s         ms        judge    judge
                                          style  content
----------  ----  -----  ---------  -----------  -------
identity      64   3.00       12.0         1.00        0
                         10.0–14.0
style-copy    64   3.00       12.0            0    0.800
                         10.0–14.0
fast          64   3.00       12.0        0.400    0.250
                         10.0–14.0  0.100–0.700

intervals from 2 styles and 2 contents are rough
"""

FAILURES = """\
environment e1: Abacus · 4 cores, 2 threads · float32/contiguous · torch 2.9.0 · Python 3.12.1 ·
    Linux
dataset tiny (d1)

Medians of times and means over 2 (1×2) pairs (styles × contents), 95 % bootstrap intervals below
method        size  adapt   core       gram ↓  lpips ↓
                        s     ms        judge    judge
                                        style  content
------------  ----  -----  -----  -----------  -------
fast ‡ [1,2]    64  *2.00  error        0.200   *0.250
                                  0.100–0.300
gone ‡ [3]      64    oom    oom            -        -
half ‡ [4]      64   4.00   12.0        - [5]   *0.250

* best of its column and size, among methods that did not fail the gate
‡ no passed quality gate (better than identity on every style judge and better than style-copy on
    every content judge that it is not trained on): gate not checked for fast 64, gone 64, half 64
[1] error for 1 of 2 styles (b): ValueError: bad luck
[2] timing error: no clock
[3] oom for 2 of 2 styles (a, b): out of memory
[4] missing for 1 of 2 styles (a): not run, finish with bench run --resume
[5] skipped for 2 of 2 pictures: no weights
intervals from 1 style and 2 contents are rough
skipped style torn.jpg: truncated
"""


def frames_of(*runs):
    return results.load(runs)


def rows_of(text):
    """The rows of the first table in plain text, without their intervals, split into columns."""
    body = text.split("\nMedians", 1)[1].split("\n\n")[0].splitlines()
    rule = next(number for number, line in enumerate(body) if line.startswith("--"))
    return [re.split(r"\s{2,}", line) for line in body[rule + 1 :] if line[0] != " "]


def test_plain_table(fake_run):
    assert render(frames_of(fake_run(core=CORE))) == PLAIN


def test_failures_are_rows_with_their_reason(fake_run):
    run = fake_run(
        methods=["fast", "gone", "half"],
        failed={
            ("fast", "b"): ("error", "ValueError:\n  bad luck"),
            ("gone", "a"): ("oom", "out of memory"),
            ("gone", "b"): ("oom", "out of memory"),
        },
        failed_speed={"fast": ("error", "no clock"), "gone": ("oom", "out of memory")},
        missing=[("half", "a")],
        unscored={("half", "gram/1@judge"): ("skipped", "no weights")},
        skipped=[{"role": "style", "name": "torn.jpg", "reason": "truncated"}],
    )
    frames = frames_of(run)
    assert render(frames) == FAILURES
    assert table(frames)["status"].tolist() == ["partial", "oom", "partial"]


def test_a_run_that_has_only_begun_is_shown(fake_run):
    run = fake_run(methods=["fast"], missing=[("fast", "a"), ("fast", "b")])
    results.record_path(run, "speed", "fast", 64).unlink()
    (row,) = rows_of(render(frames_of(run)))
    assert row[:4] == ["fast ‡ [1,2]", "64", "missing", "missing"]


def test_table_has_the_unrounded_numbers(fake_run):
    frames = frames_of(fake_run(core=CORE, limit=7.5, seed=3))
    frame = table(frames, all_metrics=True).set_index("method")
    fast = frame.loc["fast"]
    assert fast[["adapt_s", "adapt_s_n", "adapt_ended"]].tolist() == [3, 2, 0]
    assert fast[["adapt_s_low", "adapt_s_high"]].isna().all()
    assert np.allclose(fast[["core_ms", "core_ms_low", "core_ms_high"]].astype(float), [12, 10, 14])
    assert fast["core_ms_p90"] == pytest.approx(14.4)  # 0.4 of the way from 14 to 15
    assert fast[["adapt_limit_s", "seed", "bench"]].tolist() == [7.5, 3, "0.1.0"]
    assert fast["params_m"] == 1.679235
    assert fast["gram/1@judge"] == pytest.approx(0.4)
    assert fast[["pairs", "styles", "contents", "gram/1@judge n"]].tolist() == [4, 2, 2, 4]
    assert frame["gram/1@trainer"].tolist() == [2.0, 0.0, 0.5]
    assert list(frame.index) == ["identity", "style-copy", "fast"]
    assert "gram/1@trainer" not in table(frames_of(fake_run()))


def test_all_metrics_are_shown_when_asked_for(fake_run):
    frames = frames_of(fake_run())
    assert "trainer" not in render(frames)
    assert "trainer" in render(frames, all_metrics=True)


def test_environments_and_datasets_are_never_merged(fake_run):
    here = fake_run()
    there = fake_run(environment={"fingerprint": "e2", "device_name": "Big"}, core=[0.001] * 3)
    other = fake_run(dataset="d2", core=[0.003] * 3)
    frames = frames_of(here, there, other)
    text = render(frames)
    assert re.findall(r"^environment (\w+): (\w+)|^dataset tiny \((\w+)\)", text, re.MULTILINE) == [
        ("e1", "Abacus", ""), ("", "", "d1"),
        ("e2", "Big", ""), ("", "", "d1"),
        ("e1", "Abacus", ""), ("", "", "d2"),
    ]  # fmt: skip
    fast = table(frames).query("method == 'fast'")
    assert np.allclose(fast["core_ms"], [12, 1, 3])


def test_a_row_is_the_newest_run_and_no_union(fake_run):
    nine = {"gram/1@judge": {"fast": 9.0}, "lpips/1@judge": {"fast": 9.0},
            "gram/1@trainer": {"fast": 9.0}}  # fmt: skip
    old = fake_run(core=[0.005] * 3)
    new = fake_run(
        methods=["fast"], styles=["b", "c"], adapt={"b": 10.0, "c": 6.0}, source="s2", values=nine
    )
    for order in ((old, new), (new, old)):
        frames = frames_of(*order)
        fast = table(frames).set_index("method").loc["fast"]
        assert fast["adapt_s"] == 8  # style a is the old run's alone
        assert fast["core_ms"] == pytest.approx(12)
        assert fast[["gram/1@judge", "pairs", "run"]].tolist() == [9, 4, new.name]
        text = render(frames)
        assert [row[0] for row in rows_of(text)] == ["identity", "style-copy", "fast ‡ [1]"]
        assert "\n[1] from the newest run; older runs set aside: 1\n" in text


def test_a_size_that_the_newest_run_lacks_is_the_older_runs(fake_run):
    large, small = fake_run(methods=["fast"], size=128), fake_run(methods=["fast"], size=64)
    frame = table(frames_of(large, small))
    assert frame[["size", "run"]].to_numpy().tolist() == [[64, small.name], [128, large.name]]


COMMIT = "abcdef0123456789"


@pytest.mark.parametrize(
    ("first", "second", "notes"),
    [
        ({}, {"seed": 1}, ("seed 0", "seed 1")),
        ({}, {"limit": 0.2}, ("adaptation without a limit", "adaptation limited to 0.2 s")),
        ({}, {"version": "0.2.0"}, ("bench 0.1.0", "bench 0.2.0")),
        (
            {"environment": {"commit": COMMIT, "dirty": False}},
            {"environment": {"commit": COMMIT, "dirty": True}, "seed": 1},
            ("seed 0, bench 0.1.0 commit abcdef0", "seed 1, bench 0.1.0 commit abcdef0 dirty"),
        ),
    ],
)
def test_rows_that_would_look_alike_are_told_apart(fake_run, first, second, notes):
    runs = [fake_run(methods=["fast"], core=[0.005] * 3, **first),
            fake_run(methods=["fast"], **second)]  # fmt: skip
    frames = frames_of(*runs)
    assert np.allclose(table(frames)["core_ms"], [5, 12])
    text = render(frames)
    assert [row[0] for row in rows_of(text)] == ["fast ‡ [1]", "fast ‡ [2]"]
    assert f"\n[1] {notes[0]}\n[2] {notes[1]}\n" in text


def test_rows_that_differ_anyway_need_no_such_note(fake_run):
    here = fake_run(methods=["fast"])
    longer = fake_run(methods=["fast"], options={"steps": 20}, seed=1)
    text = render(frames_of(here, longer))
    assert [row[0] for row in rows_of(text)] == ["fast ‡", "fast ‡ [1]"]
    assert "seed" not in text


@pytest.mark.parametrize(
    ("ended", "note"),
    [
        ({"a": 12, "b": 12}, "after 12 of the steps asked for"),
        ({"a": 12, "b": 17}, "after 14.5 (12–17) of the steps asked for"),
        ({"a": 12}, "after 12 of the steps asked for (1 of 2 styles)"),
    ],
)
def test_an_adaptation_that_the_limit_ended_is_said(fake_run, ended, note):
    frames = frames_of(fake_run(methods=["fast"], limit=0.2, ended=ended))
    assert f"\n[1] adaptation ended by the limit of 0.2 s {note}\n" in render(frames)
    assert table(frames)["adapt_ended"].tolist() == [len(ended)]


def test_a_warm_adaptation_goes_before_the_cells(fake_run):
    warm = [seconds / 10 for seconds in CORE]
    fast = table(frames_of(fake_run(methods=["fast"], warm_adapt=warm))).loc[0]
    assert np.allclose(
        fast[["adapt_s", "adapt_s_low", "adapt_s_high", "adapt_s_n"]].astype(float),
        [0.0012, 0.0010, 0.0014, 7],
    )


def test_intervals_are_over_rounds(fake_run):
    run = fake_run(methods=["fast"], core=CORE)
    path = results.record_path(run, "speed", "fast", 64)
    record = results.read_json(path)
    core = {**record["scopes"]["core"], "rounds": [0, 0, 0, 1, 1, 1, 1]}
    results.write_json(path, {**record, "scopes": {**record["scopes"], "core": core}})
    fast = table(frames_of(run)).loc[0]
    # medians of the rounds: 13 ms of 11, 13, 14 and 11 ms of 9, 10, 12, 15
    assert fast["core_ms"] == pytest.approx(12)
    assert np.isnan(fast["core_ms_low"])  # of two rounds


def test_quality_intervals_of_few_styles_or_contents_are_called_rough(fake_run):
    six = [f"{letter}{letter}" for letter in "abcdef"]
    values = {id_: {"fast": 0.5} for id_ in ("gram/1@judge", "lpips/1@judge", "gram/1@trainer")}
    many = {"methods": ["fast"], "values": values, "adapt": dict.fromkeys(six, 1.0)}
    rough = render(frames_of(fake_run(**many, styles=six, contents=["x"])))
    assert "\nintervals from 6 styles and 1 content are rough\n" in rough
    assert "rough" not in render(
        frames_of(fake_run(**many, styles=six, contents=six, dataset="d2"))
    )


def test_options_and_precision_make_rows_of_their_own(fake_run):
    defaults = {"steps": 10, "rate": 0.1}
    plain = fake_run(methods=["fast"], options=defaults, defaults=defaults)
    long = fake_run(methods=["fast"], options={"steps": 20, "rate": 0.1}, defaults=defaults)
    half = fake_run(
        methods=["fast"], options=defaults, defaults=defaults, precision="bfloat16/channels_last"
    )
    text = render(frames_of(plain, long, half))
    assert [row[0] for row in rows_of(text)] == ["fast ‡", "fast ‡ [1]", "fast ‡ [2]"]
    assert "\n[1] with steps=20\n[2] precision bfloat16/channels_last\n" in text


def test_a_batch_is_said(fake_run):
    text = render(frames_of(fake_run(methods=["fast"], batch=4)))
    assert "[1] timed in batches of 4 pictures; milliseconds are per batch" in text


@pytest.mark.parametrize(
    ("phase", "note"),
    [
        ("stylize", "stylizing iterates: core, pair and e2e from one timing per picture"),
        ("adapt", "adaptation iterates: pair is adapt plus core"),
    ],
)
def test_what_iterates_is_said(fake_run, phase, note):
    run = fake_run(methods=["fast"])
    path = results.record_path(run, "speed", "fast", 64)
    record = results.read_json(path)
    results.write_json(path, {**record, "iterative": {**record["iterative"], phase: True}})
    assert f"[1] {note}" in render(frames_of(run))


@pytest.mark.parametrize(
    ("style", "content", "direction", "gate"),
    [
        # identity has 1 on the style judge, style-copy 0.8 on the content judge
        (0.9, 0.7, "lower", "passed"),
        (1.0, 0.7, "lower", "failed"),
        (0.9, 0.8, "lower", "failed"),
        (1.1, 0.9, "higher", "passed"),
        (0.9, 0.9, "higher", "failed"),
    ],
)
def test_quality_gate(fake_run, style, content, direction, gate):
    metrics = {
        "s/1": {"axis": "style", "encoder": None, "judge": True, "direction": direction},
        "c/1": {"axis": "content", "encoder": None, "judge": True, "direction": direction},
    }
    values = {
        "s/1": {"identity": 1.0, "style-copy": 0.0, "fast": style},
        "c/1": {"identity": 0.0, "style-copy": 0.8, "fast": content},
    }
    frames = frames_of(fake_run(metrics=metrics, values=values))
    assert table(frames)["gate"].tolist() == ["anchor", "anchor", gate]
    text = render(frames)
    assert rows_of(text)[2][0] == ("fast" if gate == "passed" else "fast ‡")
    assert ("failed for fast 64" in " ".join(text.split())) == (gate == "failed")


JUDGES = {
    f"{axis}{number}/1": {"axis": axis, "encoder": f"net{number}", "judge": True}
    for axis in ("style", "content")
    for number in (1, 2)
}


@pytest.mark.parametrize(
    ("worse", "trains_on", "gate"),
    [
        ((), (), "passed"),
        (("style2/1",), (), "failed"),
        (("content1/1",), (), "failed"),
        (("style2/1", "content2/1"), ("net2",), "passed"),  # it trains on that judge's network
        (("style2/1",), ("net1",), "failed"),
        ((), ("net1", "net2"), "not checked"),
    ],
)
def test_the_gate_asks_every_judge_that_the_method_is_not_trained_on(
    fake_run, worse, trains_on, gate
):
    values = {
        id_: {"identity": 1.0, "style-copy": 1.0, "fast": 2.0 if id_ in worse else 0.5}
        for id_ in JUDGES
    }
    frames = frames_of(fake_run(metrics=JUDGES, values=values, trains_on=trains_on))
    assert table(frames)["gate"].tolist() == ["anchor", "anchor", gate]
    told = (
        "‡ no passed quality gate (better than identity on every style judge and better than"
        " style-copy on every content judge that it is not trained on)"
    )
    assert (told in " ".join(render(frames).split())) == (gate != "passed")


def test_the_gate_passes_nothing_that_a_judge_has_no_number_for(fake_run):
    values = {id_: {"identity": 1.0, "style-copy": 1.0, "fast": 0.5} for id_ in JUDGES}
    lost = {("fast", "style2/1"): ("error", "NaN")}
    run = fake_run(metrics=JUDGES, values=values, unscored=lost)
    assert table(frames_of(run))["gate"].tolist()[-1] == "not checked"
    # a judge that could not be computed at all asks nothing
    lost |= {
        (anchor, "style2/1"): ("skipped", "no weights") for anchor in ("identity", "style-copy")
    }
    run = fake_run(metrics=JUDGES, values=values, unscored=lost)
    assert table(frames_of(run))["gate"].tolist()[-1] == "passed"


def test_the_gate_needs_both_anchors_in_the_same_run(fake_run):
    fake_run()
    frames = frames_of(fake_run(methods=["fast", "identity"]))
    assert table(frames)["gate"].tolist() == ["anchor", "not checked"]
    assert "gate not checked for fast 64" in " ".join(render(frames).split())


def test_a_methods_own_exam_is_marked_in_its_row_alone(fake_run):
    loss = {"gram/1@judge": {"axis": "style", "encoder": "judge", "judge": True,
                             "training_loss_of": ["fast"]}}  # fmt: skip
    text = render(frames_of(fake_run(metrics=loss)))
    assert [row[-1].endswith("†") for row in rows_of(text)] == [False, False, True]
    assert "\n† this method is trained on this metric or on its network's features\n" in text
    frames = frames_of(fake_run(trains_on=["trainer"]))
    assert "†" not in render(frames)
    assert render(frames, all_metrics=True).count("†") == 2  # its value and the footnote
    assert table(frames, all_metrics=True)["trained_on"].tolist() == ["", "", "gram/1@trainer"]


def test_columns_that_do_not_fit_go_into_another_table(fake_run):
    metrics = {
        f"m{number}/1": {"axis": "style", "encoder": None, "judge": True} for number in range(19)
    }
    text = render(
        frames_of(fake_run(metrics=metrics, values={id_: {"fast": 0.5} for id_ in metrics}))
    )
    assert max(map(len, text.splitlines())) <= WIDTH
    assert text.count("\nMedians") == 2
    assert re.findall(r"m\d+ ↓", text) == [f"m{number} ↓" for number in range(19)]


def test_tables_fit_the_terminal_whatever_the_names_and_notes(fake_run):
    name, styles = "m" * 40, [f"style{number}" for number in range(9)]
    metrics = {
        f"{'long' * 9}{number}/1@e": {"axis": "style", "encoder": "e" * 50, "judge": True}
        for number in range(3)
    }
    run = fake_run(
        methods=[name, "n" * 40], styles=styles, adapt=dict.fromkeys(styles, 123.0), batch=4,
        metrics=metrics, values={id_: {"fast": 0.12345} for id_ in metrics}, core=[123.0] * 9,
        failed={(name, style): ("error", f"because of {style}") for style in styles[1:]},
        warm_adapt=[0.0123] * 9, options={"steps": 1},
        environment={"device_name": "Abacus " * 20},
    )  # fmt: skip
    text = render(frames_of(run))
    assert max(map(len, text.splitlines())) <= WIDTH
    assert rows_of(text)[0][0].endswith(" ‡ [1–10]")
    assert text.count("\nMedians") == 2  # the columns that did not fit follow in another table
    narrow = render(frames_of(run), columns_=["all"], width=80)
    assert max(map(len, narrow.splitlines())) <= 80
    assert re.findall(r"GFLOP", narrow) == ["GFLOP"]


def test_other_weights_behind_a_metric_are_said(fake_run):
    metrics = {"m/1": {"axis": "style", "encoder": "e", "judge": True, "weights": {"e.pth": "1"}}}
    other = {"m/1": {**metrics["m/1"], "weights": {"e.pth": "2"}}}
    values = {"m/1": {"fast": 0.5, "slow": 0.5}}
    first = fake_run(methods=["fast"], metrics=metrics, values=values)
    alike = fake_run(methods=["slow"], metrics=metrics, values=values)
    differs = fake_run(methods=["slow"], metrics=other, values=values)
    told = "\nm/1: runs shown here computed it with different weights, do not compare them\n"
    assert told not in render(frames_of(first, alike))
    assert told in render(frames_of(first, differs))


def test_versions_of_a_metric_are_told_apart(fake_run):
    metrics = {
        f"m/{version}": {"axis": "style", "encoder": None, "judge": True, "version": version}
        for version in (1, 2)
    }
    text = render(
        frames_of(fake_run(metrics=metrics, values={id_: {"fast": 0.5} for id_ in metrics}))
    )
    assert re.findall(r"m\S* ↓", text) == ["m/1 ↓", "m/2 ↓"]


def test_names_play_no_tricks(fake_run):
    name = "a|b & <i>_%\x1b[31m\u202e"
    frames = frames_of(fake_run(methods=[name, "n" * 90, "[x"]))
    for format in FORMATS:
        if format not in ("csv", "parquet"):  # those hold what the run holds
            assert not {"\x1b", "\u202e"} & set(render(frames, format))
    plain = render(frames)
    assert "a|b & <i>_%?[31m?" in plain
    assert "n" * 12 + "…" + "n" * 11 + " " in plain
    assert r"| a\|b &amp; &lt;i&gt;\_%?\[31m? ‡" in render(frames, "github")
    latex = render(frames, "latex")
    assert (
        r"a\textbar{}b \& \textless{}i\textgreater{}\_\%?{}[31m?{} \ensuremath{\ddagger}" in latex
    )
    assert "\n{}[x" in latex


def test_csv_has_a_row_for_every_number(fake_run):
    frames = frames_of(fake_run(core=CORE))
    rows = list(csv.DictReader(io.StringIO(render(frames, "csv"))))
    # ten quantities of speed and cost, two judges
    assert Counter(row["method"] for row in rows) == dict.fromkeys(
        ("identity", "style-copy", "fast"), 12
    )
    core, gram = (
        next(r for r in rows if (r["method"], r["measure"]) == ("fast", measure))
        for measure in ("core", "gram/1@judge")
    )
    assert [float(core[name]) for name in ("value", "low", "high", "n")] == pytest.approx(
        [12, 10, 14, 7]
    )
    assert [core[name] for name in ("unit", "direction", "axis")] == ["ms", "lower", "core"]
    assert [float(gram[name]) for name in ("value", "low", "high", "n")] == pytest.approx(
        [0.4, 0.1, 0.7, 4]
    )


def test_json_holds_the_long_data_and_what_describes_it(fake_run):
    run = fake_run(failed={("fast", "b"): ("error", "why")})
    told = json.loads(render(frames_of(run), "json"))
    (group,) = told["groups"]
    assert group["environment"]["device_name"] == "Abacus"
    assert group["metrics"]["gram/1@judge"]["direction"] == "lower"
    adapt = next(r for r in told["rows"] if (r["method"], r["measure"]) == ("fast", "adapt"))
    assert adapt["value"] == 2
    assert adapt["low"] is None  # a single style has no interval
    assert adapt["reason"] == "error for 1 of 2 styles (b): why"


def test_share_of_the_peak(fake_run):
    rows = csv.DictReader(io.StringIO(render(frames_of(fake_run(core=CORE)), "csv")))
    told = {row["measure"]: float(row["value"]) for row in rows if row["method"] == "fast"}
    # 12.3 GFLOP a picture; the machine's convolution does 250 a second
    assert told["peak-share"] == pytest.approx(100 * 12.3 / (told["core"] / 1000) / 250)


def test_parquet_is_the_same_data(fake_run):
    pytest.importorskip("pyarrow")
    frames = frames_of(fake_run())
    held = pandas.read_parquet(io.BytesIO(render(frames, "parquet")))
    written = pandas.read_csv(io.StringIO(render(frames, "csv")), keep_default_na=False)
    assert list(held) == list(written)
    assert held["value"].tolist() == written["value"].tolist()


def test_parquet_without_pyarrow_names_the_extra(fake_run, monkeypatch):
    def not_there(name):
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr("bench.extras.importlib.import_module", not_there)
    with pytest.raises(BenchError, match=r"^--format parquet needs pyarrow: pip .*\[parquet\]'$"):
        render(frames_of(fake_run()), "parquet")


def test_github_and_latex_hold_the_same_numbers(fake_run):
    frames = frames_of(fake_run(core=CORE))
    cells = ["fast", "64", "3.00", "12.0 [10.0, 14.0]", "0.400 [0.100, 0.700]", "0.250"]
    github = [line.strip("| ") for line in render(frames, "github").splitlines()]
    fast = next(line for line in github if line.startswith("fast"))
    assert re.split(r"\s*\|\s*", fast) == cells
    latex = render(frames, "latex").splitlines()
    place = latex.index(r"fast & 64 & 3.00 & 12.0 & 0.400 & 0.250 \\")
    assert latex[place + 1] == (r" &  &  & {\tiny [10.0, 14.0]} & {\tiny [0.100, 0.700]} &  \\")
    for part in (r"\toprule", r"\midrule", r"\bottomrule", r"\begin{table}", r"\end{table}"):
        assert latex.count(part) == 1
    assert r"method & size & adapt & core & gram \ensuremath{\downarrow}" in "\n".join(latex)


def test_damaged_files_are_told_in_every_format_but_data(fake_run):
    run = fake_run()
    results.record_path(run, "cells", "fast", "a", 64).write_text("")
    frames = frames_of(run)
    for format in set(FORMATS) - {"csv", "parquet"}:
        assert "is damaged" in render(frames, format)
    assert "1 of 2 styles (a): not run" in render(frames)


def test_an_unknown_format_is_named(fake_run):
    with pytest.raises(BenchError, match="unknown report format 'githb'; did you mean github"):
        render(frames_of(fake_run()), "githb")


def test_durations_too_short_to_matter_are_shown_as_such(fake_run):
    run = fake_run(adapt={"a": 2e-5, "b": 3e-5}, core=[4e-6] * 3)
    text = render(results.load([run]), "plain")
    line = next(line for line in text.splitlines() if line.startswith("fast"))
    assert "<0.001" in line
    assert "<0.01" in line
    assert "2.5e-05" in render(results.load([run]), "json")


# competitors beside `fast`: seconds of core and adaptation, style and content distance
CONTEST = {
    "fast": (0.012, 3.0, 0.4, 0.25),
    "worse": (0.013, 3.0, 0.5, 0.25),  # nowhere better than fast, on two axes worse
    "equal": (0.012, 3.0, 0.4, 0.25),  # no better and no worse
    "other": (0.020, 3.0, 0.3, 0.30),  # better on style
    "cheat": (0.001, 3.0, 1.5, 0.30),  # fails the gate: worse than identity
}


@pytest.fixture
def contest(fake_run):
    """Frames of a run of `CONTEST`."""
    run = fake_run(
        methods=["identity", "style-copy", *CONTEST],
        values={
            "gram/1@judge": {"identity": 1.0, "style-copy": 0.0}
            | {name: row[2] for name, row in CONTEST.items()},
            "lpips/1@judge": {"identity": 0.0, "style-copy": 0.8}
            | {name: row[3] for name, row in CONTEST.items()},
            "gram/1@trainer": {"fast": 1.0},
        },
    )
    for name, row in CONTEST.items():
        path = results.record_path(run, "speed", name, 64)
        record = results.read_json(path)
        record["scopes"]["core"]["samples"] = [row[0]] * 3
        results.write_json(path, record)
    return frames_of(run)


def test_the_best_of_those_that_pass_are_marked(contest):
    (group,) = groups(contest)
    best = {
        key: [row.method for row in group.rows if key in row.best]
        for key in ("core", "gram/1@judge", "lpips/1@judge")
    }
    assert best == {
        "core": ["equal", "fast"],  # cheat is faster, but fails the gate
        "gram/1@judge": ["other"],  # style-copy is an anchor
        "lpips/1@judge": ["equal", "fast", "worse"],
    }
    assert "\nother         64  *3.00   20.0  *0.300    0.300\n" in render(contest)
    assert "| **0.300** |" in re.sub(" +", " ", render(contest, "github"))
    assert r"\textbf{0.300}" in render(contest, "latex")
    assert "\n- bold: best of its column" in render(contest, "github")


def test_dominated_rows_are_marked_with_who_does(contest):
    (group,) = groups(contest)
    assert {row.method: row.dominated for row in group.rows if row.dominated} == {
        "worse": ["equal", "fast"]
    }
    text = render(contest)
    assert "\nworse §" in text
    assert "worse 64 by equal and 1 more" in " ".join(text.split())
    faded = render(contest, color=True).split("\x1b[2mworse §\x1b[0m")
    assert len(faded) == 2


def test_color_is_nothing_but_color(contest):
    colored = render(contest, color=True)
    assert "\x1b[1m*0.300\x1b[0m" in colored
    assert re.sub(r"\x1b\[\dm", "", colored) == render(contest)


def test_rows_are_sorted_by_a_column_the_best_first(contest):
    def order(sort):
        return [row.method for row in groups(contest, sort=sort)[0].rows[2:]]

    assert order(None) == ["cheat", "equal", "fast", "other", "worse"]
    assert order("core") == ["cheat", "equal", "fast", "worse", "other"]
    assert order("gram") == ["other", "equal", "fast", "worse", "cheat"]
    with pytest.raises(BenchError, match="unknown column 'cores'; did you mean core"):
        groups(contest, sort="cores")


def test_columns_are_chosen_by_name(fake_run):
    frames = frames_of(fake_run(core=CORE))
    text = render(frames, columns_=["e2e", "gram", "params"])
    assert rows_of(text)[2] == ["fast", "64", "50.0", "0.400", "1.68"]
    with pytest.raises(BenchError, match="unknown column 'gran'; did you mean gram"):
        render(frames, columns_=["gran"])


def test_by_style_every_style_has_a_row(fake_run):
    (group,) = groups(frames_of(fake_run()), by="style")
    fast = {row.style: row for row in group.rows if row.method == "fast"}
    assert [fast[style].adapt.value for style in "ab"] == [2, 4]
    gram = [fast[style].quality["gram/1@judge"].estimate.value for style in "ab"]
    assert gram == pytest.approx([0.2, 0.6])
    assert [row.style for row in group.rows] == ["a"] * 3 + ["b"] * 3


def test_by_method_sizes_follow_each_other(fake_run):
    frames = frames_of(fake_run(size=128), fake_run(size=64))
    rows = [(row.method, row.size) for row in groups(frames, by="method")[0].rows]
    assert rows == [
        (name, size) for name in ("identity", "style-copy", "fast") for size in (64, 128)
    ]


def test_an_anchor_has_one_row_for_the_same_pictures(fake_run):
    runs = [fake_run(seed=seed) for seed in range(3)]
    other = fake_run(contents=["x"], seed=3)
    methods = [row.method for row in groups(frames_of(*runs, other))[0].rows]
    assert Counter(methods) == {"identity": 2, "style-copy": 2, "fast": 4}


def test_encoders_are_named_with_their_weights(fake_run):
    weights = {"e.pth": "0123456789abcdef"}
    metrics = {"m/1": {"axis": "style", "encoder": "e", "judge": True, "weights": weights}}
    frames = frames_of(fake_run(methods=["fast"], metrics=metrics, values={"m/1": {"fast": 0.5}}))
    assert "\nencoder e: e.pth (SHA-256 0123456789ab)\n" in render(frames)


@pytest.mark.parametrize(
    ("value", "like", "floor", "text"),
    [
        (0.0119, None, 0.0, "0.0119"),
        (0.0119, None, 0.001, "0.012"),
        (12.345, 0.5, 0.0, "12.345"),
        (60827.4, None, 0.0, "60827"),
        (139053.0, None, 0.0, "139k"),
        (99000.0, 139053.0, 0.0, "99k"),
        (0.0, None, 0.0, "0"),
        (float("nan"), None, 0.0, "-"),
        (float("inf"), None, 0.0, "∞"),
    ],
)
def test_digits(value, like, floor, text):
    assert digits(value, like, floor) == text


HOSTILE = (
    r"\input{/etc/passwd} $x^2$ 50% a_b #1 & ~ {} \\ ^^41 `?` -- \"q\" ' é ß ł 日本 𝔘 ‡" + "\x07"
)


def test_latex_compiles_whatever_the_names(fake_run, tmp_path):
    if shutil.which("pdflatex") is None:
        pytest.skip("there is no pdflatex here")
    run = fake_run(methods=["identity", "style-copy", HOSTILE, "[x", "fast"],
                   failed={("fast", "b"): ("error", HOSTILE)},
                   environment={"device_name": HOSTILE})  # fmt: skip
    torn = results.record_path(run, "cells", "[x", "a", 64)
    torn.write_text("")
    (tmp_path / "table.tex").write_text(render(frames_of(run), "latex"), encoding="utf-8")
    (tmp_path / "main.tex").write_text(
        r"\documentclass{article}\usepackage{booktabs}\begin{document}\input{table}\end{document}"
    )
    made = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "main.tex"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout[-800:]
    assert (tmp_path / "main.pdf").read_bytes().startswith(b"%PDF")


def test_latex_of_any_columns_is_as_wide_as_a_page(tmp_path):
    if shutil.which("pdflatex") is None:
        pytest.skip("there is no pdflatex here")
    frames = results.load([synthetic_run(tmp_path, styles=3, contents=3)])
    for name, columns in (("three", DEFAULT), ("all", ["all"])):
        (tmp_path / f"{name}.tex").write_text(render(frames, "latex", columns_=columns), "utf-8")
    (tmp_path / "main.tex").write_text(
        r"\documentclass{article}\usepackage{booktabs}"
        r"\begin{document}\input{three}\input{all}\end{document}"
    )
    made = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "main.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout[-800:]
    assert "Overfull" not in made.stdout
    assert "too large" not in made.stdout


@pytest.mark.parametrize(
    ("asked", "refused"),
    [
        (["--plots", "new", "--sort", "core"], "--sort does not go with --plots"),
        (["--html", "new", "--format", "csv"], "--format does not go with --html"),
        (["--html", "new", "-o", "new"], "--out does not go with --html"),
        (["--curves", "--by", "style"], "--by does not go with --curves"),
        (["--amortised", "--all-metrics"], "--all-metrics does not go with --amortised"),
    ],
)
def test_options_that_would_say_nothing_are_refused(
    asked, refused, fake_run, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert main(["report", str(fake_run()), *asked]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert refused in line
    assert not (tmp_path / "new").exists()


def test_plots_take_every_metric_where_asked(fake_run, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "bench.report.plots.figures", lambda frames, **options: asked.append(options) or {}
    )
    monkeypatch.setattr("bench.report.plots.write", lambda made, folder: [folder])
    run = str(fake_run())
    for flags in ([], ["--all-metrics"]):
        assert main(["report", run, "--plots", str(tmp_path / "new"), *flags]) == 0
    assert asked == [{"all_metrics": False}, {"all_metrics": True}]


def test_ten_methods_fit_a_hundred_columns(tmp_path):
    text = render(results.load([synthetic_run(tmp_path, sizes=(256,))]))
    assert text.count("\nMedians") == 1
    assert max(map(len, text.splitlines())) <= 100


def test_times_within_the_aa_noise_are_alike(fake_run):
    def edited(noise):
        run = fake_run(("fast", "other", "identity", "style-copy"))
        path = run / "speed" / "other__64.json"
        record = json.loads(path.read_text())
        core = record["scopes"]["core"]
        core["samples"] = [1.04 * seconds for seconds in core["samples"]]
        again = [(1 + noise) * seconds for seconds in core["samples"]]
        record["control"] = {**core, "samples": again, "scope": "core"}
        path.write_text(json.dumps(record))
        (group,) = groups(results.load([run]))
        return {row.method: row for row in group.rows}, group.notes

    quiet, _ = edited(0.01)
    assert "core" in quiet["fast"].best
    assert "core" not in quiet["other"].best
    assert quiet["other"].dominated == ["fast"]
    noisy, notes = edited(0.10)
    assert "core" in noisy["fast"].best & noisy["other"].best
    assert noisy["other"].dominated == []
    assert "10.0 % at 64 px (other core)" in notes[0]
