"""The contact sheet of a run: each content, its style, and what the methods made of them.

Every picture stands as it is, pixel by pixel, under a heading that names it: all methods of the run
but the anchors, and of an observed adaptation (`bench run --observe`) every step. No torch here.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice, product
from math import ceil
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from bench import files, results
from bench.errors import BenchError, unknown
from bench.results import CellRecord, ContentRecord

GAP, HEADING, FONT = 4, 20, 13
"""Pixels between the tiles, of the line above each, and of its letters."""

QUALITY = 90
"""Of a JPEG; its colours are not subsampled, for that would hide what is to be seen."""

FILE = "sheet.png"
"""Its name in a run folder."""

LARGEST = 65_500
"""Pixels: a side that neither a JPEG nor a viewer of pictures passes."""


@dataclass(frozen=True)
class Selection:
    """What is shown of a run; an empty part is all there is, in the run's order.

    Attributes:
        pictures: methods, or `METHOD@STEP` of an observed adaptation.
        styles: names.
        contents: names.
        size: side of the pictures in pixels, one of the run's; None is its last.
        pairs: each style with a content of its own, not with every one.
    """

    pictures: Sequence[str] = ()
    styles: Sequence[str] = ()
    contents: Sequence[str] = ()
    size: int | None = None
    pairs: bool = False


class Tile(NamedTuple):
    """A picture of the sheet.

    Attributes:
        name: what `Selection.pictures` names it.
        heading: what stands above it.
        file: where it is; None where there is none.
        repeated: it is the tile before it once more.
    """

    name: str
    heading: str
    file: Path | None
    repeated: bool = False


def of_run(run: Path) -> Path:
    """Write the sheet of a finished run into its folder, at most four pairs at its least size."""
    record = results.read_run(run)
    first = Selection(styles=record.styles[:4], size=min(record.sizes), pairs=True)
    return write(sheet(list(blocks(run, first))), run / FILE)


def write(picture: Image.Image, out: Path) -> Path:
    """Write it into a file, in the format that its name says.

    Raises:
        BenchError: no format has that ending, or the disk refuses.
    """
    Image.init()
    kind = Image.EXTENSION.get(out.suffix.lower())
    if kind not in ("PNG", "JPEG", "WEBP"):
        raise BenchError(f"{out}: name a .png, .jpg or .webp file")
    encoded = io.BytesIO()
    given = {"subsampling": 0} if kind == "JPEG" else {}
    picture.save(encoded, kind, quality=QUALITY, **given)
    files.write(out, encoded.getvalue())
    return out


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
    paths = (results.picture_path(run, each.image) for each in records if each.content == content)
    return next(filter(None, paths), None)


def _steps(count: int) -> str:
    return f"{count} step" + "s" * (count != 1)


def blocks(run: Path, selection: Selection) -> Iterator[list[Tile]]:
    """The tiles of each content and style, in the order of the sheet.

    Raises:
        BenchError: the run lacks what is asked for.
    """
    record = results.read_run(run)
    size = selection.size or record.sizes[-1]
    _check("size", [str(size)], [str(known) for known in record.sizes])
    styles, contents = selection.styles or record.styles, selection.contents or record.contents
    _check("style", styles, record.styles)
    _check("content", contents, record.contents)
    methods = [name for name, each in record.methods.items() if each.family != "anchor"]
    if selection.pictures:
        methods = list(dict.fromkeys(name.partition("@")[0] for name in selection.pictures))
        _check("method", methods, record.methods)
    pairs = list(zip(styles, islice(cycle(contents), len(styles)), strict=True))
    for style, content in pairs if selection.pairs else product(styles, contents):
        stylized = [tile for name in methods for tile in tiles(run, name, style, content, size)]
        if selection.pictures:
            named = {tile.name: tile for tile in stylized}
            _check("picture", selection.pictures, named)
            stylized = [named[name]._replace(repeated=False) for name in selection.pictures]
        inputs = [
            Tile(role, f"{role}: {name}", results.input_path(run, role, name, size))
            for role, name in (("content", content), ("style", style))
        ]
        yield [*inputs, *(tile for tile in stylized if not tile.repeated)]


def _check(what: str, names: Sequence[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            raise unknown(f"{what} in the run", name, known)


def sheet(shown: Sequence[Sequence[Tile]], columns: int = 7) -> Image.Image:
    """The blocks below each other, each in rows of at most so many tiles under their headings.

    Raises:
        BenchError: there is no picture to show, or the sheet would be larger than one can be.
    """
    rows = [row for block in shown for row in _rows(block, columns)]
    paths = {tile.file for row in rows for tile in row if tile.file}
    pictures = {file: picture for file in paths if (picture := _open(file))}
    if not pictures:
        raise BenchError("no picture to show: the run keeps none that can be read")
    wide, high = (max(picture.size[side] for picture in pictures.values()) for side in (0, 1))
    across, down = wide + GAP, HEADING + high + GAP
    columns = max(len(row) for row in rows)
    size = columns * across - GAP, len(rows) * down - GAP
    if max(size) > LARGEST:
        raise BenchError(
            f"a sheet of {size[0]} × {size[1]} px is too large: choose styles, contents or methods"
        )
    image = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(FONT)
    for y, row in enumerate(rows):
        for x, tile in enumerate(row):
            left, top = x * across, y * down
            heading = tile.heading
            while draw.textlength(heading, font) > wide:
                heading = heading[:-2] + "…"
            draw.text((left, top + 2), heading, "black", font)
            if tile.file in pictures:
                image.paste(pictures[tile.file], (left, top + HEADING))
            else:
                draw.text((left, top + HEADING), "no picture", "grey", font)
    return image


def _rows(block: Sequence[Tile], columns: int) -> Iterator[Sequence[Tile]]:
    """As few rows as will do, and all as long as the first, but for the last."""
    wide = ceil(len(block) / ceil(len(block) / columns))
    return (block[start : start + wide] for start in range(0, len(block), wide))


def _open(path: Path) -> Image.Image | None:
    try:
        with Image.open(path, formats=["PNG"]) as picture:
            rgb: Image.Image = picture.convert("RGB")
            return rgb
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
