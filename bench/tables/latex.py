"""Tables as LaTeX."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest

from bench.tables.markdown import bold
from bench.tables.model import Cell, Section, Table, mark_order


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
                *(rf"\par{{\scriptsize {tex(note)}}}" for note in bold(notes)),
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
