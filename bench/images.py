"""Picture files to tensors and back; every oddity of a file is settled or refused here.

A picture in memory is a uint8 RGB PIL image, upright; a picture in a network is a float32 tensor
(1, 3, H, W), values in [0, 1]. Pixels are taken as sRGB: an embedded colour profile is not
applied. Of an animation or a many-page file the first picture counts. Resizing is PIL's LANCZOS
(antialiased). This page imports torch only where a tensor is made or read.
"""

from __future__ import annotations

import io
import stat
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, PngImagePlugin, UnidentifiedImageError

from bench import files, interrupts
from bench.contract import Picture
from bench.errors import BenchError, cause_of

if TYPE_CHECKING:
    from torch import Tensor

    from bench.store import PictureStore

MAX_PIXELS = 100_000_000
MIN_SIDE = 16

# A profile or a description of more than Pillow's megabyte does not make a whole PNG damaged.
PngImagePlugin.MAX_TEXT_CHUNK = 1 << 26
PngImagePlugin.MAX_TEXT_MEMORY = 1 << 28

_READS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF")
_WRITES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
_PHOTOMETRIC, _WHITE_IS_ZERO = 262, 0  # TIFF 6.0, section 4
_RESAMPLING = Image.Resampling.LANCZOS


@dataclass(frozen=True)
class Fit:
    """How a picture becomes a square.

    Attributes:
        square: `crop` cuts out the centred square, `squash` gives up the aspect.
        filter: Pillow's, which also averages where a picture gets smaller.
    """

    square: Literal["crop", "squash"] = "crop"
    filter: Literal["lanczos", "bicubic", "bilinear"] = "lanczos"


CROPPED = Fit()
"""What is done where nothing else is asked for."""


def open_picture(path: Path | str, at_least: int | None = None) -> Image.Image:
    """The file as a uint8 RGB image, turned upright as its EXIF says.

    Transparency is laid over white. 16-bit grey is scaled from [0, 65535]; 32-bit grey too, or
    from its own range where it leaves that one; float grey is scaled from [0, 1], else
    [0, 255], else its own range.

    Args:
        path: a JPEG, PNG, WebP, TIFF, BMP or GIF file; the content counts, not the suffix.
        at_least: a JPEG may be decoded at a half, a quarter or an eighth of its size, as long
            as both sides keep this many pixels: several times faster for large photographs.

    Raises:
        BenchError: the file is not there, a folder, unreadable, empty, no picture, damaged,
            larger than `MAX_PIXELS` or with a side shorter than `MIN_SIDE`.
    """
    interrupts.check()
    path = Path(path)
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise BenchError(f"{path} is a folder: name a picture file")
        if not stat.S_ISREG(status.st_mode):
            raise BenchError(f"{path} is not a regular file: name a picture file")
        if status.st_size == 0:
            raise BenchError(f"{path} is empty: replace the file")
        with path.open("rb") as stream:
            return _read(stream, str(path), at_least)
    except FileNotFoundError:
        raise BenchError(f"{path} is not there: check the path") from None
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        raise BenchError(f"{path} cannot be opened: {cause_of(error)}") from None


def _read(stream: IO[bytes], name: str, at_least: int | None = None) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of PIL's warnings, what matters is refused below
            with Image.open(stream, formats=_READS) as image:
                _check_size(name, *image.size)
                if at_least is not None:
                    image.draft(None, (at_least, at_least))
                # Pillow inverts that of 8 bits and fewer alone
                negative = getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == _WHITE_IS_ZERO
                return _rgb(ImageOps.exif_transpose(image), name, negative)
    except BenchError:
        raise
    except UnidentifiedImageError:
        raise BenchError(
            f"{name} is not a picture that can be read: JPEG, PNG, WebP, TIFF, BMP or GIF"
        ) from None
    except Image.DecompressionBombError:
        raise BenchError(f"{name} is too large: {_limit()}") from None
    except Exception as error:  # PIL's decoders raise nearly anything on damaged bytes
        raise BenchError(f"{name} is damaged or cut short: {cause_of(error)}") from None


