"""A clip: frames of a camera's move over an embedded photograph, or of the user's own video."""

from __future__ import annotations

import functools
import hashlib
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from bench import paths
from bench.contract import Dataset, Picture, View
from bench.errors import BenchError, unknown
from bench.hooks import hookimpl
from bench.options import option
from bench.stylize import video
from bench.weights import sha256

from .default import Default

SIDE = 512
"""Of a frame, in pixels; a run reduces it to its own size."""

PERIOD = 48
"""Frames after which the camera is where it began."""

WINDOW, RADIUS, ZOOM, ROLL = 0.62, 0.25, 0.06, math.radians(4)
"""The frame's side as a share of the photograph's shorter side; how far the camera goes from the
centre, in halves of that side; how much the frame grows and shrinks; how far it turns. Together
they stay inside a square photograph."""


@dataclass(frozen=True)
class Options:
    """Which clip."""

    photograph: str = option("neuschwanstein", "the embedded content that the camera moves over")
    frames: int = option(16, "how many frames, from the first on", low=2, high=240)
    video: str = option("", "your own video instead, whose motion is not known", path=True)


class Clip(Dataset):
    """A camera circles over a photograph, nears and turns a little; its motion is known.

    A frame moves by about 3 % of its side: 7 px at 256. Every frame is a window of the photograph,
    so that the flow between any two is exact and nothing is ever hidden but by the frame's edge.
    The styles are the embedded ones.
    """

    name = "clip"
    moves = True
    Options = Options

    def contents(self) -> Sequence[Picture]:
        """The frames, in order."""
        if self.options.video:
            return _of_video(paths.expanded(self.options.video), self.options.frames)
        photographs = {picture.name: picture for picture in Default().contents()}
        if (name := self.options.photograph) not in photographs:
            raise unknown("photograph in clip.photograph", name, photographs)
        return [_frame(photographs[name], number) for number in range(self.options.frames)]

    def styles(self) -> Sequence[Picture]:
        """The embedded styles."""
        return Default().styles()


def camera(number: int) -> View:
    """Where frame `number` lies in the photograph, whose shorter side is from -1 to 1."""
    turn = 2 * math.pi * number / PERIOD
    half = WINDOW * (1 + ZOOM * math.sin(2 * turn))
    roll = ROLL * math.sin(turn)
    across, along = half * math.cos(roll), half * math.sin(roll)
    return (
        across,
        -along,
        RADIUS * math.cos(turn),
        along,
        across,
        RADIUS * math.sin(turn),
    )


def window(photograph: Image.Image, view: View) -> Image.Image:
    """What the camera sees, `SIDE` × `SIDE` px; bicubic."""
    short = min(photograph.size) / 2
    centre = [side / 2 for side in photograph.size]
    rows = []
    for (x, y, start), middle in zip((view[:3], view[3:]), centre, strict=True):
        step = 2 / SIDE
        rows += [short * x * step, short * y * step, short * (start - x - y) + middle]
    return photograph.transform(
        (SIDE, SIDE), Image.Transform.AFFINE, tuple(rows), Image.Resampling.BICUBIC
    )


def _frame(photograph: Picture, number: int) -> Picture:
    view = camera(number)
    text = f"{photograph.fingerprint} {SIDE} {[round(x, 9) for x in view]}"
    return Picture(
        f"frame-{number:03}",
        lambda: window(photograph.read(), view),
        title=f"{photograph.title}, frame {number}",
        licence=photograph.licence,
        fingerprint=hashlib.sha256(text.encode()).hexdigest(),
        view=view,
    )


def _of_video(path: Path, count: int) -> list[Picture]:
    if not path.is_file():
        raise BenchError(f"clip.video: {path} is not there: name a video")
    digest = sha256(path)
    found = len(_decoded(path, count, digest))
    return [
        Picture(
            f"frame-{number:03}",
            functools.partial(_decoded_frame, path, count, digest, number),
            path=path,
            fingerprint=hashlib.sha256(f"{digest} {number}".encode()).hexdigest(),
        )
        for number in range(found)
    ]


@functools.lru_cache(maxsize=1)
def _decoded(path: Path, count: int, digest: str) -> list[Image.Image]:
    """The first frames of a video, remembered: to read the last one is to read all of them."""
    frames = video.frames(video.open_clip(path))
    return [frame.picture for frame in itertools.islice(frames, count)]


def _decoded_frame(path: Path, count: int, digest: str, number: int) -> Image.Image:
    return _decoded(path, count, digest)[number].copy()


@hookimpl
def bench_datasets() -> Sequence[type[Dataset]]:
    """The dataset of this page."""
    return [Clip]
