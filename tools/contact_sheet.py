"""A contact sheet of a run: rows of pictures, each with its content, its style and the results.

    python tools/contact_sheet.py runs/20261122-101500-1a2b -o sheet.jpg --picture metastyle@0 \
        --picture metastyle@10 --picture metastyle --picture gatys

`METHOD@STEP` is an observed picture (bench run --observe), `METHOD` a finished one. There is a row
for every style with every content, or with `--pairs` one for every style with a content of its own.
"""

from __future__ import annotations

import argparse
from itertools import cycle, islice, product
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from bench import results

GAP = 4
LABEL = 18


def path(run: Path, picture: str, style: str, content: str, size: int) -> Path:
    """Where the run keeps a picture."""
    method, _, step = picture.partition("@")
    folder = run / "images" / results.key(method) / str(size) / results.key(style)
    return folder / (f"step-{int(step):06}" if step else "") / f"{results.key(content)}.png"


def rows(run: Path, pairs: bool) -> list[tuple[str, str]]:
    """Style and content of each row."""
    record = results.read_run(run)
    styles, contents = record["styles"], record["contents"]
    if pairs:
        return list(zip(styles, islice(cycle(contents), len(styles)), strict=True))
    return list(product(styles, contents))


def sheet(run: Path, pictures: list[str], side: int, shown: list[tuple[str, str]]) -> Image.Image:
    """Content, style, and the pictures of each row; labels above the columns."""
    size = results.read_run(run)["sizes"][-1]
    labels = ["content", "style", *(p.replace("@", ", step ") for p in pictures)]
    width, height = len(labels) * (side + GAP) - GAP, LABEL + len(shown) * (side + GAP) - GAP
    made = Image.new("RGB", (width, height), "white")
    draw, font = ImageDraw.Draw(made), ImageFont.load_default(12)
    for x, label in enumerate(labels):
        draw.text((x * (side + GAP), 2), label, "black", font)
    for y, (style, content) in enumerate(shown):
        files = [
            results.input_path(run, "content", content, size),
            results.input_path(run, "style", style, size),
            *(path(run, picture, style, content, size) for picture in pictures),
        ]
        for x, file in enumerate(files):
            with Image.open(file) as picture:
                small = picture.resize((side, side), Image.Resampling.LANCZOS)
            made.paste(small, (x * (side + GAP), LABEL + y * (side + GAP)))
    return made


def main() -> None:
    """Write the sheet."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("--picture", action="append", required=True, metavar="METHOD[@STEP]")
    parser.add_argument("--side", type=int, default=160, help="of one picture in pixels")
    parser.add_argument("--pairs", action="store_true", help="each style with one content")
    parser.add_argument("-o", "--out", type=Path, required=True)
    args = parser.parse_args()
    made = sheet(args.run, args.picture, args.side, rows(args.run, args.pairs))
    made.save(args.out, quality=88)


if __name__ == "__main__":
    main()
