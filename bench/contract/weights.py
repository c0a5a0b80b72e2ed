"""A declared file of learned numbers."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError


@dataclass(frozen=True)
class Weights:
    """A file of learned numbers that a plugin needs.

    Attributes:
        file: the file's name, in the plugin's own package or in the user's weights folder; it may
            have folders before it.
        sha256: the file's whole SHA-256, 64 digits in lower-case hex; None for a file that the
            user names, or whose source publishes none. The eight digits in the names of
            torch.hub's files are no proof: anybody can make another file that has them.
        source: the file's own address, or where it comes from in words a user can act on.
        licence: the licence it is under.

    Raises:
        BenchError: `sha256` is no whole one.
    """

    file: str
    sha256: str | None
    source: str
    licence: str

    def __post_init__(self) -> None:
        if self.sha256 is not None and not re.fullmatch("[0-9a-f]{64}", self.sha256):
            raise BenchError(
                f"weights {self.file}: {self.sha256!r} is no whole SHA-256; give all 64 digits in "
                "lower case, as sha256sum prints them"
            )

    @property
    def address(self) -> str | None:
        """Where the file itself can be downloaded, if that is known."""
        return self.source if self.source.startswith(("https://", "http://")) else None


def beside(cls: type[Any]) -> list[Path]:
    """Where a plugin may carry its weights: its own folder, and `weights` in it."""
    folder = Path(inspect.getfile(cls)).parent
    return [folder, folder / "weights"]
