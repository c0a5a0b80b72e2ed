"""StyleBench of StyleShot: 40 photographs by 73 styles of several pictures each, 490 in all."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import paths
from bench.contract import Dataset, Picture
from bench.errors import BenchError
from bench.hooks import hookimpl
from bench.options import option
from bench.picture_files import find

from ._files import pictures, unique

_LAYOUT = "expected are ROOT/content (photographs) and ROOT/style (a folder for each style)"
_SOURCE = "the archive that the README of github.com/open-mmlab/StyleShot links to"


@dataclass(frozen=True)
class Options:
    """Where the set is."""

    root: str = option("", f"{_SOURCE}, unpacked", path=True)


class StyleBench(Dataset):
    """Styles of several pictures: methods that take one take the first in the order of names.

    All are evaluated, none is adapted on. A file that lies among the styles' folders is a style of
    one picture.
    """

    name = "stylebench"
    Options = Options
    citation = (
        "Gao, Liu, Sun, Tang, Zeng, Chen, Zhao: StyleShot: A Snapshot on Any Style, 2024, "
        "arXiv 2407.01414"
    )

    def contents(self) -> Sequence[Picture]:
        """The pictures of `content`, sorted by file name."""
        return pictures(find([self._folder("content")]), licence="not told")

    def styles(self) -> Sequence[Picture]:
        """The folders of `style`, and the files beside them, each a style."""
        folder = self._folder("style")
        found = pictures(find([folder]), licence="not told")
        by_style: dict[str, list[Picture]] = {}
        for picture in found:
            assert picture.path is not None
            by_style.setdefault(picture.path.relative_to(folder).parts[0], []).append(picture)
        names = unique([Path(n).stem if (folder / n).is_file() else n for n in by_style])
        return [_style(name, each) for name, each in zip(names, by_style.values(), strict=True)]

    def _folder(self, name: str) -> Path:
        if not self.options.root:
            raise BenchError(f"stylebench.root is not set: name {_SOURCE}, unpacked; {_LAYOUT}")
        folder = paths.expanded(self.options.root) / name
        if not folder.is_dir():
            raise BenchError(f"{folder} is not there; {_LAYOUT}")
        return folder


def _style(name: str, found: Sequence[Picture]) -> Picture:
    """A style of that name, whose further pictures are numbered."""
    named = [
        dataclasses.replace(picture, name=name + f" {number}" * (number > 1))
        for number, picture in enumerate(found, 1)
    ]
    return dataclasses.replace(named[0], more=tuple(named[1:]))


@hookimpl
def bench_datasets() -> Sequence[type[Dataset]]:
    """The dataset of this page."""
    return [StyleBench]
