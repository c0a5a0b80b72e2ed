"""Tables as plain text, for a terminal."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from itertools import zip_longest

from bench.tables.model import WIDTH, Cell, Section, Table, plain

_BOLD, _DIM, _RESET = "\x1b[1m", "\x1b[2m", "\x1b[0m"


def of_terminal() -> tuple[int, bool]:
    """The width of standard output, at most `WIDTH`, and whether to use color (no-color.org)."""
    if not sys.stdout.isatty():
        return WIDTH, False
    plain_only = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns), not plain_only


def terminal(
    sections: Sequence[Section], warnings: Sequence[str], width: int = WIDTH, color: bool = False
) -> str:
    """Aligned columns.

    Args:
        sections: see `bench.report.summary.section`.
        warnings: one line each.
        width: at which headings and notes wrap.
        color: show the best values in bold, intervals and dominated rows dim.
    """

    def wrap(text: str) -> str:
        return textwrap.fill(
            text, width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
        )

    parts = []
    for section in sections:
        parts.append("\n".join(map(wrap, section.heading)))
        parts += [f"{wrap(table.title)}\n{_aligned(table, color)}" for table in section.tables]
        if notes := section.all_notes():
            parts.append("\n".join(map(wrap, notes)))
    if warnings:
        parts.append("\n".join(wrap(f"warning: {line}") for line in warnings))
    return "\n\n".join(parts) + "\n"


def _aligned(table: Table, color: bool) -> str:
    """The table with headers of several lines and without the padding that tabulate gives them."""
    from tabulate import tabulate

    head = list(zip_longest(*table.headers, fillvalue=""))
    body = [
        ["\n".join(_styled(cell, faded) if color else plain(cell)) for cell in line]
        for line, faded in zip(table.lines, table.faded, strict=True)
    ]
    text = tabulate(
        [*head, *body],
        tablefmt="simple",
        disable_numparse=True,
        colalign=["left"] * table.left + ["right"] * (len(table.headers) - table.left),
    )
    rule, *lines, _ = text.split("\n")
    return "\n".join(line.rstrip() for line in [*lines[: len(head)], rule, *lines[len(head) :]])


def _styled(cell: Cell, faded: bool) -> list[str]:
    first, *interval = plain(cell)
    style = _DIM if faded else _BOLD if cell.best else ""
    return [f"{style}{first}{_RESET}" if style else first] + [
        f"{_DIM}{line}{_RESET}" for line in interval
    ]
