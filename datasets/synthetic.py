"""Procedural pictures without a file, for tests: exact to the bit on every machine."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.contract import Dataset, Picture
from bench.hooks import hookimpl
from bench.images import MIN_SIDE
from bench.options import option

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Options:
    """How large the pictures are."""

    size: int = option(64, "side of the square pictures in pixels", low=MIN_SIDE, high=4096)


class Synthetic(Dataset):
    """Three contents, three styles and four pictures to adapt on."""

    name = "synthetic"
    Options = Options

    def contents(self) -> Sequence[Picture]:
        """A disc, boxes and a diagonal edge, over gradients."""
        return self._pictures({"disc": _disc, "boxes": _boxes, "diagonal": _diagonal})

    def styles(self) -> Sequence[Picture]:
        """Stripes, a checkerboard and coarse noise."""
        return self._pictures({"stripes": _stripes, "checker": _checker, "noise": _noise})

    def adaptation(self) -> Sequence[Picture]:
        """Rings in four places and two colours."""
        places = ((1, 1), (1, 3), (3, 1), (3, 3))
        return self._pictures(
            {f"rings-{n}": functools.partial(_rings, place) for n, place in enumerate(places, 1)}
        )

    def _pictures(self, painters: dict[str, Callable[[int], Pixels]]) -> list[Picture]:
        return [_picture(name, painter, self.options.size) for name, painter in painters.items()]


def _picture(name: str, painter: Callable[[int], Pixels], size: int) -> Picture:
    digest = hashlib.sha256(f"{size}\n".encode() + painter(size).tobytes()).hexdigest()
    return Picture(
        name,
        lambda: Image.fromarray(painter(size)),
        title=f"procedural, {size} px",
        licence="none needed",
        fingerprint=digest,
    )


def _grid(size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    down, across = np.mgrid[:size, :size]
    return down, across


def _ramp(size: int) -> Pixels:
    """Red grows to the right, green downwards; blue is even."""
    down, across = _grid(size)
    ramps = (across * 255 // (size - 1), down * 255 // (size - 1), np.full_like(down, 128))
    return np.stack(ramps, -1).astype(np.uint8)


def _paint(mask: Mask, inside: Sequence[int] | Pixels, outside: Sequence[int] | Pixels) -> Pixels:
    return np.where(mask[..., None], inside, outside).astype(np.uint8)


def _disc(size: int) -> Pixels:
    down, across = _grid(size)
    mask = (2 * down - size + 1) ** 2 + (2 * across - size + 1) ** 2 < (size * 2 // 3) ** 2
    return _paint(mask, (230, 180, 60), _ramp(size))


def _boxes(size: int) -> Pixels:
    down, across = _grid(size)
    mask = (down * 4 // size % 3 == 1) & (across * 8 // size % 3 > 0)
    return _paint(mask, (40, 60, 120), _ramp(size)[::-1])


def _diagonal(size: int) -> Pixels:
    down, across = _grid(size)
    return _paint(down > across, _ramp(size)[:, ::-1] // 2, _ramp(size))


def _stripes(size: int) -> Pixels:
    down, across = _grid(size)
    return _paint((down + across) // 4 % 2 == 0, (20, 40, 160), (240, 210, 40))


def _checker(size: int) -> Pixels:
    down, across = _grid(size)
    return _paint((down // 8 + across // 8) % 2 == 0, (200, 30, 30), (250, 240, 220))


def _noise(size: int) -> Pixels:
    # RandomState's stream is frozen for good, Generator's is not
    blocks = np.random.RandomState(7).randint(0, 256, (-(-size // 4), -(-size // 4), 3))
    return blocks.repeat(4, 0).repeat(4, 1)[:size, :size].astype(np.uint8)


def _rings(place: tuple[int, int], size: int) -> Pixels:
    down, across = _grid(size)
    square = (4 * down - place[0] * size) ** 2 + (4 * across - place[1] * size) ** 2
    mask = square * 12 // (16 * size * size) % 2 == 0
    return _paint(mask, (place[0] * 60, 120, place[1] * 60), _ramp(size))


@hookimpl
def bench_datasets() -> Sequence[type[Dataset]]:
    """The dataset of this page."""
    return [Synthetic]
