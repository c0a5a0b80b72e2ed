"""What a source of contents and styles is."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from bench.options import NoOptions

View = tuple[float, float, float, float, float, float]
"""Where a picture lies in a flat scene: a, b, c, d, e, f.

What is at (x, y) in the picture, each from -1 to 1 between the edges, is at
(a x + b y + c, d x + e y + f) in the scene.
"""


@dataclass(frozen=True)
class Picture:
    """One picture of a dataset: a name unique in its role, and how to read it.

    `read` gives a uint8 RGB PIL image, whole and upright. `view` is where a frame of a clip lies in
    the scene that all of its frames show, if that is known; the picture is square then. `more` are
    further pictures of the same style, for methods that take several; names and fingerprints are
    as of styles.

    Raises (from `read`):
        BenchError: the file cannot be used; the message names it and says why.
    """

    name: str
    read: Callable[[], Any]
    path: Path | None = None
    title: str = ""
    licence: str = ""
    fingerprint: str = ""
    view: View | None = None
    more: Sequence[Picture] = ()

    @property
    def references(self) -> tuple[Picture, ...]:
        """All pictures of the style, itself the first."""
        return (self, *self.more)


class Dataset(ABC):
    """A source of contents and styles.

    `adaptation()` gives the photographs that a method may learn from while it adapts; none of
    them is ever evaluated. An empty answer means the embedded set's.

    Attributes:
        moves: whether the contents are the frames of a clip, in order: a profile then takes all
            of them, and metrics of time are computed.
    """

    name: ClassVar[str]
    Options: ClassVar[type[Any]] = NoOptions
    citation: ClassVar[str] = ""
    moves: ClassVar[bool] = False

    def __init__(self, options: Any = None) -> None:
        self.options = options if options is not None else self.Options()

    @abstractmethod
    def contents(self) -> Sequence[Picture]:
        """The photographs to stylize, in a fixed order.

        Raises:
            BenchError: the source is not there or holds no picture.
        """

    @abstractmethod
    def styles(self) -> Sequence[Picture]:
        """The styles, in a fixed order; raises as `contents`."""

    def adaptation(self) -> Sequence[Picture]:
        """Photographs to adapt on, disjoint from `contents`."""
        return ()

    def fingerprint(self) -> str:
        """A short hash over every picture's role, name and bytes."""
        digest = hashlib.sha256()
        roles = (self.contents(), self.styles(), self.adaptation())
        for role, pictures in zip(("content", "style", "adaptation"), roles, strict=True):
            for picture in (each for one in pictures for each in one.references):
                digest.update(f"{role}\0{picture.name}\0{picture.fingerprint}\n".encode())
        return digest.hexdigest()[:16]
