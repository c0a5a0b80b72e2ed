"""Errors name what is wrong and what is near it."""

import pytest

from bench.errors import text_of, unknown


@pytest.mark.parametrize(
    ("name", "known", "said"),
    [
        ("gatis", ["ssim", "gatys"], "unknown method 'gatis'; did you mean gatys?"),
        ("x", ["b", "a"], "unknown method 'x'; known: a, b"),
        ("x", [], "unknown method 'x'; known: none"),
    ],
)
def test_an_unknown_name_has_its_nearest_or_all(name, known, said):
    assert str(unknown("method", name, known)) == said
    assert str(unknown("method", name, known, "see bench list")) == f"{said} (see bench list)"


def test_an_error_that_cannot_say_itself_has_no_text():
    class MuteError(Exception):
        def __str__(self):
            raise RuntimeError

    assert text_of(MuteError()) == ""
    assert text_of(ValueError("a")) == "a"
