from dataclasses import dataclass
from typing import Literal

import pytest

from bench.errors import BenchError
from bench.options import NoOptions, build, describe, describe_range, option, parse_pairs


@dataclass(frozen=True)
class Options:
    steps: int = option(60, "Adam steps", low=0, high=1000)
    rate: float = option(1e-3, "learning rate", low=0)
    mode: Literal["slow", "fast"] = option("slow", "how")
    taps: Literal[1, 2] = option(1, "how many taps")
    size: int | None = option(None, "longest side", low=16)
    masked: bool = option(False, "with a mask")
    path: str = option("", "where")

    def __post_init__(self) -> None:
        if self.masked and not self.path:
            raise ValueError("masked needs a path")


@pytest.mark.parametrize(
    ("key", "raw", "value"),
    [
        ("steps", "100", 100),
        ("steps", 100, 100),
        ("steps", 100.0, 100),
        ("steps", "0", 0),
        ("steps", "1000", 1000),
        ("rate", "1e-2", 0.01),
        ("rate", 2, 2.0),
        ("mode", "fast", "fast"),
        ("taps", "2", 2),
        ("taps", 2, 2),
        ("size", "none", None),
        ("size", None, None),
        ("size", "512", 512),
        ("masked", "off", False),
        ("masked", "No", False),
        ("masked", False, False),
        ("path", "a=b", "a=b"),
    ],
)
def test_values_from_the_command_line_and_from_a_stored_run(key, raw, value):
    read = getattr(build(Options, {key: raw}, "gatys"), key)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize("text", ["true", "1", "yes", "On", "TRUE"])
def test_truth(text):
    assert build(Options, {"masked": text, "path": "x"}, "gatys").masked is True


def test_defaults_stand_when_nothing_is_given():
    assert build(Options, {}, "gatys") == Options()
    assert Options().steps == 60


@pytest.mark.parametrize(
    ("key", "raw", "message"),
    [
        ("steps", "many", "gatys.steps=many is not a whole number"),
        ("steps", "1.5", "gatys.steps=1.5 is not a whole number"),
        ("steps", 1.5, "gatys.steps=1.5 is not a whole number"),
        ("steps", float("inf"), "gatys.steps=inf is not a whole number"),
        ("steps", "-1", "gatys.steps=-1 is out of range: 0 to 1000"),
        ("steps", "1001", "gatys.steps=1001 is out of range: 0 to 1000"),
        ("steps", "none", "gatys.steps=none is not a whole number"),
        ("rate", "nan", "gatys.rate=nan is not a number"),
        ("rate", "", "gatys.rate= is not a number"),
        ("rate", "-0.1", "gatys.rate=-0.1 is out of range: at least 0"),
        ("mode", "medium", "gatys.mode=medium: choose one of slow, fast"),
        ("size", "8", "gatys.size=8 is out of range: at least 16"),
        ("size", "big", "gatys.size=big is not a whole number"),
        ("masked", "maybe", "gatys.masked=maybe is not a truth value: use true or false"),
        ("masked", "yes", "options of gatys: masked needs a path"),
        ("mod", "x", "unknown option of gatys 'mod'; did you mean mode?"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(key, raw, message):
    with pytest.raises(BenchError) as caught:
        build(Options, {key: raw}, "gatys")
    assert str(caught.value) == message


def test_a_plugin_without_options_takes_none():
    assert build(NoOptions, {}, "identity") == NoOptions()
    with pytest.raises(BenchError, match=r"^unknown option of identity 'steps'; known: none$"):
        build(NoOptions, {"steps": "1"}, "identity")


def test_pairs_are_grouped_by_plugin_and_the_last_one_wins():
    texts = ["gatys.steps=1", " my.method.path = a=b ", "gatys.rate=2", "gatys.steps=3"]
    assert parse_pairs(texts) == {
        "gatys": {"steps": "3", "rate": "2"},
        "my.method": {"path": "a=b"},
    }


@pytest.mark.parametrize("text", ["", "steps=1", "gatys.steps", ".steps=1", "gatys.=1", "=", "a.b"])
def test_a_pair_that_is_none(text):
    with pytest.raises(BenchError, match=r"write it as PLUGIN\.OPTION=VALUE"):
        parse_pairs([text])


def test_description_of_every_field():
    rows = {row["name"]: row for row in describe(Options)}
    assert rows["steps"] == {
        "name": "steps",
        "type": "int",
        "default": "60",
        "range": "0 to 1000",
        "help": "Adam steps",
    }
    assert rows["mode"]["type"] == "slow | fast"
    assert rows["size"]["type"] == "int | none"
    assert rows["path"]["range"] == ""


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(None, None, ""), (1, None, "at least 1"), (None, 0.5, "at most 0.5"), (0, 1, "0 to 1")],
)
def test_ranges_in_words(low, high, words):
    assert describe_range(low, high) == words
