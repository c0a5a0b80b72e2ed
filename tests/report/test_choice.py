"""`bench choose` on runs made by hand, whose answers follow in the head."""

from __future__ import annotations

import json
import math

import pytest
from helpers.chosen import VALUES, license_weights, run, said

from bench import cli, results
from bench.commands import choose
from bench.errors import BenchError
from bench.report import choice, choice_text, need
from bench.results import TrainingRecord

for _values in VALUES.values():
    _values["fast"] = math.nan  # what the helper would take for a method without values


def first(answer):
    return answer.recommended.row.method


def test_the_total_is_styles_and_pictures(group):
    found = choice.answer(group(), need.Need(styles=3, pictures=500))
    assert first(found) == "good"
    assert found.recommended.total == pytest.approx(3 * 3.0 + 500 * 0.010)


def test_balance_takes_the_quickest_of_those_as_good_as_the_best(group):
    found = choice.answer(group(), need.Need(pictures=100))
    assert [first(found), *(c.row.method for c in found.others)] == ["good", "slow", "quick"]


def test_time_takes_the_quickest(group):
    assert first(choice.answer(group(), need.Need(pictures=100, prefer="time"))) == "quick"


def test_quality_takes_the_best_whatever_it_costs(group):
    values = {id_: {**of, "slow": of["slow"] * 0.9} for id_, of in VALUES.items()}
    found = choice.answer(group(values=values), need.Need(pictures=10**6, prefer="quality"))
    assert first(found) == "slow"


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        ({"picture_in": 0.05}, "a picture takes 100 ms, more than 50 ms"),
        ({"new_style_in": 2.0}, "a new style takes 3 s, more than 2 s"),
        ({"total_in": 4.0, "pictures": 100}, "all takes 13 s, more than 4 s"),
    ],
)
def test_limits_exclude_and_say_so(group, limit, reason):
    assert dict(choice.answer(group(), need.Need(**limit)).excluded)["slow"] == reason


def test_where_nothing_meets_the_limits_there_is_no_answer(group):
    found = choice.answer(group(), need.Need(new_style_in=1.0))
    assert found.recommended is None
    assert "No method meets the limits." in said(found)
    assert choice_text.data(found)["recommended"] is None


def trained(found, **seconds):
    """Let the rows' weights have taken so many seconds to train; None: not known."""
    for row in found.rows:
        took = seconds.get(row.method, 0.0)
        parts = [TrainingRecord(file=f"{row.method}.st", seconds=took, machine="Abacus")]
        row.trainings = [] if took == 0 else parts
    return found


def test_with_training_counts_it_once(group):
    found = trained(group(), good=1000.0)
    asked = {"styles": 3, "pictures": 500}
    without = choice.answer(found, need.Need(**asked))
    assert first(without) == "good"
    assert without.recommended.total == pytest.approx(14.0)
    assert without.recommended.training == 1000.0
    counted = choice.answer(found, need.Need(**asked, training=True))
    assert first(counted) == "slow"  # 3 * 3 + 500 * 0.1 = 59
    assert {c.row.method: c.total for c in counted.others}["good"] == pytest.approx(1014.0)


def test_what_the_training_took_is_told_with_the_answer(group):
    found = trained(group(), good=7200.0)
    text = said(choice.answer(found, need.Need(pictures=100)))
    assert "Take good: 4 s in all" in text
    assert "with its training, on a domain of your own: 2 h in all" in text
    assert "training of good.st: 2 h (Abacus)" in text
    counted = need.Need(pictures=100_000, training=True)
    assert "(its training 2 h, 1 × 3 s and 100,000 × 10 ms)" in said(choice.answer(found, counted))
    values = choice_text.data(choice.answer(found, counted))
    both = {c["method"]: c for c in [values["recommended"], *values["others"]]}
    assert both["good"]["training_s"] == 7200.0
    assert both["slow"]["training_s"] == 0.0


def test_an_unknown_training_excludes_only_where_it_counts(group):
    found = trained(group(), good=None)
    without = choice.answer(found, need.Need(pictures=100))
    assert first(without) == "good"
    assert choice_text.data(without)["recommended"]["training_s"] is None
    counted = choice.answer(found, need.Need(pictures=100, training=True))
    assert dict(counted.excluded) == {"good": "what the training of its weights took is not known"}


def test_a_limit_of_all_holds_for_the_training_too(group):
    found = trained(group(), good=1000.0)
    limited = need.Need(pictures=100, total_in=900.0, training=True)
    assert dict(choice.answer(found, limited).excluded)["good"] == (
        "all takes 16 min 44 s, more than 15 min"
    )


def test_an_alias_has_the_commands_of_its_method(group):
    found = group()
    for row in found.rows:
        if row.method == "good":
            row.behind = "the-method"
    text = said(choice.answer(found, need.Need(pictures=100)))
    assert "Take good" in text
    assert "bench adapt --method the-method" in text
    assert "bench report somewhere/" in text


