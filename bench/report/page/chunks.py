"""What is long of a page in pieces, so that a page of any size opens at once.

The gallery's cells of one size and style are a script of their own, which the page loads when it
shows them: a page that is opened as a file may load scripts, but no JSON. A row's table of many
styles is a page of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import files

_SCRIPT = re.compile(r"\d+-\d+\.js")
_TABLE = re.compile(r"g\d+-\d+\.html")

LONGEST = 100
"""Styles that a table of the details has within the page."""


def write_cells(folder: Path, views: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Write the cells of views, and take away those of earlier ones.

    Args:
        folder: gets `VIEW-STYLE.js` for each of a view's styles, which calls the page's function
            `cellsAre` with the two numbers and a list of cells, one a method.
        views: see `bench.report.page.gallery.view_of`.

    Returns:
        The views without cells.

    Raises:
        StorageError: the disk refuses.
    """
    stale = _held(folder, _SCRIPT)
    for number, view in enumerate(views):
        for style in range(len(view["styles"])):
            cells = [method["cells"][style] for method in view["methods"]]
            path = folder / f"{number}-{style}.js"
            # ASCII, in which JSON is JavaScript
            files.write(path, f'"use strict";\ncellsAre({number}, {style}, {json.dumps(cells)});\n')
            stale.discard(path)
    for path in stale:
        path.unlink()
    return [{**view, "methods": [_named(method) for method in view["methods"]]} for view in views]


def write_tables(
    folder: Path, details: Sequence[dict[str, Any]], rendered: Callable[..., str]
) -> None:
    """Put the long tables of details into pages of their own, and take away earlier ones.

    Args:
        folder: gets `ID.html` for each of them.
        details: see `bench.report.page.details.details_of`, with `id`; those whose table is here
            get its address as `elsewhere`.
        rendered: fills a template in.

    Raises:
        StorageError: the disk refuses.
    """
    stale = _held(folder, _TABLE)
    for detail in details:
        detail["elsewhere"] = ""
        if len(detail["cells"]) > LONGEST:
            path = folder / f"{detail['id']}.html"
            detail["elsewhere"] = f"{folder.name}/{path.name}"
            files.write(path, rendered("cells.html", detail=detail))
            stale.discard(path)
    for path in stale:
        path.unlink()


def _held(folder: Path, name: re.Pattern[str]) -> set[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    return {path for path in folder.iterdir() if name.fullmatch(path.name)}


def _named(method: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in method.items() if key != "cells"}
