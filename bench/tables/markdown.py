"""Tables as Markdown, for GitHub."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from bench.tables.model import BEST, Cell, Section, Table


def github(sections: Sequence[Section], warnings: Sequence[str]) -> str:
    """GitHub-flavoured Markdown; the best values are bold."""
    parts = []
    for section in sections:
        parts.append(f"### {_markdown(section.heading[0])}")
        parts += map(_markdown, section.heading[1:])
        for table in section.tables:
            parts += [
                f"**{_markdown(table.title)}**",
                _github(table),
            ]
        if notes := bold(section.all_notes()):
            parts.append("\n".join(f"- {_markdown(note)}" for note in notes))
    parts += [f"Warning: {_markdown(line)}" for line in warnings]
    return "\n\n".join(parts) + "\n"


def bold(notes: Iterable[str]) -> list[str]:
    """The notes, where the best values are bold and have no mark."""
    return [note.replace("*", "bold:", 1) if note == BEST else note for note in notes]


def _markdown(text: str) -> str:
    text = html.escape(text, quote=False)
    return "".join(f"\\{c}" if c in r"\`*_[]|~#" else c for c in text)


def _github(table: Table) -> str:
    from tabulate import tabulate

    def text(cell: Cell) -> str:
        value = _markdown(cell.text)
        interval = f" [{', '.join(cell.interval)}]" if cell.interval else ""
        return (f"**{value}**" if cell.best else value) + interval + cell.marks

    return str(
        tabulate(
            [[text(cell) for cell in line] for line in table.lines],
            headers=[_markdown(" ".join(header)) for header in table.headers],
            tablefmt="github",
            disable_numparse=True,
            colalign=["left"] * table.left + ["right"] * (len(table.headers) - table.left),
        )
    )
