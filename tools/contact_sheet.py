"""A contact sheet of a run: a row per style, each content with its pictures side by side.

    python tools/contact_sheet.py runs/20261122-101500-1a2b -o sheet.jpg --picture metastyle@0 \
        --picture metastyle@10 --picture metastyle --picture gatys

`METHOD@STEP` is an observed picture (bench run --observe), `METHOD` a finished one.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from bench import results

GAP = 6
LABEL = 18


def path(run: Path, picture: str, style: str, content: str, size: int) -> Path:
    """Where the run keeps a picture."""
    method, _, step = picture.partition("@")
    folder = run / "images" / results.key(method) / str(size) / results.key(style)
    return folder / (f"step-{int(step):06}" if step else "") / f"{results.key(content)}.png"


def sheet(run: Path, pictures: list[str], side: int, contents: int, styles: int) -> Image.Image:
    """Style, then every content with its pictures; labels above the columns."""
    record = results.read_run(run)
    size = record["sizes"][-1]
    shown = record["contents"][:contents]
    columns = 1 + len(shown) * (1 + len(pictures))
    rows = record["styles"][:styles]
    width = columns * (side + GAP) + len(shown) * GAP
    made = Image.new("RGB", (width, LABEL + len(rows) * (side + GAP)), "white")
    draw, font = ImageDraw.Draw(made), ImageFont.load_default(12)
    for y, style in enumerate(rows):
        top, left = LABEL + y * (side + GAP), 0
        cells = [("style", run / "inputs" / str(size) / "style" / f"{results.key(style)}.png", 0)]
        for content in shown:
            file = run / "inputs" / str(size) / "content" / f"{results.key(content)}.png"
            cells.append(("content", file, GAP))
            cells += [(p, path(run, p, style, content, size), 0) for p in pictures]
        for label, file, gap in cells:
            left += gap
            with Image.open(file) as picture:
                made.paste(picture.resize((side, side), Image.Resampling.LANCZOS), (left, top))
            if y == 0:
                draw.text((left, 2), label.replace("@", ", step "), "black", font)
            left += side + GAP
    return made


def main() -> None:
    """Write the sheet."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("--picture", action="append", required=True, metavar="METHOD[@STEP]")
    parser.add_argument("--side", type=int, default=160, help="of one picture in pixels")
    parser.add_argument("--contents", type=int, default=2)
    parser.add_argument("--styles", type=int, default=99)
    parser.add_argument("-o", "--out", type=Path, required=True)
    args = parser.parse_args()
    made = sheet(args.run, args.picture, args.side, args.contents, args.styles)
    made.save(args.out, quality=88)


if __name__ == "__main__":
    main()
