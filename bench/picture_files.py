"""Which files of a folder are taken as pictures; none of them is opened."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError
from bench.paths import real

SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif")


@dataclass(frozen=True)
class Survey:
    """What files and folders hold.

    Attributes:
        files: the picture files, each once.
        left_out: for each folder that holds other things too, how many of which kind they are:
            a suffix, `hidden`, `broken link` or `unreadable folder`.
    """

    files: Sequence[Path]
    left_out: Mapping[Path, Mapping[str, int]]

    def notes(self) -> list[str]:
        """A line for each folder of which something was left out."""
        return [
            f"{folder}: left out {', '.join(f'{n} {kind}' for kind, n in sorted(kinds.items()))}"
            for folder, kinds in self.left_out.items()
        ]


def find(paths: Sequence[Path | str]) -> list[Path]:
    """The picture files of files and folders, each once; raises as `survey`."""
    return list(survey(paths).files)


def survey(paths: Sequence[Path | str]) -> Survey:
    """The one rule of what is taken from files and folders.

    Files come in the order given, whatever their suffix; a folder is searched with all below it,
    through links too, for `SUFFIXES`, sorted by path; hidden files and folders are passed over.

    Raises:
        BenchError: a path is not there or is neither a file nor a folder, or a folder holds no
            picture.
    """
    found: dict[Path, Path] = {}
    left_out: dict[Path, Mapping[str, int]] = {}
    for path in map(Path, paths):
        if path.is_dir():
            inside, others = _inside(path)
            if not inside:
                kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(others.items()))
                raise BenchError(
                    f"{path} holds no picture ({', '.join(SUFFIXES)})"
                    + f", but {kinds}" * bool(kinds)
                )
            if others:
                left_out[path] = others
        elif path.is_file():
            inside = [path]
        elif path.exists():
            raise BenchError(
                f"{path} is not a regular file: name a picture or a folder of pictures"
            )
        else:
            raise BenchError(f"{path} is not there: name a picture or a folder of pictures")
        for file in inside:
            found.setdefault(real(file), file)
    return Survey(list(found.values()), left_out)


def _inside(top: Path) -> tuple[list[Path], Counter[str]]:
    """The pictures in a folder and below it, and how many other things of which kind."""
    taken: list[Path] = []
    others: Counter[str] = Counter()
    seen: set[tuple[int, int]] = set()  # links may lead in a circle

    def unreadable(_: OSError) -> None:
        others["unreadable folder"] += 1

    for folder, folders, names in os.walk(top, onerror=unreadable, followlinks=True):
        status = os.stat(folder)  # noqa: PTH116
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        for name in names:
            file = Path(folder, name)
            suffix = file.suffix.lower()
            if name.startswith("."):
                if suffix in SUFFIXES:
                    others["hidden"] += 1
            elif not file.exists():
                others["broken link"] += 1
            elif suffix in SUFFIXES and file.is_file():
                taken.append(file)
            else:
                others[suffix or "without a suffix"] += 1
    return sorted(taken), others
