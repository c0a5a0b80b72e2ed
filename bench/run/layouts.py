"""Folders as the field's scripts write them: where pictures lie, and of which pair each is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from bench import picture_files
from bench.contract import Picture
from bench.errors import BenchError, unknown
from bench.run.external import Given, Pair, find

MARK = "_stylized_"
"""Between a content's and a style's name, in all of these scripts."""


@dataclass(frozen=True)
class Layout:
    """What a script writes, and what it reads, in the folder that it is run in.

    Attributes:
        script: whose.
        outputs: folders that it writes into by default, in order of preference.
        contents: the folder of contents that its documentation names.
        styles: likewise of styles.
        name: a file's stem to the name that it has in the outputs' names.
        copies: whether contents and styles are copied, one for each output.
    """

    script: str
    outputs: Sequence[str]
    contents: str
    styles: str
    name: Callable[[str], str] = str
    copies: bool = False

    def inputs(self, source: Path) -> tuple[Path, Path] | None:
        """The contents' and the styles' folder, if the source is the script's own folder."""
        folders = source / self.contents, source / self.styles
        return folders if all(folder.is_dir() for folder in folders) else None

    def pictures(self, source: Path) -> Path:
        """The folder of outputs, if the source is the script's own folder; else the source."""
        folders = (source / name for name in self.outputs)
        return next((folder for folder in folders if folder.is_dir()), source)


def before_dot(stem: str) -> str:
    """The text before the first dot."""
    return stem.partition(".")[0]


LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {
        "adain": Layout("pytorch-AdaIN's test.py", ["output"], "input/content", "input/style"),
        "stytr2": Layout("StyTR-2's test.py", ["out", "output"], "input/content", "input/style"),
        "styleid": Layout(
            "StyleID's run_styleid.py", ["output"], "data/cnt", "data/sty", before_dot
        ),
        "artfid": Layout(
            "what art-fid and StyleID's eval_artfid.py read",
            ["output"],
            "data/cnt_eval",
            "data/sty_eval",
            copies=True,
        ),
    }
)


def named(name: str) -> Layout:
    """The layout of that name.

    Raises:
        BenchError: there is none; the message has the nearest.
    """
    if name not in LAYOUTS:
        raise unknown("layout", name, LAYOUTS)
    return LAYOUTS[name]


@dataclass(frozen=True)
class Copies:
    """Pictures among which each may be there many times, one for each output.

    Attributes:
        originals: each once, with a name of its own, in order of their first copies.
        of: a copy's file to its original's name.
    """

    originals: Sequence[Picture]
    of: Mapping[Path, str]


def originals(pictures: Iterable[Picture], half: int) -> Copies:
    """Copies are told by their bytes.

    Args:
        pictures: contents or styles.
        half: 0 for contents, 1 for styles: `a_stylized_x` is a copy of the content `a` or of the
            style `x`. Where names are not like that, an original has its first copy's.
    """
    alike: dict[str, list[Picture]] = {}
    for picture in pictures:
        alike.setdefault(picture.fingerprint, []).append(picture)
    found: list[Picture] = []
    of: dict[Path, str] = {}
    for copies in alike.values():
        halves = {(copy.name.split(MARK, 1) * 2)[half] for copy in copies}
        name = halves.pop() if len(halves) == 1 else copies[0].name
        if any(name == other.name for other in found):
            name = copies[0].name
        found.append(dataclasses.replace(copies[0], name=name))
        of |= {copy.path: name for copy in copies if copy.path is not None}
    return Copies(found, of)


def find_in(
    layout: Layout, source: Path, contents: Sequence[Picture], styles: Sequence[Picture]
) -> Given:
    """The output of every pair by its name; raises as `external.find`.

    Raises:
        BenchError: also where the script gives two contents, or two styles, one name.
    """
    names = []
    for role, pictures in (("contents", contents), ("styles", styles)):
        written: dict[str, str] = {}
        for picture in pictures:
            other = written.setdefault(layout.name(picture.name), picture.name)
            if other != picture.name:
                raise BenchError(
                    f"the {role} {other} and {picture.name} have one name in what "
                    f"{layout.script} writes: take one of them out"
                )
        names.append(written)
    given = find(layout.pictures(source), f"{{content}}{MARK}{{style}}", *map(list, names))
    files = {(names[1][s], names[0][c]): file for (s, c), file in given.files.items()}
    return dataclasses.replace(given, files=files)


def find_copies(
    layout: Layout, source: Path, contents: Copies, styles: Copies, wanted: Sequence[Pair]
) -> Given:
    """The output of every wanted pair: contents in sorted order, styles by the outputs' names.

    So does art-fid match contents; styles it takes as a set, whose order says nothing.

    Raises:
        BenchError: their numbers differ, a style is not named as an output, or a pair has no
            output, or two.
    """
    folder = layout.pictures(source)
    outputs = sorted(picture_files.find([folder]), key=str)
    files: dict[Pair, Path] = {}
    ordered = sorted(contents.of, key=str)
    if len(ordered) != len(outputs):
        raise BenchError(
            f"{folder} has {len(outputs)} pictures for {len(ordered)} copies of contents: give as "
            "many of both, in one order"
        )
    style_of = {path.stem: name for path, name in styles.of.items()}
    for output, copy in zip(outputs, ordered, strict=True):
        if output.stem not in style_of:
            raise BenchError(
                f"{output} has no copy of a style with its name: name the copies as the outputs"
            )
        pair = style_of[output.stem], contents.of[copy]
        if files.setdefault(pair, output) != output:
            raise BenchError(f"{output} and {files[pair]} are of one content and style: take one")
    if missing := [pair for pair in wanted if pair not in files]:
        style, content = missing[0]
        raise BenchError(
            f"{folder} lacks {len(missing)} of {len(wanted)} pictures, the first of content "
            f"{content} in style {style}: add them, or take fewer with --contents and --styles"
        )
    return Given(folder, files)