def test_a_row_that_failed_the_gate_is_excluded(group):
    values = {**VALUES, "gram/1@judge": {**VALUES["gram/1@judge"], "quick": 1.2}}
    reasons = dict(choice.answer(group(values=values), need.Need(prefer="time")).excluded)
    assert "no better than the photograph" in reasons["quick"]


def test_a_judge_that_a_competitor_trained_on_is_no_judge(group):
    with pytest.raises(BenchError, match="no judge of style and content"):
        choice.answer(group(trains_on=["judge"]), need.Need())


def test_an_unmeasured_size_is_an_error_that_names_the_others(group):
    with pytest.raises(BenchError, match="--size 512: nothing was measured at it, but at 64"):
        choice.answer(group(), need.Need(size=512))


def test_resampling_pairs_the_styles(group):
    """`good` is better in one style by 0.2 and worse in the other by 0.1 of the gram: paired."""
    by_style = {"a": 0.1, "b": 0.4}
    values = {
        **VALUES,
        "gram/1@judge": {**VALUES["gram/1@judge"], "good": lambda s, c: by_style[s]},
    }
    found = choice.answer(group(values=values), need.Need(prefer="quality"))
    both = {c.row.method: c for c in (found.recommended, *found.others)}
    # of the four resamples aa, ab, ba, bb only bb has good worse than slow (0.4 against 0.3)
    assert both["good"].worse_than(both["slow"]) == pytest.approx(0.25, abs=0.03)


def test_commercial_excludes_by_the_licences_that_the_run_names(group, capsys, tmp_path):
    group()
    license_weights(tmp_path / "runs", {"good": {"w.pt": "CC BY-NC 4.0"}, "slow": {}})
    words = ("--runs", str(tmp_path / "runs"), "--pictures", "100", "--commercial")
    status, printed = run(capsys, *words, "--format", "json")
    answer = json.loads(printed.out)
    reasons = {each["method"]: each["reason"] for each in answer["excluded"]}
    assert (status, answer["recommended"]["method"]) == (0, "slow")
    assert reasons == {
        "good": "the licence of w.pt is CC BY-NC 4.0",
        "quick": "its run does not say what licence its weights have: run it again",
    }


def test_the_command_answers_from_the_runs_there_are(group, capsys, tmp_path):
    group()
    status, printed = run(capsys, "--runs", str(tmp_path / "runs"), "--pictures", "100")
    assert status == 0
    assert "Take good" in printed.out
    status, printed = run(capsys, "--runs", str(tmp_path / "runs"), "--format", "json")
    answer = json.loads(printed.out)
    assert answer["recommended"]["method"] == "good"
    assert answer["others"][0]["worse_than_first"] == 0.0


def test_status_1_where_nothing_meets_the_limits(group, capsys, tmp_path):
    group()
    runs = str(tmp_path / "runs")
    assert run(capsys, "--runs", runs, "--new-style-in", "5ms")[0] == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--new-style-in", "5"], "write a number and one of ms, s, min, h"),
        (["--memory", "2 G"], "write a number and one of kB, MB, GB, TB"),
        (["--picture-in", "٣s"], "is no time"),
        (["--within", "0s"], "is no time"),
        (["--styles", "0"], "--styles"),
    ],
)
def test_wrong_quantities_are_named(capsys, words, message):
    with pytest.raises(SystemExit):
        cli.main(["choose", *words])
    assert message in capsys.readouterr().err


def test_without_a_run_it_says_how_to_make_one(capsys, tmp_path):
    status, printed = run(capsys, "--runs", str(tmp_path))
    assert status == 1
    assert "bench run --all --profile quick makes one" in printed.err
    assert printed.err.count("\n") == 1


def test_measures_first_where_it_is_told_to(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(
        choose, "MEASURED", ("--profile", "smoke", "--method", "ghiasi", "--no-isolate")
    )
    words = "--runs", str(tmp_path), "--measure", "--size", "72", "--format", "json"
    status, printed = run(capsys, *words)
    assert status == 0
    assert json.loads(printed.out)["recommended"]["method"] == "ghiasi"
    (folder,) = results.find_runs(tmp_path)
    assert results.read_run(folder).sizes == [72]
    assert "environment" in printed.err  # the run's own table


def test_measuring_and_naming_runs_is_an_error(capsys, tmp_path):
    status, printed = run(capsys, str(tmp_path), "--measure")
    assert status == 1
    assert "--measure makes a run" in printed.err


def test_another_device_is_an_error(group, capsys, tmp_path):
    group()
    status, printed = run(capsys, "--runs", str(tmp_path / "runs"), "--device", "cuda")
    assert status == 1
    assert "nothing was measured on it, but on cpu" in printed.err
