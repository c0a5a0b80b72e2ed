"""The user's own pictures: files, and folders with all that lies below them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.contract import Dataset, Picture
from bench.errors import BenchError
from bench.hooks import hookimpl
from bench.options import option

from ._files import found


@dataclass(frozen=True)
class Options:
    """Where the pictures are; several paths are separated as in `$PATH`."""

    content: str = option("", "photographs to stylize: files or folders")
    style: str = option("", "styles: files or folders")
    adapt: str = option("", "photographs that methods may adapt on; empty: the embedded ones")


class Folder(Dataset):
    """Pictures named by their file names; one that cannot be used fails when it is read."""

    name = "folder"
    Options = Options

    def contents(self) -> Sequence[Picture]:
        """The photographs, in the order of the paths; within a folder sorted by path."""
        return found(self.options.content, "folder.content", "use --content PHOTOS/")

    def styles(self) -> Sequence[Picture]:
        """The styles, in the order of the paths; within a folder sorted by path."""
        return found(self.options.style, "folder.style", "use --style PAINTINGS/")

    def adaptation(self) -> Sequence[Picture]:
        """The photographs to adapt on; none where the option is empty.

        Raises:
            BenchError: one of them is also a content, by its bytes.
        """
        if not self.options.adapt:
            return ()
        contents = {picture.fingerprint: picture for picture in self.contents()}
        pictures = found(self.options.adapt, "folder.adapt", "name files or folders")
        for picture in pictures:
            if picture.fingerprint in contents:
                raise BenchError(
                    f"folder.adapt: {picture.path} is also the content "
                    f"{contents[picture.fingerprint].path}: take it out of one of the two"
                )
        return pictures


@hookimpl
def bench_datasets() -> Sequence[type[Dataset]]:
    """The dataset of this page."""
    return [Folder]
