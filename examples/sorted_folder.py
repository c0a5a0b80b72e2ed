"""A dataset of your own: one folder, sorted into contents and styles by a table beside the files.

    bench run --method metastyle --plugin examples/sorted_folder.py --dataset sorted-folder \
        --option sorted-folder.root=PICTURES/

`PICTURES/roles.csv` has the columns file and role; a role is content, style or adaptation.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import BenchError, Dataset, Picture, hookimpl, option
from bench.images import open_picture
from bench.weights import sha256


@dataclass(frozen=True)
class Options:
    """The folder."""

    root: str = option("", "the folder that roles.csv lies in", path=True)


class SortedFolder(Dataset):
    """The pictures that a table names, in its order."""

    name = "sorted-folder"
    Options = Options

    def contents(self) -> Sequence[Picture]:
        """The photographs to stylize."""
        return self._pictures("content")

    def styles(self) -> Sequence[Picture]:
        """The styles."""
        return self._pictures("style")

    def adaptation(self) -> Sequence[Picture]:
        """The photographs to adapt on; the embedded ones where there is none."""
        return self._pictures("adaptation")

    def _pictures(self, role: str) -> list[Picture]:
        root = Path(self.options.root).expanduser()
        table = root / "roles.csv"
        if not (self.options.root and table.is_file()):
            raise BenchError(f"{table} is not there: name its folder by sorted-folder.root")
        with table.open(newline="", encoding="utf-8") as file:
            files = [root / row["file"] for row in csv.DictReader(file) if row["role"] == role]
        missing = [file for file in files if not file.is_file()]
        if missing:
            raise BenchError(f"{missing[0]} is not there: correct {table}")
        return [
            Picture(f.stem, functools.partial(open_picture, f), f, fingerprint=sha256(f))
            for f in files
        ]


@hookimpl
def bench_datasets() -> Sequence[type[Dataset]]:
    """The one dataset."""
    return [SortedFolder]
