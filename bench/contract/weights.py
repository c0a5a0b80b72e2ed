"""A declared file of learned numbers."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Weights:
    """A file of learned numbers that a plugin needs.

    Attributes:
        file: the file's name, in the plugin's own package or in the user's weights folder; it may
            have folders before it.
        sha256: the file's SHA-256 in hex, or the leading digits that its name carries, as
            torch.hub's files do; None for a file that the user names, or whose source
            publishes none.
        source: the file's own address, or where it comes from in words a user can act on.
        licence: the licence it is under.
    """

    file: str
    sha256: str | None
    source: str
    licence: str

    @property
    def address(self) -> str | None:
        """Where the file itself can be downloaded, if that is known."""
        return self.source if self.source.startswith(("https://", "http://")) else None


def beside(cls: type[Any]) -> list[Path]:
    """Where a plugin may carry its weights: its own folder, and `weights` in it."""
    folder = Path(inspect.getfile(cls)).parent
    return [folder, folder / "weights"]
