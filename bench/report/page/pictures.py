"""The pictures of a page: copies under names that say nothing, and thumbnails."""

from __future__ import annotations

import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench import files, results

THUMBNAIL = 320
"""The longer side of a thumbnail in pixels: about two for each one that it takes on most pages."""


_NAME = re.compile(r"[0-9a-f]{16}\.(png|webp)")


class Pictures:
    """The pictures of a page: each gets a name that says nothing, and is copied at the end."""

    def __init__(self, out: Path, wanted: bool = True) -> None:
        self._wanted = wanted
        self.full = out / "pictures"
        self.thumbnails = out / "thumbnails"
        self._sources: dict[str, Path] = {}

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return bool(self._sources)

    def add(self, run: Path, image: str | Path) -> str | None:
        """The name of a run's picture; None where it is missing, outside the run, or unwanted."""
        path = results.picture_path(run, image) if self._wanted else None
        if path is None:
            return None
        stamp = f"{path}\0{path.stat().st_mtime_ns}"
        name = hashlib.sha256(stamp.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        self._sources[name] = path
        return name

    def write(self, quiet: bool) -> None:
        """Copy what is not there yet, make the thumbnails, and take away what is not shown."""
        from bench import progress

        for path in (*self.full.iterdir(), *self.thumbnails.iterdir()):
            if _NAME.fullmatch(path.name) and path.stem not in self._sources:
                path.unlink()
        missing = [name for name in self._sources if not self._thumbnail(name).exists()]
        with ThreadPoolExecutor() as pool:
            work = pool.map(self._copy, missing)
            for _ in progress.bar(
                work,
                desc="pictures",
                total=len(missing),
                disable=quiet or not missing,
                leave=False,
            ):
                pass

    def _thumbnail(self, name: str) -> Path:
        return self.thumbnails / f"{name}.webp"

    def _copy(self, name: str) -> None:
        from PIL import Image

        source, thumbnail = self._sources[name], self._thumbnail(name)
        try:
            with Image.open(source, formats=["PNG"]) as picture:
                small = picture.convert("RGB")
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            return  # the page shows its alternative text
        small.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
        files.write(self.full / f"{name}.png", source.read_bytes())
        with files.replacing(thumbnail) as part:  # last: it says that the picture is whole
            small.save(part, "WEBP", quality=80)
