import math

import numpy as np
import pandas
import pytest

from bench import results
from bench.errors import BenchError
from bench.report.amortised import (
    COUNTS,
    break_even,
    costs,
    frame,
    pairs,
    pairs_with_training,
    render,
    trained,
)
from bench.report.rows import groups


@pytest.mark.parametrize(
    ("adapt", "image", "other_adapt", "other_image", "images"),
    [
        (10.0, 1.0, 0.0, 2.0, 10),  # 10 + 10 = 20
        (10.0, 1.0, 0.0, 4.0, 4),  # 10 + 4 <= 16, and 10 + 3 > 12
        (0.3, 0.1, 0.0, 0.2, 3),  # 0.3 / 0.1 is a hair more than 3 in binary
        (0.0, 1.0, 5.0, 2.0, 1),  # cheaper in both: always
        (5.0, 1.0, 5.0, 1.0, 1),  # alike: costs no more
        (6.0, 1.0, 5.0, 1.0, math.inf),  # the debt is never paid back
        (0.0, 2.0, 10.0, 1.0, math.inf),  # cheaper for a while, not for good
        (1.0, 0.0, 0.0, 0.0, math.inf),
    ],
)
def test_break_even_by_hand(adapt, image, other_adapt, other_image, images):
    assert break_even(adapt, image, other_adapt, other_image) == images


def test_from_the_break_even_on_it_costs_no_more():
    rng = np.random.default_rng(0)
    adapt, image, other_adapt, other_image = rng.uniform(0.1, 10, (4, 200))
    images = break_even(adapt, image, other_adapt, other_image)
    paid = np.isfinite(images)
    assert 20 < paid.sum() < 180
    for count in (images, images + 1, 10 * images):
        cheaper = adapt + count * image <= other_adapt + count * other_image + 1e-9
        assert cheaper[paid].all()
    before = images - 1
    dearer = adapt + before * image > other_adapt + before * other_image - 1e-9
    assert dearer[paid & (before > 0)].all()


def with_core(run, name, seconds):
    path = results.record_path(run, "speed", name, 64)
    record = results.read_json(path)
    record["scopes"]["core"] |= {"samples": seconds, "rounds": list(range(len(seconds)))}
    results.write_json(path, record)


@pytest.fixture
def run(fake_run):
    """`fast` adapts for 3 s and takes 10 ms a picture, `slow` adapts for nothing and takes 1 s."""
    styles = list("abcdef")
    run = fake_run(
        methods=["identity", "style-copy", "fast", "slow"],
        styles=styles,
        adapt=dict.fromkeys(styles, 3.0),
        values={
            "gram/1@judge": {"identity": 1.0, "style-copy": 0.0, "fast": 0.3},
            "lpips/1@judge": {"identity": 0.0, "style-copy": 1.0, "fast": 0.3},
            "gram/1@trainer": {"fast": 0.3},
        },
    )
    with_core(run, "fast", [0.010] * 6)
    with_core(run, "slow", [0.9, 1.0, 1.0, 1.0, 1.0, 1.1])
    for style in styles:
        path = results.record_path(run, "cells", "slow", style, 64)
        record = results.read_json(path)
        results.write_json(path, {**record, "adapt": {**record["adapt"], "seconds": 0.0}})
    return run


def test_costs_and_break_even_of_a_run(run):
    (group,) = groups(results.load([run]))
    costs_of = {cost.row.method: cost for cost in costs(group)}
    assert set(costs_of) == {"fast", "slow"}  # no anchors
    assert [costs_of["fast"].total(count) for count in COUNTS] == pytest.approx(
        [3.01, 3.1, 4.0, 13.0, 103.0]
    )
    assert [costs_of["slow"].total(count) for count in COUNTS] == pytest.approx(
        [1.0, 10.0, 100.0, 1000.0, 10000.0]
    )
    assert costs_of["fast"].interval(10) == pytest.approx((3.1, 3.1))  # nothing varies
    (pair,) = pairs(list(costs_of.values()))
    assert (pair.later.row.method, pair.first.row.method) == ("fast", "slow")
    assert pair.images == 4  # 3 / 0.99 is 3.03
    # slow takes between 0.9 and 1.1 s: 3 / 0.89 is 3.4, 3 / 1.09 is 2.8
    assert 3 <= pair.low <= pair.images <= pair.high <= 4


def with_trainings(run, **trainings):
    """Let the run record what the training of methods took."""
    record = results.read_json(run / "run.json")
    for name, parts in trainings.items():
        record["methods"][name]["trainings"] = parts
    results.write_json(run / "run.json", record)
    return run


HOUR = {"file": "fast.safetensors", "seconds": 1000.0, "machine": "Abacus, 1 threads"}


