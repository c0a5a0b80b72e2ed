import json
import math
import re
from dataclasses import asdict

import numpy as np
import pytest

from bench.errors import BenchError
from bench.tables import formats
from bench.vote.bradley_terry import bradley_terry, notes, section
from bench.vote.votes import Vote, read_votes


def vote(left, right, choice="left", style="s", number=[0]):  # noqa: B006 (a counter)
    number[0] += 1
    return Vote(
        id=str(number[0]),
        time="2026-11-22T10:00:00+00:00",
        voter="",
        style=style,
        content="c",
        size=64,
        left=left,
        right=right,
        choice=choice,
        seconds=1.0,
    )


def line(vote, **changes):
    """A vote as it stands in the file."""
    return json.dumps({"schema": 1, **asdict(vote), **changes})


def preferences(votes, **options):
    return {preference.method: preference for preference in bradley_terry(votes, **options)}


def test_two_methods_differ_by_the_logarithm_of_the_ratio_of_wins():
    votes = [vote("a", "b")] * 4 + [vote("b", "a")] * 2
    fitted = preferences(votes, virtual_ties=0)
    assert fitted["a"].value - fitted["b"].value == pytest.approx(math.log(4 / 2))
    assert fitted["a"].value + fitted["b"].value == pytest.approx(0)


def test_a_virtual_tie_adds_half_a_win_to_each_of_two():
    fitted = preferences([vote("a", "b")] * 4 + [vote("b", "a")] * 2)
    assert fitted["a"].value - fitted["b"].value == pytest.approx(math.log(4.5 / 2.5))


def test_a_tie_is_half_a_win_and_the_side_does_not_matter():
    # a: 2 wins and 2 halves of 5; b: 1 win and 2 halves
    votes = [
        vote("a", "b", "left"),
        vote("b", "a", "right"),
        vote("a", "b", "right"),
        vote("a", "b", "same"),
        vote("b", "a", "same"),
    ]
    fitted = preferences(votes, virtual_ties=0)
    assert fitted["a"].value - fitted["b"].value == pytest.approx(math.log(3 / 2))
    assert (fitted["a"].wins, fitted["a"].ties, fitted["a"].losses) == (2, 2, 1)
    assert (fitted["b"].wins, fitted["b"].ties, fitted["b"].losses) == (1, 2, 2)


def test_three_methods_whose_votes_fit_the_model_exactly():
    # strengths 4 : 2 : 1 give a over b 2:1, b over c 2:1, a over c 4:1
    votes = (
        [vote("a", "b")] * 2
        + [vote("b", "a")]
        + [vote("b", "c")] * 2
        + [vote("c", "b")]
        + [vote("a", "c")] * 4
        + [vote("c", "a")]
    )
    fitted = bradley_terry(votes, virtual_ties=0)
    assert [preference.method for preference in fitted] == ["a", "b", "c"]
    log2 = math.log(2)
    assert [preference.value for preference in fitted] == pytest.approx([log2, 0, -log2])


def test_the_maximum_is_the_one_that_an_optimiser_finds():
    from scipy.optimize import minimize

    rng = np.random.default_rng(3)
    names = "abcde"
    wins = rng.integers(0, 9, (5, 5)) * (1 - np.eye(5, dtype=int))
    wins[0, :] = 0  # a never wins
    votes = [
        vote(names[i], names[j]) for i in range(5) for j in range(5) for _ in range(wins[i, j])
    ]
    with_ties = wins + 1 / 8 * (1 - np.eye(5))

    def loss(s):
        return (with_ties * np.log1p(np.exp(s[None, :] - s[:, None]))).sum() + s.sum() ** 2

    best = minimize(loss, np.zeros(5), tol=1e-10).x
    fitted = preferences(votes)
    assert [fitted[name].value for name in names] == pytest.approx(best - best.mean(), abs=1e-4)


