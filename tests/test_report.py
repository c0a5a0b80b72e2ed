import csv
import io
import json
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from bench import results
from bench.errors import BenchError
from bench.report import FORMATS, WIDTH, render, table

# Seconds of seven rounds: the median is 12 ms, the interval its second least and second greatest
# (see test_statistics.py).
CORE = [0.014, 0.011, 0.013, 0.009, 0.015, 0.010, 0.012]

# Worked out by hand from tests/conftest.py. Medians: adapt of 2 and 4 s is 3, without an interval
# as there are two styles only. Means: of 0.1, 0.3, 0.5, 0.7 it is 0.4.
PLAIN = """\
environment e1: Abacus · 4 cores, 2 threads · float32/contiguous · torch 2.9.0 · Python 3.12.1 · Linux
dataset tiny (d1)

Speed and flexibility (medians; 95 % bootstrap intervals where there are at least 6 rounds or styles)
method      family     size  adapt               core  pair   e2e    first  params  peak  GFLOP
                                 s                 ms    ms    ms  call ms       M    MB
----------  ---------  ----  -----  -----------------  ----  ----  -------  ------  ----  -----
identity    anchor       64   3.00  12.0 [10.0, 14.0]  1.00  20.0      100    1.68   256   12.3
style-copy  anchor       64   3.00  12.0 [10.0, 14.0]  2.00  20.0      100    1.68   256   12.3
fast        arbitrary    64   3.00  12.0 [10.0, 14.0]  15.0  50.0      100    1.68   256   12.3

Quality (means over pairs, 95 % intervals by bootstrap over styles and contents)
method      size      pairs                gram ↓               lpips ↓
                  (styles ×                 judge                 judge
                  contents)                 style               content
----------  ----  ---------  --------------------  --------------------
identity      64    4 (2×2)     1.00 [1.00, 1.00]              0 [0, 0]
style-copy    64    4 (2×2)              0 [0, 0]  0.800 [0.800, 0.800]
fast          64    4 (2×2)  0.400 [0.100, 0.700]  0.250 [0.250, 0.250]

intervals from 2 styles and 2 contents are rough
"""  # noqa: E501

FAILURES = """\
environment e1: Abacus · 4 cores, 2 threads · float32/contiguous · torch 2.9.0 · Python 3.12.1 · Linux
dataset tiny (d1)

Speed and flexibility (medians; 95 % bootstrap intervals where there are at least 6 rounds or styles)
method        family     size  adapt   core  pair   e2e    first  params  peak  GFLOP
                                   s     ms    ms    ms  call ms       M    MB
------------  ---------  ----  -----  -----  ----  ----  -------  ------  ----  -----
fast ‡ [1,2]  arbitrary    64   2.00  error     -     -      100    1.68   256   12.3
gone ‡ [3]    arbitrary    64    oom    oom     -     -        -       -     -      -
half ‡ [4]    arbitrary    64   4.00   12.0  15.0  50.0      100    1.68   256   12.3

Quality (means over pairs, 95 % intervals by bootstrap over styles and contents)
method      size      pairs                gram ↓               lpips ↓
                  (styles ×                 judge                 judge
                  contents)                 style               content
----------  ----  ---------  --------------------  --------------------
fast [1,2]    64    2 (1×2)  0.200 [0.100, 0.300]  0.250 [0.250, 0.250]
gone [3]      64    0 (0×0)                     -                     -
half [4]      64    2 (1×2)                 - [5]  0.250 [0.250, 0.250]

‡ no passed quality gate (better than identity on every style judge and better than style-copy on every content judge
    that it is not trained on): gate not checked for fast 64, gone 64, half 64
[1] error for 1 of 2 styles (b): ValueError: bad luck
[2] timing error: no clock
[3] oom for 2 of 2 styles (a, b): out of memory
[4] missing for 1 of 2 styles (a): not run, finish with bench run --resume
[5] skipped for 2 of 2 pictures: no weights
intervals from 1 style and 2 contents are rough
skipped style torn.jpg: truncated
"""  # noqa: E501


def frames_of(*runs):
    return results.load(runs)


def rows_of(text, title="Speed"):
    """The body lines of the table with this title in plain text, split into their columns."""
    body = text.split(f"\n{title}", 1)[1].split("\n\n")[0].splitlines()
    rule = next(number for number, line in enumerate(body) if line.startswith("--"))
    return [re.split(r"\s{2,}", line) for line in body[rule + 1 :]]


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
    assert row[:5] == ["fast ‡ [1,2]", "arbitrary", "64", "missing", "missing"]


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
    assert [row[-1][-1] for row in rows_of(text, "Quality")] == ["]", "]", "†"]
    assert "\n† this method is trained on this metric or on its network's features\n" in text
    frames = frames_of(fake_run(trains_on=["trainer"]))
    assert "†" not in render(frames)
    assert render(frames, all_metrics=True).count("†") == 2  # its value and the footnote
    assert table(frames, all_metrics=True)["trained_on"].tolist() == ["", "", "gram/1@trainer"]


