"""What is shown to a voter, and what a vote says."""

import random
from collections import Counter

import pytest
from PIL import Image

from bench import results
from bench.errors import BenchError
from bench.vote.ballot import Ballot, Trial, draw, material
from bench.vote.votes import read_votes


def cast(ballot, choices):
    for choice in choices:
        ballot.vote(ballot.state()["trial"], choice)


def test_anchors_and_pictures_outside_the_run_are_not_compared(run, tmp_path):
    path = results.record_path(run, "cells", "wild", "a", 64)
    cell = results.read_json(path)
    Image.new("RGB", (8, 8)).save(tmp_path / "secret.png")
    cell["contents"][0]["image"] = "../../secret.png"
    results.write_json(path, cell)
    found = material(run)
    assert {method for method, _, _ in found.pictures} == {"fast", "slow", "wild"}
    assert ("wild", "a", "x") not in found.pictures
    # 3 pairs on 2 styles and 2 contents, but one on the pair whose picture is not to be had
    assert len(found.trials()) == 3 * 3 + 1


def test_one_method_cannot_be_compared(fake_run, run):
    with pytest.raises(BenchError, match="two methods"):
        material(fake_run(("fast", "identity")))
    with pytest.raises(BenchError, match=r"--size 32 is not in .*: it has 64"):
        material(run, 32)


def test_votes_are_balanced(run):
    ballot = Ballot(material(run), seed=1)
    cast(ballot, ["left"] * 6)
    votes = read_votes(run)
    pairs = Counter(frozenset((v.left, v.right)) for v in votes)
    assert list(pairs.values()) == [2, 2, 2]
    for pair in pairs:
        mine = [v for v in votes if frozenset((v.left, v.right)) == pair]
        assert {v.style for v in mine} == {"a", "b"}
        assert {v.content for v in mine} == {"x", "y"}
    cast(ballot, ["same"] * 6)
    everything = {(frozenset((v.left, v.right)), v.style, v.content) for v in read_votes(run)}
    assert len(everything) == 12
    assert ballot.state() == {"trial": None, "votes": 12, "trials": 12, "undo": True}


def test_sides_are_drawn():
    trials = [Trial("a", "x", "fast", "slow")]
    drawn = Counter(draw(trials, [], random.Random(seed)).left for seed in range(200))
    assert min(drawn.values()) > 60  # 100 expected, 7 the standard deviation


def test_a_vote_says_what_was_shown(run):
    ballot = Ballot(material(run), "ann")
    id_ = ballot.state()["trial"]
    shown = {
        what: ballot.picture(id_, what).read_bytes()
        for what in ("left", "right", "content", "style")
    }
    ballot.vote(id_, "right")
    (vote,) = read_votes(run)
    where = f"{vote.style}-{vote.content}.png"
    assert shown["left"] == (run / "images" / f"{vote.left}-{where}").read_bytes()
    assert shown["right"] == (run / "images" / f"{vote.right}-{where}").read_bytes()
    assert shown["style"] == results.input_path(run, "style", vote.style, 64).read_bytes()
    assert shown["content"] == results.input_path(run, "content", vote.content, 64).read_bytes()
    assert (vote.voter, vote.choice, vote.size) == ("ann", "right", 64)


def test_only_what_is_on_the_screen_gets_a_vote(run):
    ballot = Ballot(material(run))
    first = ballot.state()["trial"]
    assert ballot.vote(first, "up") is None
    assert ballot.vote(first, ["left"]) is None
    assert ballot.vote(None, "left") is None
    assert ballot.vote(first, "left")["votes"] == 1
    assert ballot.vote(first, "left") is None  # a double click
    assert ballot.picture(first, "left") is None
    assert len(read_votes(run)) == 1


def test_undo_shows_the_same_pictures_again(run):
    ballot = Ballot(material(run), "ann")
    other = Ballot(material(run), "bob")
    cast(ballot, ["left", "right"])
    cast(other, ["left"])
    last = read_votes(run)[1]
    state = ballot.undo()
    assert (state["votes"], state["undo"]) == (1, True)
    ballot.vote(state["trial"], "same")
    votes = read_votes(run)
    assert [v.voter for v in votes] == ["ann", "bob", "ann"]
    shown = ("style", "content", "left", "right")
    assert [getattr(votes[-1], key) for key in shown] == [getattr(last, key) for key in shown]
    ballot.undo()
    assert ballot.undo()["votes"] == 0
    assert ballot.undo()["undo"] is False
    assert [v.voter for v in read_votes(run)] == ["bob"]


def test_a_later_session_goes_on(run):
    cast(Ballot(material(run)), ["left"] * 5)
    with (run / "votes.jsonl").open("a") as file:
        file.write('{"schema": 1, "id": "cut o')  # the machine went down here
    ballot = Ballot(material(run))
    assert ballot.state()["votes"] == 5
    cast(ballot, ["right"] * 7)
    assert len(read_votes(run)) == 12
    assert ballot.state()["trial"] is None


def test_a_full_disk_is_told(run, monkeypatch):
    ballot = Ballot(material(run))

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(BenchError, match=r"votes\.jsonl cannot be written \(No space left"):
        ballot.vote(ballot.state()["trial"], "left")
