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
        seconds: of wall time, resumed parts included.
        machine: device, precision, threads and processes, and the processor where the card has it.
        start: the file of weights that it started from, whose own training is not in `seconds`;
            empty where there is none.
    """

    seconds: float
    machine: str
    start: str


def training(file: Path) -> Training | None:
    """What the training of a weights file took; None where no card beside it says so."""
    try:
        text = file.with_suffix(".md").read_text("utf-8", "replace")
    except OSError:
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
    return Training(60 * float(minutes[1]), machine, _start(text))


def _start(text: str) -> str:
    """The start that the first part's options name."""
    options = re.search(r"^  - options: `(.*)`$", text, re.M)
    try:
        start = json.loads(options[1]).get("start") if options else None
    except (ValueError, AttributeError):
        return ""
    return Path(start).name if isinstance(start, str) else ""
