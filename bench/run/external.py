"""Pictures that were made elsewhere, as a run: found by name, copied, judged beside the anchors.

So a method need not be a plugin to be compared in quality; of its speed nothing is known.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import images, paths, picture_files, progress, results
from bench.contract import Picture
from bench.errors import BenchError, cause_of, unknown
from bench.results import (
    CellRecord,
    ContentRecord,
    IterativeRecord,
    MethodRecord,
    RunInfo,
    SpeedRecord,
)

if TYPE_CHECKING:
    from bench.contract import Context
    from bench.plugins.registry import Registry
    from bench.run.plan import Plan

FAMILY = "external"
ASPECT = 0.03
"""How far aspects may differ that count as equal; rounding to whole pixels makes some of it."""

Pair = tuple[str, str]
"""A style's and a content's name."""


@dataclass(frozen=True)
class Given:
    """What somebody's method made.

    Attributes:
        source: the folder or CSV file.
        files: style and content to the file.
        trains_on: encoders that it was trained on, as far as is known.
    """

    source: Path
    files: Mapping[Pair, Path]
    trains_on: Sequence[str] = ()


# which file is of which pair


def find(source: Path, pattern: str, contents: Sequence[str], styles: Sequence[str]) -> Given:
    """The files of every style and content, from a folder or a CSV file.

    Args:
        source: a folder of files named by the pattern, or a CSV file with the columns content,
            style and output.
        pattern: with {content} and {style}, with a suffix or without.
        contents: names of the contents.
        styles: names of the styles.

    Raises:
        BenchError: there is no such place, a pair has no file, or the table names something that
            is not there.
    """
    if source.is_dir():
        files = _in_folder(source, pattern, contents, styles)
    elif source.is_file():
        files = _in_table(source, contents, styles)
    else:
        raise BenchError(f"{source} is not there: name a folder of pictures, or a CSV file")
    pairs = [(style, content) for style in styles for content in contents]
    if missing := [pair for pair in pairs if pair not in files]:
        style, content = missing[0]
        raise BenchError(
            f"{source} lacks {len(missing)} of {len(pairs)} pictures, the first of content "
            f"{content} in style {style}{_told(source, pattern, content, style)}: add them, or "
            "take fewer with --contents and --styles"
        )
    return Given(source, files)


def _told(source: Path, pattern: str, content: str, style: str) -> str:
    """What was looked for, and what a folder has instead."""
    if not source.is_dir():
        return ""
    wanted = pattern.format(content=content, style=style)
    try:
        found = str(picture_files.find([source])[0].relative_to(source))
    except BenchError:
        found = "no picture"
    return f" ({wanted}; the folder has {found})"


def _in_folder(
    folder: Path, pattern: str, contents: Sequence[str], styles: Sequence[str]
) -> dict[Pair, Path]:
    kinds = picture_files.SUFFIXES
    suffixes = ["", *kinds, *(suffix.upper() for suffix in kinds)]
    files = {}
    for style in styles:
        for content in contents:
            name = pattern.format(content=content, style=style)
            paths = (folder / f"{name}{suffix}" for suffix in suffixes)
            if (path := next(filter(Path.is_file, paths), None)) is not None:
                files[style, content] = path
    return files


def _in_table(table: Path, contents: Sequence[str], styles: Sequence[str]) -> dict[Pair, Path]:
    columns = ("content", "style", "output")
    files: dict[Pair, Path] = {}
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            if missing := [c for c in columns if c not in (reader.fieldnames or ())]:
                raise BenchError(
                    f"{table} has no column {missing[0]}: begin it with content,style,output"
                )
            for number, row in enumerate(reader, 2):
                if not all(row[column] for column in columns):
                    raise BenchError(f"{table}, line {number}: fill in {', '.join(columns)}")
                pair = _named(table, number, row, contents, styles)
                output = table.parent / paths.expanded(row["output"])
                if not output.is_file():
                    raise BenchError(f"{table}, line {number}: {output} is not there")
                if files.setdefault(pair, output) != output:
                    raise BenchError(f"{table}, line {number}: this content and style had a line")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BenchError(f"{table} cannot be read as CSV in UTF-8 ({cause_of(error)})") from None
    return files


def _named(
    table: Path, line: int, row: Mapping[str, str], contents: Sequence[str], styles: Sequence[str]
) -> Pair:
    """The pair of a line; a path stands for its stem."""
    found = []
    for role, known in (("style", styles), ("content", contents)):
        name = row[role] if row[role] in known else Path(row[role]).stem
        if name not in known:
            raise unknown(f"{role} in {table}, line {line}:", row[role], known)
        found.append(name)
    return found[0], found[1]


# their size


def common_size(given: Mapping[str, Given]) -> int:
    """The side that all pictures have.

    Raises:
        BenchError: they differ, or are not square.
    """
    sizes: dict[tuple[int, int], Path] = {}
    for row in given.values():
        for path in row.files.values():
            sizes.setdefault(images.open_picture(path).size, path)
    if len(sizes) > 1 or any(width != height for width, height in sizes):
        two = ", ".join(f"{path} {w}×{h}" for (w, h), path in list(sizes.items())[:2])
        raise BenchError(
            f"the pictures are not all squares of one size ({two}): --size PX brings contents, "
            "styles and these pictures to one, by resizing and cutting out the centred square"
        )
    ((side, _),) = sizes
    return side


def _check_aspect(path: Path, content: Picture) -> None:
    """See that the centred square of a picture shows what its content's shows."""
    width, height = images.open_picture(path).size
    across, down = content.read().size
    apart = abs(math.log(width / height) - math.log(across / down))
    if width != height and apart > ASPECT:
        raise BenchError(
            f"{path} is {width}×{height} px and its content {content.name} {across}×{down}: give "
            "pictures of the content's aspect, or squares"
        )


