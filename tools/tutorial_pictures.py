"""The pictures of the tutorials, made by the commands that stand there: some minutes on a CPU.

python tools/tutorial_pictures.py

Writes docs/start.jpg, docs/pictures.jpg and docs/write/method.jpg, from shipped weights and
embedded pictures; after new weights run it again, and look at them.
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
from pathlib import Path

from PIL import Image, ImageOps

from bench import cli
from bench.report import sheet

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "datasets/pictures"
SIDE = 256
INPUTS = {
    "photo": "content/kingfisher.jpg",
    "painting": "style/vangogh_cafe_terrace_1888.jpg",
    "wave": "style/hiroshige_six_jewel_rivers_1857.jpg",
}


def main() -> None:
    """Make those that are named, or all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("page", nargs="*", help=f"of {', '.join(PAGES)}")
    for page in parser.parse_args().page or PAGES:
        out = ROOT / "docs" / f"{page}.jpg"
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            PAGES[page]()
            with Image.open("sheet.png") as picture:
                sheet.write(picture, out)
            os.chdir(ROOT)
        print(f"{out} {out.stat().st_size:,} bytes")


def start() -> None:
    """What `bench demo` shows."""
    bench("demo --quiet --no-show")
    bench("sheet --no-show -o sheet.png")


def pictures() -> None:
    """A photograph in two styles, and in both."""
    for name, file in INPUTS.items():
        with Image.open(PICTURES / file) as picture:
            square = ImageOps.fit(picture.convert("RGB"), (SIDE, SIDE))
            square.save(f"{name}.png")
    for style in ("painting", "wave"):
        bench(f"adapt --style {style}.png -o {style}.safetensors --quiet")
        bench(f"stylize --weights {style}.safetensors photo.png -o in-{style}.png --quiet")
    weights = "--weights painting.safetensors --weights wave.safetensors"
    bench(f"stylize {weights} photo.png -o both.png --quiet")
    headings = ("photo", "painting", "in-painting", "wave", "in-wave", "both")
    tiles = [sheet.Tile(name, name, Path(f"{name}.png")) for name in headings]
    sheet.write(sheet.sheet([tiles], columns=6), Path("sheet.png"))


def method() -> None:
    """The page's own method beside MetaStyle."""
    page = (ROOT / "docs/write/method.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(# tint\.py\n.*?)```", page, re.DOTALL)
    assert code is not None
    Path("tint.py").write_text(code[1], encoding="utf-8")
    rows = "--method tint --method metastyle --plugin tint.py"
    bench(f"run {rows} --styles 3 --contents 3 --metric ssim --quiet --no-show")
    bench("sheet --pairs --no-show -o sheet.png")


def bench(words: str) -> None:
    """Run a command of bench."""
    status = cli.main(words.split())
    if status:
        raise SystemExit(f"bench {words}: status {status}")


PAGES = {"start": start, "pictures": pictures, "write/method": method}

if __name__ == "__main__":
    os.environ["BENCH_PLUGINS"] = "0"
    main()
