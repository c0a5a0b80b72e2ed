"""Tables as text: for a terminal, Markdown and LaTeX."""

from __future__ import annotations

import html
import os
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest

from bench.table import BEST, WIDTH, Cell, Section, Table, mark_order, plain
from bench.text import clean

TEXT = ("plain", "github", "latex")
"""The formats of `write`."""

_BOLD, _DIM, _RESET = "\x1b[1m", "\x1b[2m", "\x1b[0m"


def of_terminal() -> tuple[int, bool]:
    """The width of standard output, at most `WIDTH`, and whether to use color (no-color.org)."""
    if not sys.stdout.isatty():
        return WIDTH, False
    plain_only = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns), not plain_only


def write(
    sections: Sequence[Section],
    warnings: Sequence[str],
    format: str = "plain",
    width: int = WIDTH,
    color: bool = False,
) -> str:
    """The tables in one of the formats `TEXT`; the last two are those of `terminal`.

    Args:
        sections: see `bench.table.section`.
        warnings: of `bench.results.Frames`.
    """
    told = [clean(warning) for warning in warnings]
    if format == "plain":
        return terminal(sections, told, width, color)
    return {"github": github, "latex": latex}[format](sections, told)


def terminal(
    sections: Sequence[Section], warnings: Sequence[str], width: int = WIDTH, color: bool = False
) -> str:
    """Aligned columns.

    Args:
        sections: see `bench.table.section`.
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
        if notes := _bold(section.all_notes()):
            parts.append("\n".join(f"- {_markdown(note)}" for note in notes))
    parts += [f"Warning: {_markdown(line)}" for line in warnings]
    return "\n\n".join(parts) + "\n"


def _bold(notes: Iterable[str]) -> list[str]:
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


def latex(sections: Sequence[Section], warnings: Sequence[str]) -> str:
    r"""One floating table per part for pdfLaTeX, which needs `\usepackage{booktabs}`.

    The best values are bold, intervals a smaller line below their numbers.
    """
    parts = [f"% warning: {line}" for line in warnings]
    for section in sections:
        tables = [page for table in section.tables for page in _pages(table)]
        for table in tables:
            notes = sorted(dict.fromkeys(table.notes), key=mark_order)
            if table is tables[-1]:
                notes += section.notes
            parts += [
                r"\begin{table}",
                r"\centering",
                rf"\caption{{{tex('. '.join([table.title, *section.heading]))}}}",
                r"\footnotesize\setlength{\tabcolsep}{2pt}",
                *_tabular(table),
                *(rf"\par{{\scriptsize {tex(note)}}}" for note in _bold(notes)),
                r"\end{table}",
            ]
    return "\n".join(parts) + "\n"


def _pages(table: Table) -> Iterator[Table]:
    """The table in parts that a page can take, for a float does not break."""
    lines = 2 if any(cell.interval for line in table.lines for cell in line) else 1
    most = 44 // lines
    for start in range(0, len(table.lines), most):
        part = slice(start, start + most)
        last = start + most >= len(table.lines)
        yield replace(
            table,
            lines=table.lines[part],
            faded=table.faded[part],
            notes=table.notes if last else [],
        )


def _tabular(table: Table) -> list[str]:
    right = len(table.headers) - table.left
    head = [list(line) for line in zip_longest(*table.headers, fillvalue="")]
    lines = [rf"\begin{{tabular}}{{@{{}}{'l' * table.left}{'r' * right}@{{}}}}", r"\toprule"]
    lines += [_tex_line([tex(text) for text in line]) for line in head]
    lines.append(r"\midrule")
    for line in table.lines:
        lines.append(_tex_line([_tex_cell(cell) for cell in line]))
        if any(cell.interval for cell in line):
            below = [
                rf"{{\tiny [{', '.join(map(tex, cell.interval))}]}}" if cell.interval else ""
                for cell in line
            ]
            lines.append(_tex_line(below))
    return [*lines, r"\bottomrule", r"\end{tabular}"]


def _tex_line(cells: Sequence[str]) -> str:
    # a row that begins with a bracket would be read as an argument of the line before
    return "{}" * cells[0].startswith("[") + " & ".join(cells) + r" \\"


def _tex_cell(cell: Cell) -> str:
    value = tex(cell.text)
    return (rf"\textbf{{{value}}}" if cell.best else value) + tex(cell.marks)


_TEX: Mapping[str, str] = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "_": r"\_",
    "%": r"\%",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedblright{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    "-": "-{}",  # no dashes of two or three
    "?": "?{}",  # no upside-down ones before a grave accent
    "!": "!{}",
    "†": r"\ensuremath{\dagger}",
    "‡": r"\ensuremath{\ddagger}",
    "§": r"\ensuremath{\mathsection}",
    "↓": r"\ensuremath{\downarrow}",
    "↑": r"\ensuremath{\uparrow}",
    "×": r"\ensuremath{\times}",
    "·": r"\ensuremath{\cdot}",
    "∞": r"\ensuremath{\infty}",
    "…": r"\dots{}",
    "–": "--",
}
_ACCENTS = "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0327"
_LETTERS = "ßæœøåÆŒØÅłŁ"


def tex(text: str) -> str:
    """Text that pdfLaTeX sets as it stands; letters that its fonts may lack become `?`."""
    return "".join(_TEX.get(c) or (c if _settable(c) else "?{}") for c in text)


def _settable(char: str) -> bool:
    if (char.isascii() and char.isprintable()) or char in _LETTERS:
        return True
    parts = unicodedata.normalize("NFD", char)
    return len(parts) == 2 and parts[0].isascii() and parts[0].isalpha() and parts[1] in _ACCENTS
