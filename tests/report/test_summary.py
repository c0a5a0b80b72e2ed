"""The table of a report: what it holds, how wide it is, its marks."""

import re

from helpers.report import CORE, frames_of, rows_of
from helpers.synthetic_run import synthetic_run

from bench import results
from bench.report import render, table
from bench.tables.model import WIDTH

# Worked out by hand from tests/conftest.py. Medians: adapt of 2 and 4 s is 3, without an interval
# as there are two styles only. Means: of 0.1, 0.3, 0.5, 0.7 it is 0.4.
PLAIN = """\
environment e1: Abacus · 4 cores, 2 threads · float32/contiguous · torch 2.9.0 · Python 3.12.1 ·
    Linux
dataset tiny (d1)

Medians of times, means over 4 (2×2) style-content pairs at 64 px; 95 % bootstrap intervals below
method      adapt       core       gram ↓  lpips ↓
                s         ms        judge    judge
                                    style  content
----------  -----  ---------  -----------  -------
identity     3.00       12.0         1.00        0
                   10.0–14.0
style-copy   3.00       12.0            0    0.800
                   10.0–14.0
fast         3.00       12.0        0.400    0.250
                   10.0–14.0  0.100–0.700

intervals from 2 styles and 2 contents are rough
"""


def test_plain_table(fake_run):
    assert render(frames_of(fake_run(core=CORE))) == PLAIN


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


def test_ten_methods_fit_a_hundred_columns(tmp_path):
    text = render(results.load([synthetic_run(tmp_path, sizes=(256,))]))
    assert text.count("\nMedians") == 1
    assert max(map(len, text.splitlines())) <= 100
