"""The votes of a run on disk.

They lie in its `votes.jsonl`, one JSON object a line, in the order in which they were given;
`bench vote` appends to it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypedDict, cast

from bench.errors import BenchError

FILE = "votes.jsonl"
SCHEMA = 1

Choice = Literal["left", "right", "same"]


class Vote(TypedDict):
    """One line of `votes.jsonl`: a preference."""

    schema: int
    id: str
    time: str  # ISO 8601, UTC
    voter: str  # may be empty
    style: str
    content: str
    size: int
    left: str  # method
    right: str  # method
    choice: Choice
    seconds: float  # from showing to choosing


class Undo(TypedDict):
    """One line of `votes.jsonl`: an earlier vote is taken back."""

    schema: int
    undo: str  # the vote's id
    time: str


def read_votes(run: Path) -> list[Vote]:
    """The votes that count, in order; none when nobody voted.

    A line that was cut off by a crash is left out.

    Raises:
        BenchError: the file cannot be read, or a whole line of it holds no vote.
    """
    path = run / FILE
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise BenchError(
            f"{path} cannot be read ({error.strerror}): check its permissions"
        ) from None
    votes: dict[str, Vote] = {}
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line) if line.strip() else None
        except ValueError:
            continue  # half a line: the machine went down while it was written
        if record is None:
            continue
        if not isinstance(record, dict) or record.get("schema") != SCHEMA:
            raise BenchError(f"{path} line {number} is no vote: take the line out")
        if isinstance(record.get("undo"), str):
            votes.pop(record["undo"], None)
        elif _is_vote(record):
            votes[record["id"]] = cast(Vote, record)
        else:
            raise BenchError(f"{path} line {number} is no vote: take the line out")
    return list(votes.values())


def _is_vote(record: Mapping[str, Any]) -> bool:
    words = ("id", "voter", "style", "content", "left", "right", "choice")
    return (
        record.keys() >= Vote.__required_keys__
        and all(isinstance(record[name], str) for name in words)
        and record["left"] != record["right"]
        and record["choice"] in CHOICES
    )


CHOICES: Mapping[str, float] = {"left": 1.0, "same": 0.5, "right": 0.0}
"""The share of a win that goes to the method on the left."""
