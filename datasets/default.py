"""The embedded set: twelve photographs and sixteen styles, free to pass on, no network needed.

The photographs are split for good by the manifest's `role`. Six are evaluated. The other six are
what a method may learn from while it takes in a style: a per-style network (Johnson et al. 2016)
and MetaStyle (Zhang et al. 2019) need photographs for their content loss, and had they seen an
evaluated one, their rows would be measured on training pictures and those of arbitrary-style
methods would not. The manifest's order counts: a profile takes the first contents and styles, so
the first ones differ most from each other in subject, palette and stroke.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Sequence
from pathlib import Path

from bench.contract import Dataset, Picture
from bench.errors import BenchError
from bench.hooks import hookimpl
from bench.images import open_picture
from bench.weights import sha256

PICTURES = Path(__file__).parent / "pictures"
_REMEDY = "install metastyle-bench again"


class Default(Dataset):
    """Photographs and paintings under CC0, in the public domain or without known restriction.

    Title, source and licence of each are in `pictures/manifest.csv`.
    """

    name = "default"

    def contents(self) -> Sequence[Picture]:
        """The six photographs that are evaluated."""
        return _pictures("content")

    def styles(self) -> Sequence[Picture]:
        """The sixteen styles."""
        return _pictures("style")

    def adaptation(self) -> Sequence[Picture]:
        """The six photographs that are never evaluated."""
        return _pictures("adaptation")


def _pictures(role: str) -> list[Picture]:
    manifest = PICTURES / "manifest.csv"
    try:
        with manifest.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["role"] == role]
    except (OSError, KeyError, UnicodeDecodeError):
        raise BenchError(f"{manifest} is missing or damaged: {_REMEDY}") from None
    pictures = []
    for row in rows:
        path = PICTURES / row["file"]
        if not path.is_file():
            raise BenchError(f"{path} is missing from the package: {_REMEDY}")
        if sha256(path) != row["sha256"]:
            raise BenchError(f"{path} is not the picture the package came with: {_REMEDY}")
        pictures.append(
            Picture(
                path.stem,
                functools.partial(open_picture, path),
                path=path,
                title=row["title"],
                licence=row["licence"],
                fingerprint=row["sha256"],
            )
        )
    return pictures


@hookimpl
def bench_datasets() -> Sequence[type[Dataset]]:
    """The dataset of this page."""
    return [Default]
