"""The documentation site: Sphinx over the Markdown of this folder, read without a network."""

from __future__ import annotations

import functools
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent))

import _reference

from bench import __version__, protocols

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "metastyle-bench"
author = "the metastyle-bench developers"
version = release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = "bench"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
smartquotes = False  # they make a dash of the two before an option
html_show_sphinx = False

myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
napoleon_use_param = False  # one entry may stand for several names
napoleon_custom_sections = [("Attributes", "params_style")]

GENERATED = {
    "reference/command-line": _reference.command_line,
    "reference/built-in": _reference.built_in,
    **{
        f"protocols/{name}": functools.partial(_reference.protocol, name)
        for name in protocols.PROTOCOLS
    },
}


def fill(app: Sphinx, page: str, source: list[str]) -> None:
    """Put the generated text after a page's own."""
    if page in GENERATED:
        source[0] += "\n" + GENERATED[page]()


def as_rst(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Docstrings have single backticks for code, and indented code after a colon."""
    for number, line in enumerate(lines):
        lines[number] = re.sub(r"(?<!`)`([^`]+)`(?!`)(\w?)", _literal, line)
        lines[number] = re.sub(r"(?<!\w)\|(?=\w)", r"\\|", lines[number])  # no substitution
        following = [text for text in lines[number + 1 : number + 3] if text]
        indent = len(line) - len(line.lstrip())
        block = len(lines) > number + 2 and not lines[number + 1] and following
        if line.endswith(":") and block and following[0].startswith(" " * (indent + 4)):
            lines[number] += ":"
    if what in ("attribute", "property", "data"):
        lines.insert(0, "")  # napoleon would take what stands before a colon for the type


def _literal(found: re.Match[str]) -> str:
    return f"``{found[1]}``" + (f"\\ {found[2]}" if found[2] else "")


def setup(app: Sphinx) -> None:
    """Connect the two."""
    app.connect("source-read", fill)
    app.connect("autodoc-process-docstring", as_rst, priority=100)  # before napoleon