def test_a_method_that_never_wins_is_last_and_finite():
    fitted = bradley_terry([vote("a", "b")] * 50)
    assert [preference.method for preference in fitted] == ["a", "b"]
    assert fitted[1].value == pytest.approx(-math.log(50.5 / 0.5) / 2)
    with pytest.raises(ValueError, match="infinite"):
        bradley_terry([vote("a", "b")] * 50, virtual_ties=0)


def test_groups_that_no_vote_links_are_told():
    votes = [vote("a", "b"), vote("c", "d"), vote("d", "c")]
    fitted = preferences(votes)
    assert fitted["a"].component == fitted["b"].component != fitted["c"].component
    assert fitted["c"].component == fitted["d"].component
    text = " ".join(notes(list(fitted.values()), votes))
    assert "do not compare" in text
    linked = [*votes, vote("b", "c")]
    assert "do not compare" not in " ".join(notes(bradley_terry(linked), linked))


def test_intervals_are_over_styles():
    same = [vote("a", "b", style=style) for style in "wxyz"] * 3
    fitted = preferences(same)  # all styles alike: nothing varies between draws
    assert fitted["a"].low == pytest.approx(fitted["a"].value)
    assert fitted["a"].high == pytest.approx(fitted["a"].value)
    split = [vote("a", "b", "left" if style in "wx" else "right", style) for style in "wxyz"]
    fitted = preferences(split * 20)
    # both of a style's camps alone have probability 1/16 > 2.5 %: the interval is the range
    most = math.log(80.5 / 0.5) / 2
    assert (fitted["a"].low, fitted["a"].high) == pytest.approx((-most, most))
    one = preferences([vote("a", "b"), vote("b", "a")])
    assert math.isnan(one["a"].low)


def test_scores_repeat():
    votes = [vote("a", "b", style=style) for style in "xyz"] + [vote("b", "a", style="x")]
    assert bradley_terry(votes) == bradley_terry(votes)


def test_no_votes_no_scores():
    assert bradley_terry([]) == []


def test_a_section_of_the_report(tmp_path):
    assert section(tmp_path) is None
    votes = [vote("a|<b>", "c", style=style) for style in "xyxy"]
    (tmp_path / "votes.jsonl").write_text("".join(line(vote) + "\n" for vote in votes))
    table = section(tmp_path)
    plain = formats.write([table], [])
    # log(4.5 / 0.5) / 2 = 1.10; both styles are alike, so no draw differs
    assert re.search(r"^a\|<b> +1\.10 +4 +0 +0\n +1\.10–1\.10$", plain, re.MULTILINE)
    assert re.search(r"^c +-1\.10 +0 +0 +4\n +-1\.10 to -1\.10$", plain, re.MULTILINE)
    assert "\n4 votes on 2 styles\n" in plain
    assert "\nintervals from 2 styles are rough\n" in plain
    assert max(map(len, plain.splitlines())) <= 100
    for format in formats.TEXT:
        assert "1.10" in formats.write([table], [], format)


def test_votes_are_read_without_those_taken_back_and_the_torn_line(tmp_path):
    kept, gone = vote("a", "b"), vote("a", "b")
    undo = json.dumps({"schema": 1, "undo": gone.id, "time": ""})
    lines = [line(kept), line(gone), undo]
    (tmp_path / "votes.jsonl").write_text("\n".join(lines) + '\n{"schema": 1, "id": "t')
    assert read_votes(tmp_path) == [kept]
    assert read_votes(tmp_path / "none") == []


WRONG = [
    json.dumps({"schema": 1, "undo": ["x"]}),
    *(
        line(vote("a", "b"), **{name: value})
        for name, value in (("id", []), ("choice", {}), ("style", 3), ("left", None), ("left", "b"))
    ),
]


@pytest.mark.parametrize("wrong", ['{"schema": 2}', "[1]", '{"schema": 1, "id": "x"}', *WRONG])
def test_a_line_that_is_no_vote_is_named(tmp_path, wrong):
    (tmp_path / "votes.jsonl").write_text(line(vote("a", "b")) + "\n" + wrong + "\n")
    with pytest.raises(BenchError, match="line 2 is no vote"):
        read_votes(tmp_path)