def test_columns_that_do_not_fit_go_into_another_table(fake_run):
    metrics = {
        f"m{number}/1": {"axis": "style", "encoder": None, "judge": True} for number in range(9)
    }
    text = render(
        frames_of(fake_run(metrics=metrics, values={id_: {"fast": 0.5} for id_ in metrics}))
    )
    assert max(map(len, text.splitlines())) <= WIDTH
    assert text.count("\nQuality") == 3
    assert re.findall(r"m\d ↓", text) == [f"m{number} ↓" for number in range(9)]


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
    assert text.count("\nSpeed") == 2  # the columns that did not fit follow in another table
    assert re.findall(r"GFLOP$", text, re.MULTILINE) == ["GFLOP"]


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
        assert not {"\x1b", "\u202e"} & set(render(frames, format)) or format == "csv"
    plain = render(frames)
    assert "a|b & <i>_%?[31m?" in plain
    assert "n" * 12 + "…" + "n" * 11 + " " in plain
    assert r"| a\|b &amp; &lt;i&gt;_%?[31m? ‡" in render(frames, "github")
    latex = render(frames, "latex")
    assert r" a|b \& \ensuremath{<}i\ensuremath{>}\_\%?[31m? \textdaggerdbl{}" in latex
    assert "\n {[}x" in latex
    assert "<td>a|b &amp; &lt;i&gt;_%?[31m? ‡" in render(frames, "html")


def test_csv_is_the_table(fake_run):
    frames = frames_of(fake_run())
    rows = list(csv.DictReader(io.StringIO(render(frames, "csv"))))
    assert [row["method"] for row in rows] == ["identity", "style-copy", "fast"]
    assert float(rows[2]["core_ms"]) == pytest.approx(12)
    assert list(rows[0]) == list(table(frames))


def test_json_holds_rows_and_what_describes_them(fake_run):
    run = fake_run(failed={("fast", "b"): ("error", "why")})
    (group,) = json.loads(render(frames_of(run), "json"))["groups"]
    assert group["environment"]["device_name"] == "Abacus"
    assert group["metrics"]["gram/1@judge"]["direction"] == "lower"
    fast = group["rows"][2]
    assert fast["core_ms"] == pytest.approx(12)
    assert fast["adapt_s_low"] is None  # a single style has no interval
    assert fast["notes"] == ["error for 1 of 2 styles (b): why"]


def test_github_latex_and_html_hold_the_same_numbers(fake_run):
    frames = frames_of(fake_run(core=CORE))
    cells = ["fast", "arbitrary", "64", "3.00", "12.0 [10.0, 14.0]", "15.0", "50.0",
             "100", "1.68", "256", "12.3"]  # fmt: skip
    github = [line.strip("| ") for line in render(frames, "github").splitlines()]
    fast = next(line for line in github if line.startswith("fast"))
    assert re.split(r"\s*\|\s*", fast) == cells
    latex = render(frames, "latex")
    assert re.search(
        r"^ " + r"\s*&\s*".join(map(re.escape, cells)) + r" \\\\$", latex, re.MULTILINE
    )
    for part in (r"\toprule", r"\midrule", r"\bottomrule", r"\begin{table}", r"\end{table}"):
        assert latex.count(part) == 2
    assert r"95 \% bootstrap" in latex
    assert r"gram \ensuremath{\downarrow} judge style" in latex
    page = ET.fromstring(f"<body>{render(frames, 'html')}</body>")
    rows = [["".join(cell.itertext()).strip() for cell in row] for row in page.iter("tr")]
    assert cells in rows


def test_damaged_files_are_told_in_every_format_but_csv(fake_run):
    run = fake_run()
    results.record_path(run, "cells", "fast", "a", 64).write_text("")
    frames = frames_of(run)
    for format in set(FORMATS) - {"csv"}:
        assert "is damaged" in render(frames, format)
    assert "1 of 2 styles (a): not run" in render(frames)


def test_an_unknown_format_is_named(fake_run):
    with pytest.raises(BenchError, match="unknown report format 'htm'; did you mean html"):
        render(frames_of(fake_run()), "htm")


def test_durations_too_short_to_matter_are_shown_as_such(fake_run):
    run = fake_run(adapt={"a": 2e-5, "b": 3e-5}, core=[4e-6] * 3)
    text = render(results.load([run]), "plain")
    line = next(line for line in text.splitlines() if line.startswith("fast"))
    assert "<0.001" in line
    assert "<0.01" in line
    exact = json.loads(render(results.load([run]), "json"))
    assert "2.5e-05" in json.dumps(exact)