def test_costs_and_break_even_with_the_training(run):
    (group,) = groups(results.load([with_trainings(run, fast=[HOUR], slow=[])]))
    known = costs(group)
    whole = {cost.row.method: cost for cost in trained(known)}
    assert [whole["fast"].total(count) for count in COUNTS] == pytest.approx(
        [1003.01, 1003.1, 1004.0, 1013.0, 1103.0]
    )
    assert whole["fast"].interval(10) == pytest.approx((1003.1, 1003.1))
    assert whole["slow"].total(10) == pytest.approx(10.0)  # it trains nothing
    (pair,) = pairs_with_training(known)
    assert (pair.later.label, pair.first.label) == ("fast with its training", "slow")
    assert pair.images == 1014  # 1003 / 0.99 is 1013.1
    assert [pair.images for pair in pairs(known)] == [4]  # as the weights are there


def test_several_trainings_add_up(run):
    more = {**HOUR, "file": "start.safetensors", "seconds": 500.0}
    (group,) = groups(results.load([with_trainings(run, fast=[HOUR, more], slow=[])]))
    assert trained(costs(group))[0].adapt == pytest.approx(1503.0)


def test_the_tables_have_a_row_with_the_training(run):
    start = {**HOUR, "start": "other.safetensors"}
    lines = render(results.load([with_trainings(run, fast=[start], slow=[])])).splitlines()
    place = next(n for n, line in enumerate(lines) if line.startswith("fast"))
    owed = next(line for line in lines[place:] if line.startswith("with its training"))
    # of who trains all anew, at 10,000 pictures alone fast is the cheapest
    assert owed.split()[-5:] == ["1003", "1003", "1004", "1013", "*1103"]
    text = " ".join(" ".join(lines).split())
    assert (
        "training of fast.safetensors: 0.278 h (Abacus, 1 threads), without that of"
        " other.safetensors, from which it starts"
    ) in text
    title = "Break-even, all trained anew: "
    even = lines[next(n for n, line in enumerate(lines) if line.startswith(title)) + 3]
    assert even.split() == ["fast", "with", "its", "training", "slow", "64", "1,014"]


def test_an_unknown_training_is_said_and_has_no_row(run):
    unknown = [{**HOUR, "seconds": None}]
    text = render(results.load([with_trainings(run, fast=unknown, slow=[])]))
    assert "what its training took is not known" in text
    assert "with its training" not in text
    assert "trained anew" not in text


def test_a_run_that_records_no_trainings_has_the_costs_it_had(run):
    frames = results.load([run])
    assert "training" not in render(frames)
    assert not frame(groups(frames))["with_training"].any()


def test_csv_tells_the_costs_with_the_training_apart(run):
    held = frame(groups(results.load([with_trainings(run, fast=[HOUR], slow=[])])))
    owed = held[held["with_training"]]
    assert owed["seconds"].tolist()[:2] == pytest.approx([1003.01, 1003.1])
    assert owed["images"].tolist()[-1] == 1014


def test_batches_are_told_per_picture(fake_run):
    (group,) = groups(results.load([fake_run(methods=["fast"], batch=4)]))
    (cost,) = costs(group)
    assert cost.image == pytest.approx(0.012 / 4)


def test_tables(run):
    text = render(results.load([run]))
    lines = text.splitlines()
    fast = next(line for line in lines if line.startswith("fast"))
    assert fast.split()[-5:] == ["3.01", "*3.10", "*4.00", "*13.0", "*103"]
    slow = next(line for line in lines if line.startswith("slow"))
    assert "*1.00" in slow
    even = lines[next(n for n, line in enumerate(lines) if line.startswith("Break-even")) + 3]
    assert even.split() == ["fast", "slow", "64", "4"]
    assert max(map(len, lines)) <= 100


def test_what_has_no_cost_is_said(fake_run):
    run = fake_run(methods=["fast", "slow"], failed_speed={"slow": ("error", "no clock")})
    text = render(results.load([run]))
    assert "slow 64: no cost without both adapt and core" in text
    assert "Break-even" not in text


def test_csv_has_costs_and_break_even_points(run):
    frames = results.load([run])
    held = frame(groups(frames))
    assert render(frames, "csv") == held.to_csv(index=False, lineterminator="\n")
    totals = held[held["instead_of"] == ""]
    assert totals["seconds"].tolist()[:2] == pytest.approx([3.01, 3.1])
    (even,) = held[held["instead_of"] != ""].to_dict("records")
    assert (even["method"], even["instead_of"], even["images"]) == ("fast", "slow", 4)
    assert pandas.isna(even["seconds"])


def test_a_format_that_it_has_not_is_named(run):
    with pytest.raises(BenchError, match="--amortised goes with --format plain"):
        render(results.load([run]), "json")
