"""The quality gate, the best numbers, and who is dominated."""

import json
import re

import pytest
from helpers.report import frames_of, rows_of

from bench import results
from bench.report import render, table
from bench.report.rows import groups


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
    note = (
        "‡ no passed quality gate (better than identity on every style judge and better than"
        " style-copy on every content judge that it is not trained on)"
    )
    assert (note in " ".join(render(frames).split())) == (gate != "passed")


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
    assert "\nother       *3.00   20.0  *0.300    0.300\n" in render(contest)
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
