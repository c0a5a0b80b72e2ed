"""Many pictures in one flat array: decoded once, then cropped at random for training."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench import files
from bench.crops import Crop, cut_one, draw, resample, windows
from bench.errors import BenchError
from bench.paths import real
from bench.transfers import numbers, on_cuda, sent


@dataclass(frozen=True)
class PictureStore:
    """RGB pictures of any shape, one after the other in `pixels`.

    Attributes:
        pixels: uint8, flat; an ordinary array or a memory-mapped file.
        shapes: int64 (M, 2), height and width of each picture.
        offsets: int64 (M,), where each picture starts.
        names: each picture's name.
    """

    pixels: NDArray[np.uint8]
    shapes: NDArray[np.int64]
    offsets: NDArray[np.int64]
    names: Sequence[str]
    resident: dict[torch.device, Tensor] = field(default_factory=dict, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.names)

    def picture(self, index: int) -> Tensor:
        """The whole picture, uint8 (3, H, W); shares the store's memory: do not write to it."""
        height, width = (int(side) for side in self.shapes[index])
        start = int(self.offsets[index])
        flat = self.pixels[start : start + 3 * height * width]
        return torch.from_numpy(np.asarray(flat).reshape(height, width, 3)).permute(2, 0, 1)

    def place(self, device: torch.device) -> None:
        """Bring the pixels to the accelerator, unless they would fill more than half of its memory.

        They stay as they are, one byte a value. Where there is no room, `batch` brings each crop's
        pixels over when it is drawn. On a CPU there is nothing to do.
        """
        free = free_memory(device)
        if device not in self.resident and free is not None and self.pixels.nbytes <= free // 2:
            flat = torch.from_numpy(np.asarray(self.pixels))
            self.resident[device] = flat.to(device)

    def batch(
        self,
        count: int,
        size: int,
        generator: torch.Generator | None = None,
        indices: Sequence[int] | None = None,
        scale: tuple[float, float] = (0.5, 1.0),
        flip: bool = True,
        device: torch.device | None = None,
    ) -> Tensor:
        """Random square crops, float32 (count, 3, size, size) in [0, 1].

        A crop's side is a random share, within `scale`, of the picture's shorter side, never
        less than `size` where the picture has that many pixels; it is then resized to `size`.

        Args:
            count: how many.
            size: side in pixels.
            generator: of the host, source of randomness; torch's global one by default. The same
                crops come of it on every device.
            indices: which pictures, instead of `count` distinct random ones (with repetition
                only where the store holds fewer).
            scale: smallest and largest crop side, as a share of the shorter side.
            flip: mirror half of the crops.
            device: where the batch is to be, the host by default. An accelerator that `place` knows
                cuts them itself; for another only the crops' bytes are copied.

        Raises:
            BenchError: the store is empty.
        """
        if indices is None:
            if not len(self):
                raise BenchError("there is no photograph to learn from: name some that can be read")
            order: list[int] = []
            while len(order) < count:
                order += torch.randperm(len(self), generator=generator).tolist()
            indices = order[:count]
        shapes = [(i, int(self.shapes[i][0]), int(self.shapes[i][1])) for i in indices]
        crops = draw(shapes, size, scale, flip, generator)
        if device is None or device.type == "cpu":
            cut = [cut_one(self.picture(crop.picture), crop, size) for crop in crops]
            return torch.stack(cut).contiguous()
        reach = max(crop.side for crop in crops)
        if device not in self.resident:
            return resample(self._staged(crops, reach, device), numbers(crops, device), size)
        rows = [
            (*crop, int(self.offsets[crop.picture]), width)
            for crop, (_, _, width) in zip(crops, shapes, strict=True)
        ]
        table = numbers(rows, device)
        cut_there = windows(self.resident[device], table[:, 5], table[:, 6], table[:, :5], reach)
        return resample(cut_there, table[:, :5], size)

    def _staged(self, crops: Sequence[Crop], reach: int, device: torch.device) -> Tensor:
        """The crops' pixels, copied to the device: uint8 (N, 3, reach, reach), filled up with 0."""
        host = torch.zeros(
            (len(crops), 3, reach, reach), dtype=torch.uint8, pin_memory=on_cuda(device)
        )
        for window, (picture, top, left, side, _) in zip(host, crops, strict=True):
            pixels = self.picture(picture)[:, top : top + side, left : left + side]
            window[:, :side, :side].copy_(pixels)
        return sent(host, device)


def free_memory(device: torch.device) -> int | None:
    """Bytes of the accelerator that nobody has taken; None on a CPU, or where it does not tell."""
    if device.type not in ("cuda", "xpu"):
        return None
    free: int = torch.get_device_module(device).mem_get_info(device)[0]
    return free


def collect(pictures: Iterable[tuple[str, NDArray[np.uint8]]]) -> PictureStore:
    """A store in memory, of named uint8 (H, W, 3) arrays."""
    named = list(pictures)
    shapes = np.array([array.shape[:2] for _, array in named], np.int64).reshape(-1, 2)
    sizes = 3 * shapes.prod(1)
    flat = [array.reshape(-1) for _, array in named]
    return PictureStore(
        np.concatenate(flat) if flat else np.zeros(0, np.uint8),
        shapes,
        np.cumsum(sizes) - sizes,
        [name for name, _ in named],
    )


def cached(
    pictures: Sequence[Path],
    read: Callable[[Path], NDArray[np.uint8] | None],
    folder: Path,
    progress: Callable[[Iterable[Path]], Iterable[Path]] = lambda pictures: pictures,
    tag: str = "",
) -> PictureStore:
    """A store on disk, made once from files and memory-mapped ever after.

    Args:
        pictures: their files.
        read: file to uint8 (H, W, 3), or None to leave it out.
        folder: where the cache lies; a changed file list, size or time makes a new one.
        progress: wraps the pictures while they are read.
        tag: what else the cache depends on, such as the size that `read` gives.
    """
    digest = hashlib.sha256(tag.encode())
    for file in pictures:
        stat = file.stat()
        entry = f"{real(file)}\0{stat.st_size}\0{stat.st_mtime_ns}\n"
        digest.update(entry.encode(errors="surrogateescape"))
    base = folder / digest.hexdigest()[:16]
    index_file, data_file = base.with_suffix(".json"), base.with_suffix(".u8")
    index = _cached_index(index_file, data_file)
    if index is None:
        index = {"names": [], "shapes": []}
        with files.replacing(data_file) as part, part.open("wb") as out:
            for file in progress(pictures):
                array = read(file)
                if array is not None:
                    out.write(np.ascontiguousarray(array).data)
                    index["names"].append(file.name)
                    index["shapes"].append(array.shape[:2])
        files.write(index_file, json.dumps(index))  # last: it says that the data are there
    shapes = np.array(index["shapes"], np.int64).reshape(-1, 2)
    sizes = 3 * shapes.prod(1)
    pixels = np.memmap(data_file, np.uint8, mode="c") if len(shapes) else np.zeros(0, np.uint8)
    return PictureStore(pixels, shapes, np.cumsum(sizes) - sizes, index["names"])


def _cached_index(index_file: Path, data_file: Path) -> dict[str, Any] | None:
    """The index of a cache that is whole, else None."""
    try:
        index: dict[str, Any] = json.loads(index_file.read_text())
        bytes_due = sum(3 * height * width for height, width in index["shapes"])
        return index if data_file.stat().st_size == bytes_due else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
