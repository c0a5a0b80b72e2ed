"""Moving pictures, frame by frame: videos through PyAV (an extra), animated GIFs through Pillow.

Frames are uint8 RGB PIL images, upright and of square pixels, with the time at which they are
shown, so that a result has its source's frame rate, a varying one too. Sound is not carried over.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from PIL import Image, ImageSequence

from bench import files
from bench.errors import BenchError, StorageError, cause_of
from bench.extras import extra

READS = (".mp4", ".mov", ".m4v", ".webm", ".mkv", ".avi")
WRITES = (".mp4", ".mov", ".m4v", ".webm", ".mkv", ".gif")

_VP9 = {"crf": "24", "b": "0", "row-mt": "1"}
_X264 = {"crf": "16"}
_BT709 = 1
_TURNS: Mapping[tuple[int, ...], Image.Transpose | None] = {
    (1, 0, 0, 1): None,
    (0, 1, -1, 0): Image.Transpose.ROTATE_270,
    (-1, 0, 0, -1): Image.Transpose.ROTATE_180,
    (0, -1, 1, 0): Image.Transpose.ROTATE_90,
    (-1, 0, 0, 1): Image.Transpose.FLIP_LEFT_RIGHT,
    (1, 0, 0, -1): Image.Transpose.FLIP_TOP_BOTTOM,
    (0, 1, 1, 0): Image.Transpose.TRANSPOSE,
    (0, -1, -1, 0): Image.Transpose.TRANSVERSE,
}
"""Signs of a display matrix (a b; c d), with x' = ax + cy and y' = bx + dy, to what it asks for."""
_HDR = (16, 18)  # ITU-T H.273: SMPTE ST 2084 (PQ), ARIB STD-B67 (HLG)


@dataclass(frozen=True)
class Frame:
    """A picture, and when and how long it is shown, in seconds from the first one's beginning."""

    picture: Image.Image
    start: Fraction
    length: Fraction


@dataclass(frozen=True)
class Clip:
    """A file that moves.

    Attributes:
        path: the file.
        rate: frames per second, on average.
        time_base: what its frames' times are multiples of, in seconds.
        count: how many frames there are, or about so many; None where the file does not say.
    """

    path: Path
    rate: Fraction
    time_base: Fraction
    count: int | None


def is_clip(path: Path) -> bool:
    """Whether the file is a video, by its suffix, or a GIF of more than one frame."""
    if path.suffix.lower() in READS:
        return True
    if path.suffix.lower() != ".gif":
        return False
    try:
        with Image.open(path, formats=["GIF"]) as gif:
            return getattr(gif, "n_frames", 1) > 1
    except (OSError, ValueError, SyntaxError):
        return False  # who opens it as a picture will say what is wrong


def open_clip(path: Path) -> Clip:
    """What the file says of itself.

    Raises:
        BenchError: it is no video that can be read, or PyAV is not installed.
    """
    if path.suffix.lower() == ".gif":
        with Image.open(path, formats=["GIF"]) as gif:
            lengths = [_length(frame) for frame in ImageSequence.Iterator(gif)]
        rate = len(lengths) / sum(lengths, Fraction())
        return Clip(path, rate, Fraction(1, 1000), len(lengths))
    with _reading(path) as (container, stream):
        rate = Fraction(stream.average_rate or stream.guessed_rate or 25)
        count = stream.frames or round((container.duration or 0) / 1_000_000 * rate)
        return Clip(path, rate, Fraction(stream.time_base or 1 / rate), count or None)


def frames(clip: Clip) -> Iterator[Frame]:
    """The clip's frames in order.

    Raises:
        BenchError: the file is damaged.
    """
    return _gif_frames(clip) if clip.path.suffix.lower() == ".gif" else _video_frames(clip)


def check_writable(path: Path) -> None:
    """See that a video can be written under this name.

    Raises:
        BenchError: the suffix is another one, or PyAV is not installed.
    """
    if path.suffix.lower() not in WRITES:
        raise BenchError(
            f"{path} is no name for a video: use one of {', '.join(WRITES)}, or name a folder"
        )
    if path.suffix.lower() != ".gif":
        _av(path)


def writer(path: Path, clip: Clip) -> AbstractContextManager[Callable[[Frame], None]]:
    """Takes frames and writes them with the clip's timing.

    When it ends, by an exception too, the file is there with all the frames that were taken, or
    not at all where there were none. H.264, for WebM VP9, in BT.709; sides are cropped to even
    numbers of pixels.
    """
    return _gif_writer(path) if path.suffix.lower() == ".gif" else _video_writer(path, clip)


def _av(path: Path) -> Any:
    return extra("av", "video", f"{path} is a video, which")


@contextmanager
def _reading(path: Path) -> Iterator[tuple[Any, Any]]:
    """The open container and its first video stream."""
    av = _av(path)
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise BenchError(f"{path} holds no moving picture")
            stream = container.streams.video[0]
            if stream.codec_context.color_trc in _HDR:
                raise BenchError(
                    f"{path} has a high dynamic range (PQ or HLG): make it an SDR video first"
                )
            yield container, stream
    except (av.FFmpegError, OSError) as error:
        raise BenchError(f"{path} cannot be read as a video: {cause_of(error)}") from None


