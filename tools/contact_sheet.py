"""A contact sheet of a run, to look at: each content, its style, and what the methods made of them.

    python tools/contact_sheet.py RUN -o sheet.jpg

Every picture stands as it is, pixel by pixel, under a heading that names it: all methods of the run
but the anchors, and of an observed adaptation (bench run --observe) every step. A block for each
style with each content, or with `--pairs` one for each style, with a content of its own.

The pictures of the documentation are remade from a run by

    python tools/contact_sheet.py RUN -o docs/methods.jpg --pairs       # bench run --all
    python tools/contact_sheet.py RUN -o docs/metastyle.jpg             # docs/adaptation.md has it

`--picture`, `--style` and `--content` show less, in the order in which they are given.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection, Iterator, Sequence
from itertools import cycle, islice, product
from math import ceil
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from bench import results
from bench.errors import BenchError, unknown
from bench.results import CellRecord, ContentRecord

GAP, HEADING, FONT = 4, 20, 13
"""Pixels between the tiles, of the line above each, and of its letters."""

QUALITY = 90
"""Of a JPEG; its colours are not subsampled, for that would hide what is to be seen."""


class Tile(NamedTuple):
    """A picture of the sheet.

    Attributes:
        name: what `--picture` takes.
        heading: what stands above it.
        file: where it is; None where nothing was made.
        repeated: it is the tile before it once more.
    """

    name: str
    heading: str
    file: Path | None
    repeated: bool = False


def tiles(run: Path, method: str, style: str, content: str, size: int) -> Iterator[Tile]:
    """What a method made of one content in one style: every observed step, and the result."""
    cell = results.read_record(results.record_path(run, "cells", method, style, size), CellRecord)
    steps = cell.adapt.steps if cell.adapt else 0
    observed = [moment.step for moment in cell.observed]
    for moment in cell.observed:
        heading = f"{method} after {_steps(moment.step)}"
        yield Tile(f"{method}@{moment.step}", heading, _file(run, moment.contents, content))
    heading = f"{method} after {_steps(steps)}" if steps else method
    yield Tile(method, heading, _file(run, cell.contents, content), steps > 0 and steps in observed)


def _file(run: Path, records: Sequence[ContentRecord], content: str) -> Path | None:
    files = (results.picture_path(run, each.image) for each in records if each.content == content)
    return next(filter(None, files), None)


def _steps(count: int) -> str:
    return f"{count} step" + "s" * (count != 1)


def blocks(run: Path, args: argparse.Namespace) -> Iterator[list[Tile]]:
    """The tiles of each content and style, in the order of the sheet.

    Raises:
        BenchError: the run lacks what is asked for.
    """
    record = results.read_run(run)
    size = args.size or record.sizes[-1]
    _check("size", [str(size)], [str(known) for known in record.sizes])
    styles, contents = args.style or record.styles, args.content or record.contents
    _check("style", styles, record.styles)
    _check("content", contents, record.contents)
    methods = [name for name, each in record.methods.items() if each.family != "anchor"]
    if args.picture:
        methods = list(dict.fromkeys(name.partition("@")[0] for name in args.picture))
        _check("method", methods, record.methods)
    pairs = list(zip(styles, islice(cycle(contents), len(styles)), strict=True))
    for style, content in pairs if args.pairs else product(styles, contents):
        stylized = [tile for name in methods for tile in tiles(run, name, style, content, size)]
        if args.picture:
            named = {tile.name: tile for tile in stylized}
            _check("picture", args.picture, named)
            stylized = [named[name]._replace(repeated=False) for name in args.picture]
        inputs = [
            Tile(role, f"{role}: {name}", results.input_path(run, role, name, size))
            for role, name in (("content", content), ("style", style))
        ]
        yield [*inputs, *(tile for tile in stylized if not tile.repeated)]


def _check(what: str, names: Sequence[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            raise unknown(f"{what} in the run", name, known)


def sheet(shown: Sequence[Sequence[Tile]], columns: int) -> Image.Image:
    """The blocks below each other, each in rows of at most so many tiles under their headings."""
    rows = [row for block in shown for row in _rows(block, columns)]
    pictures = {tile.file: _open(tile.file) for row in rows for tile in row if tile.file}
    wide, high = (max(picture.size[side] for picture in pictures.values()) for side in (0, 1))
    across, down = wide + GAP, HEADING + high + GAP
    columns = max(len(row) for row in rows)
    image = Image.new("RGB", (columns * across - GAP, len(rows) * down - GAP), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(FONT)
    for y, row in enumerate(rows):
        for x, tile in enumerate(row):
            left, top = x * across, y * down
            heading = tile.heading
            while draw.textlength(heading, font) > wide:
                heading = heading[:-2] + "…"
            draw.text((left, top + 2), heading, "black", font)
            if tile.file:
                image.paste(pictures[tile.file], (left, top + HEADING))
            else:
                draw.text((left, top + HEADING), "no picture", "grey", font)
    return image


def _rows(block: Sequence[Tile], columns: int) -> Iterator[Sequence[Tile]]:
    """As few rows as will do, and all as long as the first, but for the last."""
    wide = ceil(len(block) / ceil(len(block) / columns))
    return (block[start : start + wide] for start in range(0, len(block), wide))


def _open(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        return picture.convert("RGB")


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the sheet."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--pairs", action="store_true", help="each style with one content")
    parser.add_argument("--picture", action="append", metavar="METHOD[@STEP]")
    parser.add_argument("--style", action="append", metavar="NAME")
    parser.add_argument("--content", action="append", metavar="NAME")
    parser.add_argument("--size", type=int, metavar="PX", help="of the run's; the last by default")
    parser.add_argument(
        "--columns", type=int, default=7, metavar="N", help="tiles in a row at most (7)"
    )
    args = parser.parse_args(arguments)
    try:
        image = sheet(list(blocks(args.run, args)), args.columns)
    except BenchError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    image.save(args.out, quality=QUALITY, subsampling=0)
    print(f"{args.out}: {image.width} × {image.height} px")


if __name__ == "__main__":
    main()
