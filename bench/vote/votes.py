"""The votes of a run on disk.

They lie in its `votes.jsonl`, one JSON object a line, in the order in which they were given;
`bench vote` appends to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench import results
from bench.errors import BenchError
from bench.results.values import Name, Seconds, Side, Text

FILE = "votes.jsonl"
SCHEMA = 1

Choice = Literal["left", "right", "same"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One line of `votes.jsonl`: a preference."""

    id: Name
    time: Text  # ISO 8601, UTC
    voter: Text  # may be empty
    style: Name
    content: Name
    size: Side
    left: Name  # method
    right: Name  # method
    choice: Choice
    seconds: Seconds  # from showing to choosing

    def __post_init__(self) -> None:
        if self.left == self.right:
            raise ValueError(f"{self.left} on both sides")


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """One line of `votes.jsonl`: an earlier vote is taken back."""

    undo: Name  # the vote's id
    time: Text


def read_votes(run: Path) -> list[Vote]:
    """The votes that count, in order; none when nobody voted.

    A line that was cut off by a crash is left out.

    Raises:
        BenchError: the file cannot be read, or a whole line of it holds no vote.
    """
    path = run / FILE
    if not path.exists():
        return []
    votes: dict[str, Vote] = {}
    for number, line in enumerate(results.read_bytes(path).split(b"\n"), 1):
        try:
            values = results.parse_json(line) if line.strip() else None
        except ValueError:
            continue  # half a line: the machine went down while it was written
        if values is None:
            continue
        try:
            if not isinstance(values, dict) or values.get("schema") != SCHEMA:
                raise ValueError(f"of another schema than {SCHEMA}")
            if "undo" in values:
                votes.pop(results.checked(values, Undo).undo, None)
            else:
                vote = results.checked(values, Vote)
                votes[vote.id] = vote
        except ValueError as error:
            cause = results.brief(error)
            raise BenchError(f"{path} line {number} is no vote ({cause}): take it out") from None
    return list(votes.values())


CHOICES: Mapping[str, float] = {"left": 1.0, "same": 0.5, "right": 0.0}
"""The share of a win that goes to the method on the left."""
