"""The rows of a report: which runs they are of, and their order."""

import re
from collections import Counter

import numpy as np
import pytest
from helpers.report import frames_of, rows_of

from bench.errors import BenchError
from bench.report import render, table
from bench.report.rows import groups


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


def test_rows_are_sorted_by_a_column_the_best_first(contest):
    def order(sort):
        return [row.method for row in groups(contest, sort=sort)[0].rows[2:]]

    assert order(None) == ["cheat", "equal", "fast", "other", "worse"]
    assert order("core") == ["cheat", "equal", "fast", "worse", "other"]
    assert order("gram") == ["other", "equal", "fast", "worse", "cheat"]
    with pytest.raises(BenchError, match="unknown column 'cores'; did you mean core"):
        groups(contest, sort="cores")
