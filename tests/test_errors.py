"""Errors name what is wrong and what is near it."""

import pytest

from bench.errors import LONGEST_WORDS, first_words, text_of, unknown


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


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ""),
        ("one\nmore", "one"),
        ("announced:\n\n  a\n\tb\nc\nd", "announced: a b c"),
        ("it failed.\n(1) advice\nLoaderError: a global\nmore", "it failed. LoaderError: a global"),
        ("it failed.\n\tLoader error: a global", "it failed. Loader error: a global"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("a" * (LONGEST_WORDS + 1), "a" * LONGEST_WORDS + "…"),
        (f"keys:\n{'a' * 999}\nb", f"keys: {'a' * (LONGEST_WORDS // 3)}… b"),
    ],
)
def test_the_first_words_of_an_error_have_its_cause(text, words):
    assert first_words(text) == words
