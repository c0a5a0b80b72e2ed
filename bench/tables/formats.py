"""Tables as text, in the format that is asked for."""

from __future__ import annotations

from collections.abc import Sequence

from bench.tables.latex import latex
from bench.tables.markdown import github
from bench.tables.model import WIDTH, Section
from bench.tables.terminal import terminal
from bench.tables.text import clean

TEXT = ("plain", "github", "latex")
"""The formats of `write`."""


def write(
    sections: Sequence[Section],
    warnings: Sequence[str],
    format: str = "plain",
    width: int = WIDTH,
    color: bool = False,
) -> str:
    """The tables in one of the formats `TEXT`; the last two are those of `terminal`.

    Args:
        sections: see `bench.report.summary.section`.
        warnings: of `bench.results.Frames`.
    """
    sentences = [clean(warning) for warning in warnings]
    if format == "plain":
        return terminal(sections, sentences, width, color)
    return {"github": github, "latex": latex}[format](sections, sentences)
