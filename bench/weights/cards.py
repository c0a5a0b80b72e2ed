"""What a training took, as the model card says that `bench train` writes beside the weights."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Training:
    """What a training took.

    Attributes:
        seconds: of wall time, resumed parts included, and what it started from where known.
        machine: device, precision, threads and processes, and the processor where the card has it.
        start: the file of weights that all started from, whose own training is not in `seconds`,
            as no card beside it says what that took; empty where there is none.
    """

    seconds: float
    machine: str
    start: str


def training(file: Path) -> Training | None:
    """What the training of a weights file took; None where no card beside it says so.

    Weights that were trained on from others owe the others' training too: those that the line
    `- started from:` names, or else the option `start`, and whose card lies beside this one.
    """
    return _training(file, frozenset())


def _training(file: Path, later: frozenset[str]) -> Training | None:
    """As `training`; `later` has the names of what started from it."""
    try:
        text = file.with_suffix(".md").read_text("utf-8", "replace")
    except (OSError, ValueError):  # a card may name as its start what is no file's name
        return None
    minutes = re.search(r"^- steps: .*; wall time: (\d+(?:\.\d+)?) minutes$", text, re.M | re.A)
    if minutes is None:
        return None
    found = (
        re.search(pattern, text, re.M)
        for pattern in (
            r"^  - machine: (.+)$",
            r"^- device and precision: (.+)$",
            r"^- torch [^,\n]*, (.+)$",
        )
    )
    machine = ", ".join(match[1] for match in found if match)
    seconds, start = 60 * float(minutes[1]), _start(text)
    later |= {file.name}
    first = None if start in {"", *later} else _training(file.parent / start, later)
    if first is None:
        return Training(seconds, machine, start)
    machines = "; ".join(dict.fromkeys((first.machine, machine)))
    return Training(first.seconds + seconds, machines, first.start)


def _start(text: str) -> str:
    """The name of the file that the card says it started from."""
    if named := re.search(r"^- started from: `([^`/\\\n]+)`", text, re.M):
        return named[1]
    options = re.search(r"^  - options: `(.*)`$", text, re.M)
    try:
        start = json.loads(options[1]).get("start") if options else None
    except (ValueError, AttributeError):
        return ""
    return Path(start).name if isinstance(start, str) else ""
