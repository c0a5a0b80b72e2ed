"""Errors name what is wrong and what is near it."""

import ast
import builtins
import errno
import os
import urllib.error

import pytest
from helpers.checkout import ROOT

from bench.errors import LONGEST_WORDS, cause_of, first_words, text_of, unknown


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


NO_FILE = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "a.png")


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (NO_FILE, "No such file or directory"),
        (urllib.error.URLError(NO_FILE), "No such file or directory"),
        (urllib.error.URLError("refused"), "<urlopen error refused>"),
        (OSError("truncated\nmore"), "truncated"),
        (ValueError("a"), "a"),
        (EOFError(), "EOFError"),
    ],
)
def test_the_cause_of_an_error_has_no_number(error, cause):
    assert cause_of(error) == cause


def of_the_system(kind):
    return isinstance(kind, type) and issubclass(kind, OSError)


def shown(handler):
    """Where the handler's error is put into a text as it is."""
    for node in ast.walk(handler):
        match node:
            case ast.FormattedValue(value=ast.Name(id=name)) if name == handler.name:
                yield node.lineno
            case ast.Call(func=ast.Name(id="str"), args=[ast.Name(id=name)]) if (
                name == handler.name
            ):
                yield node.lineno


def test_no_error_of_the_system_is_shown_with_its_number():
    """`[Errno 2]` says nothing to a user, and the path stands there a second time."""
    found = set()
    for path in (
        p for f in ("bench", "methods", "metrics", "datasets") for p in ROOT.glob(f"{f}/**/*.py")
    ):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ExceptHandler) and node.type is not None:
                kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
                names = {getattr(kind, "id", "") for kind in kinds}
                if any(of_the_system(getattr(builtins, name, None)) for name in names):
                    found |= {f"{path.relative_to(ROOT)}:{line}" for line in shown(node)}
    assert found == set()
