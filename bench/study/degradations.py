"""Known degradations of stylized pictures, to see what metrics make of them.

Each is a function of a good stylization, its content and its style, all (1, 3, H, W) in [0, 1],
and of the good stylizations with another style and of another content.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from bench import files, images, results
from bench.errors import BenchError, unknown
from bench.results import CellRecord

TILE = 16
"""Side in pixels of the tiles that `shuffled-tiles` takes a picture apart into."""


@dataclass(frozen=True)
class Case:
    """A good stylization and what belongs to it; each is (1, 3, H, W) in [0, 1].

    Attributes:
        good: the content in the style.
        content: as it is.
        style: as it is.
        other_style: the same content, stylized as well in another style.
        other_content: another content, stylized as well in the same style.
    """

    good: Tensor
    content: Tensor
    style: Tensor
    other_style: Tensor
    other_content: Tensor


def blend(case: Case, share: float) -> Tensor:
    """A mixture pixel by pixel: `share` of the good stylization, the rest of the content."""
    return torch.lerp(case.content, case.good, share)


def colors_only(case: Case) -> Tensor:
    """The content, each channel with the style's histogram: the values keep their ranks."""
    content, style = case.content.flatten(2), case.style.flatten(2).sort(2).values
    count = content.shape[2]
    ranks = content.argsort(dim=2, stable=True).argsort(dim=2)
    places = (ranks * style.shape[2]).div(count, rounding_mode="floor")
    return style.gather(2, places).view_as(case.content)


def shuffled(case: Case) -> Tensor:
    """The good stylization's pixels in random order."""
    flat = case.good.flatten(2)
    order = torch.randperm(flat.shape[2], generator=torch.Generator().manual_seed(0))
    return flat[:, :, order].view_as(case.good)


def shuffled_tiles(case: Case) -> Tensor:
    """The good stylization's tiles in random order; what is left at the edges stays."""
    picture = case.good.clone()
    down, across = (side // TILE for side in picture.shape[2:])
    whole = picture[:, :, : down * TILE, : across * TILE]
    tiles = whole.unfold(2, TILE, TILE).unfold(3, TILE, TILE).flatten(2, 3)
    order = torch.randperm(down * across, generator=torch.Generator().manual_seed(0))
    mixed = tiles[:, :, order].view(1, 3, down, across, TILE, TILE)
    whole.copy_(mixed.permute(0, 1, 2, 4, 3, 5).reshape(whole.shape))
    return picture


def hatched(case: Case, amplitude: float) -> Tensor:
    """The good stylization under a cross-hatch with lines 3 px apart, as networks may leave it.

    Two gratings at right angles, both on the diagonals. `amplitude` is the root mean square of both
    together, of 255; where the sum leaves the range of a picture it is cut off.
    """
    height, width = case.good.shape[2:]
    down, across = torch.arange(height)[:, None], torch.arange(width)
    phases = (torch.pi * 2**0.5 / 3 * direction for direction in (across + down, across - down))
    waves = torch.stack([phase.cos() for phase in phases]).sum(0)
    return (case.good + amplitude / 255 * waves).clamp(0, 1)


DEGRADATIONS: Mapping[str, Callable[[Case], Tensor]] = {
    "blend-25": lambda case: blend(case, 0.25),
    "blend-50": lambda case: blend(case, 0.5),
    "blend-75": lambda case: blend(case, 0.75),
    "colors-only": colors_only,
    "hatched-4": lambda case: hatched(case, 4),
    "hatched-8": lambda case: hatched(case, 8),
    "hatched-16": lambda case: hatched(case, 16),
    "shuffled": shuffled,
    "shuffled-tiles": shuffled_tiles,
    "wrong-style": lambda case: case.other_style,
    "wrong-content": lambda case: case.other_content,
}
"""By name; that of a style or content is the next one's of the run."""


def write(run: Path, method: str, out: Path) -> list[Path]:
    """Write the degradations of a method's pictures, and the pictures of all methods.

    Args:
        run: a run of one size with at least two contents and two styles.
        method: the row whose pictures are the good ones.
        out: a folder that is not there yet; it gets a folder per degradation and per row of the
            run, with files named `{content}_stylized_{style}.png`.

    Returns:
        The folders.

    Raises:
        BenchError: the run lacks pictures, or `out` is there.
    """
    record = results.read_run(run)
    if method not in record.methods:
        raise unknown("method in the run", method, record.methods)
    if len(record.sizes) > 1 or min(len(record.contents), len(record.styles)) < 2:
        raise BenchError(f"{run} must be of one size, and of at least two contents and two styles")
    for name in (*record.methods, *record.contents, *record.styles):
        if name in (".", "..") or set(name) & set("/\\\0"):  # it would lead out of the folder
            raise BenchError(f"{run}: '{name}' cannot be a file's name: rename it in a new run")
    if out.exists():
        raise BenchError(f"{out} is there already: take another folder, or remove it")
    (size,) = record.sizes
    contents, styles = record.contents, record.styles
    rows = [name for name, each in record.methods.items() if each.family != "anchor"]
    stylized = {row: _pictures(run, row, size, contents, styles) for row in rows}
    inputs = {
        (role, name): images.decode(results.input_path(run, role, name, size))
        for role, names in (("content", contents), ("style", styles))
        for name in names
    }
    good = stylized[method]
    with files.replacing(out) as part:
        for content, style in itertools.product(contents, styles):
            case = Case(
                images.decode(good[style, content]),
                inputs["content", content],
                inputs["style", style],
                images.decode(good[_next(styles, style), content]),
                images.decode(good[style, _next(contents, content)]),
            )
            name = f"{content}_stylized_{style}.png"
            for kind, degrade in DEGRADATIONS.items():
                images.save(degrade(case), part / kind / name)
            for row in rows:
                images.save(images.decode(stylized[row][style, content]), part / row / name)
    return [out / name for name in (*rows, *DEGRADATIONS)]


def _next(names: Sequence[str], name: str) -> str:
    return names[(names.index(name) + 1) % len(names)]


def _pictures(
    run: Path, method: str, size: int, contents: Sequence[str], styles: Sequence[str]
) -> dict[tuple[str, str], Path]:
    found = {}
    for style in styles:
        path = results.record_path(run, "cells", method, style, size)
        cell = results.read_record(path, CellRecord)
        images_of = {picture.content: picture.image for picture in cell.contents}
        for content in contents:
            picture = results.picture_path(run, images_of.get(content, ""))
            if cell.status != "ok" or picture is None:
                why = cell.reason or "finish the run with bench run --resume"
                raise BenchError(f"{run} has no picture of {method} in style {style}: {why}")
            found[style, content] = picture
    return found