def _video_frames(clip: Clip) -> Iterator[Frame]:
    with _reading(clip.path) as (container, stream):
        stream.thread_type = "AUTO"
        first: Fraction | None = None
        for index, frame in enumerate(container.decode(stream)):
            shown = index / clip.rate
            if frame.pts is not None:
                shown = frame.pts * Fraction(frame.time_base)
            first = shown if first is None else first
            length = (frame.duration or 0) * Fraction(frame.time_base or 0) or 1 / clip.rate
            picture = _square(_rgb(frame), stream.sample_aspect_ratio)
            yield Frame(_upright(picture, frame, clip.path), shown - first, length)


def _rgb(frame: Any) -> Image.Image:
    """The frame in its colour matrix and range, what is transparent over white."""
    if not any(component.is_alpha for component in frame.format.components):
        picture: Image.Image = frame.to_image()
        return picture
    shown = Image.fromarray(frame.to_ndarray(format="rgba"))
    return Image.alpha_composite(Image.new("RGBA", shown.size, "white"), shown).convert("RGB")


def _square(picture: Image.Image, aspect: Fraction | None) -> Image.Image:
    """The picture with square pixels, where the file's are `aspect` as wide as high: enlarged."""
    if not aspect or aspect == 1:
        return picture
    width, height = picture.size
    wide = round(width * aspect) if aspect > 1 else width
    high = height if aspect > 1 else round(height / aspect)
    return picture.resize((wide, high), Image.Resampling.LANCZOS)


def _upright(picture: Image.Image, frame: Any, path: Path) -> Image.Image:
    """The picture as the file's display matrix says: as a telephone was held, or mirrored.

    Raises:
        BenchError: it is turned by other than quarters.
    """
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return picture
    a, b, _, c, d = struct.unpack("=9i", bytes(matrix))[:5]
    signs = tuple((x > 0) - (x < 0) for x in (a, b, c, d))
    if signs not in _TURNS:
        raise BenchError(f"{path} is to be shown turned by other than quarters: turn it upright")
    turn = _TURNS[signs]
    return picture if turn is None else picture.transpose(turn)


def _length(frame: Image.Image) -> Fraction:
    """How long a GIF's frame is shown, in seconds; what is under 20 ms browsers take for 100."""
    milliseconds = int(frame.info.get("duration", 0))
    return Fraction(milliseconds if milliseconds >= 20 else 100, 1000)


def _gif_frames(clip: Clip) -> Iterator[Frame]:
    start = Fraction(0)
    try:
        with Image.open(clip.path, formats=["GIF"]) as gif:
            page = Image.new("RGBA", gif.size, "white")
            for frame in ImageSequence.Iterator(gif):
                picture = Image.alpha_composite(page, frame.convert("RGBA")).convert("RGB")
                yield Frame(picture, start, _length(frame))
                start += _length(frame)
    except (OSError, ValueError, SyntaxError) as error:
        raise BenchError(f"{clip.path} is damaged or cut short: {cause_of(error)}") from None


@contextmanager
def _gif_writer(path: Path) -> Iterator[Callable[[Frame], None]]:
    taken: list[Frame] = []
    with files.replacing(path) as part:
        with _first_frames_kept() as ended:
            yield taken.append
        if taken:
            ends = [round(100 * (frame.start + frame.length)) for frame in taken]
            starts = [round(100 * frame.start) for frame in taken]
            taken[0].picture.save(
                part,
                save_all=True,
                append_images=[frame.picture for frame in taken[1:]],
                duration=[10 * (b - a) for a, b in zip(starts, ends, strict=True)],
                loop=0,
            )
    for error in ended:
        raise error


@contextmanager
def _first_frames_kept() -> Iterator[list[BaseException]]:
    """Holds what ends the block, to be raised when the frames before it are on the disk.

    A storage error is raised at once: then there is no file to keep.
    """
    ended: list[BaseException] = []
    try:
        yield ended
    except StorageError:
        raise
    except BaseException as error:  # Ctrl-C among them
        ended.append(error)


@contextmanager
def _coding(path: Path, av: Any) -> Iterator[None]:
    try:
        yield
    except av.FFmpegError as error:
        raise files.storage_error(path, OSError(error.errno, error.strerror)) from None


@contextmanager
def _video_writer(path: Path, clip: Clip) -> Iterator[Callable[[Frame], None]]:
    av = _av(path)
    webm = path.suffix.lower() == ".webm"
    stream: Any = None
    with files.replacing(path) as part, _coding(path, av):
        container = av.open(str(part), "w")

        @_coding(path, av)
        def take(frame: Frame) -> None:
            nonlocal stream
            width, height = (side - side % 2 for side in frame.picture.size)
            if stream is None:
                stream = container.add_stream("libvpx-vp9" if webm else "libx264", clip.rate)
                stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
                stream.options = _VP9 if webm else _X264
                coder = stream.codec_context
                coder.time_base = clip.time_base
                coder.colorspace = coder.color_primaries = coder.color_trc = _BT709
            picture = frame.picture.crop((0, 0, width, height))
            coded = av.VideoFrame.from_image(picture).reformat(
                format="yuv420p", dst_colorspace="ITU709"
            )
            coded.time_base = clip.time_base
            coded.pts = round(frame.start / clip.time_base)
            container.mux(stream.encode(coded))

        with container:
            with _first_frames_kept() as ended:
                yield take
            if stream is not None:
                container.mux(stream.encode())
        if stream is None:
            part.unlink(missing_ok=True)
    for error in ended:
        raise error