def _check_size(name: str, width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise BenchError(f"{name} is too large ({width}×{height} px): {_limit()}")
    if min(width, height) < MIN_SIDE:
        raise BenchError(
            f"{name} is too small ({width}×{height} px): at least {MIN_SIDE} px a side are needed"
        )


def _limit() -> str:
    return f"at most {MAX_PIXELS // 1_000_000} megapixels; make it smaller first"


def _rgb(image: Image.Image, name: str, negative: bool) -> Image.Image:
    if image.mode == "F":
        return _grey(image, name, (1, 255), negative)
    if image.mode.startswith("I"):
        return _grey(image, name, (65535,), negative)
    if image.has_transparency_data:
        page = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(page, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def _grey(image: Image.Image, name: str, whites: Sequence[float], negative: bool) -> Image.Image:
    """Grey of more than 8 bits; the first of `whites` that no value exceeds is white, or black."""
    values = np.asarray(image).astype(np.float64)
    low, high = float(values.min()), float(values.max())
    if not np.isfinite((low, high)).all():
        raise BenchError(f"{name} holds values that are not finite numbers: replace the file")
    white = next((white for white in whites if low >= 0 and high <= white), None)
    values = values / white if white else (values - low) / ((high - low) or 1)
    if negative:
        values = 1 - values
    return Image.fromarray(np.rint(values * 255).astype(np.uint8)).convert("RGB")


def to_tensor(image: Image.Image) -> Tensor:
    """An RGB image as float32 (1, 3, H, W) in [0, 1]."""
    import torch

    pixels = torch.from_numpy(np.array(image.convert("RGB")))
    return pixels.permute(2, 0, 1)[None].float().div_(255).contiguous()


def to_image(picture: Tensor) -> Image.Image:
    """A tensor (1, 3, H, W) or (3, H, W) as an RGB image: clamped, rounded to the nearest.

    Raises:
        BenchError: a value is NaN or infinite.
        ValueError: the shape is another one.
    """
    pixels = picture.detach().reshape(picture.shape[-3:]).float().cpu()
    if pixels.shape[0] != 3:
        raise ValueError(f"a picture has the shape (1, 3, H, W), not {tuple(picture.shape)}")
    if not pixels.isfinite().all():
        raise BenchError("the picture holds NaN or infinite values: the method diverged")
    eight_bits = pixels.clamp(0, 1).mul(255).round().byte()
    return Image.fromarray(eight_bits.permute(1, 2, 0).contiguous().numpy())


def load(
    source: Picture | Path | str, size: int | None = None, crop: bool = True, fit: Fit = CROPPED
) -> Tensor:
    """A picture as float32 (1, 3, H, W) in [0, 1].

    Args:
        source: a dataset's picture, or a file.
        size: the shorter side in pixels after resizing, up or down; None keeps every pixel.
        crop: make it a square, (1, 3, size, size); else the aspect is kept.
        fit: how it becomes a square.

    Raises:
        BenchError: the picture cannot be read, or would exceed `MAX_PIXELS` at this size.
    """
    image = source.read() if isinstance(source, Picture) else open_picture(source)
    if size is None:
        return to_tensor(image)
    width, height = image.size
    short = min(width, height)
    if crop:
        left, top = (width - short) / 2, (height - short) / 2
        box = (left, top, left + short, top + short) if fit.square == "crop" else None
        filter = Image.Resampling[fit.filter.upper()]
        return to_tensor(image.resize((size, size), filter, box))
    wanted = _scaled(image.size, size)
    name = source.name if isinstance(source, Picture) else str(source)
    if wanted[0] * wanted[1] > MAX_PIXELS:
        raise BenchError(
            f"{name} would be {wanted[0]}×{wanted[1]} px at size {size}: choose a smaller size"
        )
    return to_tensor(image.resize(wanted, _RESAMPLING))


def _scaled(size: tuple[int, int], short_side: int) -> tuple[int, int]:
    """Width and height with the shorter of them made `short_side`, the aspect kept."""
    short = min(size)
    return round(size[0] * short_side / short), round(size[1] * short_side / short)


def picture_format(path: Path | str) -> str:
    """PNG or JPEG, as the suffix says.

    Raises:
        BenchError: another suffix.
    """
    try:
        return _WRITES[Path(path).suffix.lower()]
    except KeyError:
        raise BenchError(
            f"{path} has no suffix of a picture that can be written: use .png or .jpg"
        ) from None


def encode(picture: Tensor, kind: str = "PNG") -> bytes:
    """The bytes of a PNG or JPEG file of a tensor (1, 3, H, W); JPEG at quality 95."""
    stream = io.BytesIO()
    options: dict[str, Any] = {"quality": 95, "subsampling": 0} if kind == "JPEG" else {}
    to_image(picture).save(stream, kind, **options)
    return stream.getvalue()


def encode_png(picture: Tensor) -> bytes:
    """The bytes of a PNG file of a tensor (1, 3, H, W)."""
    return encode(picture, "PNG")


def decode(data: bytes | Path) -> Tensor:
    """A file, or the bytes of one, as float32 (1, 3, H, W) in [0, 1], in full size.

    Raises:
        BenchError: as `open_picture`.
    """
    if isinstance(data, Path):
        return to_tensor(open_picture(data))
    return to_tensor(_read(io.BytesIO(data), "the picture"))


def save(picture: Tensor, path: Path | str) -> None:
    """Write a tensor (1, 3, H, W) as a PNG or JPEG file; whole or not at all.

    Raises:
        BenchError: the suffix is another one, or (`StorageError`) the file cannot be written.
    """
    path = Path(path)
    files.write(path, encode(picture, picture_format(path)))


def array(
    path: Path, short_side: int, report: Callable[[str], None] | None = None
) -> NDArray[np.uint8] | None:
    """The file as uint8 (H, W, 3), its shorter side at most `short_side`: `store.cached`'s reader.

    Args:
        path: a picture file.
        short_side: larger pictures are reduced to it; smaller ones stay as they are.
        report: takes the reason, where the file cannot be used.

    Returns:
        The pixels, or None where the file cannot be used.
    """
    try:
        return _reduced(open_picture(path, at_least=2 * short_side), short_side)
    except BenchError as error:
        if report is not None:
            report(str(error))
        return None


def photographs(
    pictures: Sequence[Picture], short_side: int, report: Callable[[str], None] | None = None
) -> PictureStore:
    """A store in memory of a dataset's pictures, their shorter sides at most `short_side`.

    Pictures that cannot be used are left out; `report` takes each reason.

    Raises:
        BenchError: none can be used.
    """
    from bench.store import collect

    named, reasons = [], []
    for picture in pictures:
        try:
            named.append((picture.name, _reduced(picture.read(), short_side)))
        except BenchError as error:
            reasons.append(str(error))
            if report is not None:
                report(str(error))
    if not named:
        why = f": {reasons[0]}" if reasons else ""
        raise BenchError(f"none of the {len(pictures)} photographs to adapt on can be used{why}")
    return collect(named)


def _reduced(image: Image.Image, short_side: int) -> NDArray[np.uint8]:
    if min(image.size) > short_side:
        image = image.resize(_scaled(image.size, short_side), _RESAMPLING)
    return np.array(image)