# a run


def start(
    given: Mapping[str, Given],
    plan: Plan,
    root: Path,
    context: Context,
    registry: Registry,
    quiet: bool = False,
) -> Path:
    """Make a run folder with the pictures as finished results; `bench.run.execution` does the rest.

    Args:
        given: a row's name to what it is made of; all contents and styles of the plan.
        plan: the anchors, the metrics, the pictures and one size.
        root: where run folders go.
        context: device and precision.
        registry: of the anchors' plugins.
        quiet: no progress bar.

    Raises:
        BenchError: a picture cannot be used, or the folder cannot be written.
    """
    return results.create(root, lambda run: _begin(run, given, plan, context, registry, quiet))


def _begin(
    run: Path,
    given: Mapping[str, Given],
    plan: Plan,
    context: Context,
    registry: Registry,
    quiet: bool,
) -> RunInfo:
    from bench.run.cells import image_path
    from bench.run.recording import lay_out

    info = lay_out(run, plan, context, registry)
    methods = dict(info.methods)
    (size,) = plan.sizes
    contents = {picture.name: picture for picture in plan.contents}
    pictures = [pair for row in given.values() for pair in row.files]
    with progress.bar(
        total=len(pictures), desc="reading", unit="picture", leave=False, disable=quiet
    ) as bar:
        for name, row in given.items():
            methods[name] = _method(row, size)
            for style in info.styles:
                records = []
                for content in info.contents:
                    path = row.files[style, content]
                    _check_aspect(path, contents[content])
                    copy = image_path(run, name, style, content, size)
                    images.save(images.load(path, size, fit=plan.fit), copy)
                    image = copy.relative_to(run).as_posix()
                    records.append(ContentRecord(content=content, image=image, seconds=None))
                    bar.update()
                cell = CellRecord(
                    method=name, style=style, size=size, precision="", contents=records
                )
                results.write_record(run, cell)
            results.write_record(run, _speed(name, size))
    return replace(info, methods=methods)


def _method(given: Given, size: int) -> MethodRecord:
    width, height = images.open_picture(next(iter(given.files.values()))).size
    options: dict[str, Any] = {"pictures": str(given.source.absolute())}
    if (width, height) != (size, size):
        options["resized_from"] = f"{width}x{height}"
    return MethodRecord(
        method=FAMILY,
        family=FAMILY,
        citation="",
        options=options,
        defaults={},
        source_sha256=None,
        weights={},
        trains_on=list(given.trains_on),
        autocast=False,
        plugin="bench score",
    )


def _speed(name: str, size: int) -> SpeedRecord:
    return SpeedRecord(
        method=name,
        size=size,
        status="skipped",
        reason="made elsewhere",
        precision="",
        iterative=IterativeRecord(),
        batch=1,
        scopes={},
    )


def row_names(sources: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """Of `NAME=PATH`, or of a path whose own name serves, the row's name and the path."""
    for text in sources:
        name, equals, path = text.partition("=")
        if equals and not Path(text).exists():
            yield name, paths.expanded(path)
        else:
            stem = paths.expanded(text).absolute().stem.lower()
            yield "-".join(re.findall("[a-z0-9]+", stem)), paths.expanded(text)
