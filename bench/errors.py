"""The one exception that reaches a user as a single line instead of a traceback."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable


class BenchError(Exception):
    """Something the user can put right: the message names what is wrong and the remedy."""


class NeedError(BenchError):
    """Something has to be installed or downloaded first: what lacks it is skipped, not failed."""


class StorageError(BenchError):
    """The disk refuses: no method's fault, and nothing that comes after could be kept."""


def text_of(error: BaseException) -> str:
    """An exception's text; empty where it raises another when asked for it."""
    try:
        return str(error)
    except Exception:
        return ""


LONGEST_WORDS = 500
"""Characters of `first_words`."""
_CAUSE = re.compile(r"\w+ ?[Ee]rror: ")


def first_words(text: str) -> str:
    """An error's text in one line of bounded length that has its cause.

    It is the first line, with the three that it announces by a colon, or with the one that names
    the error below: torch says there which keys do not fit, and why a file is not loaded. Each is
    cut where it is long, so that none hides the others.
    """
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)  # torch colours its errors
    lines = [line.strip() for line in plain.strip().splitlines() if line.strip()] or [""]
    shown = lines[:4]
    if not lines[0].endswith(":"):
        shown = lines[:1] + [line for line in lines[1:] if _CAUSE.match(line)][:1]
    longest = LONGEST_WORDS // len(shown)
    return " ".join(line if len(line) <= longest else f"{line[:longest]}…" for line in shown)


def cause_of(error: BaseException) -> str:
    """What an exception says, in the words of `first_words`; of the system's, without a number."""
    inner = getattr(error, "reason", None)  # what urllib wraps
    if isinstance(error, OSError) and isinstance(inner, OSError):
        return cause_of(inner)
    words = error.strerror if isinstance(error, OSError) else None
    return first_words(str(words or text_of(error))) or type(error).__name__


def unknown(kind: str, name: str, known: Iterable[str], otherwise: str = "") -> BenchError:
    """The error for a name that is not there, with the nearest names that are.

    Args:
        kind: of thing.
        name: that was asked for.
        known: names that are there.
        otherwise: what to do where none of them is meant.
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(names) or 'none'}"
    return BenchError(f"unknown {kind} '{name}'; {hint}" + f" ({otherwise})" * bool(otherwise))
