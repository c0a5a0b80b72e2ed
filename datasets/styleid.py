"""StyleID-800: 20 photographs (MS-COCO) by 40 paintings (WikiArt), the field's usual test set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench import paths
from bench.contract import Dataset, Picture
from bench.errors import BenchError
from bench.hooks import hookimpl
from bench.options import option
from bench.picture_files import find

from ._files import pictures

_LAYOUT = "expected are ROOT/data/cnt (photographs) and ROOT/data/sty (paintings)"


@dataclass(frozen=True)
class Options:
    """Where the set is."""

    root: str = option(
        "", "a checkout of github.com/jiwoogit/StyleID, with data/cnt and data/sty", path=True
    )


class StyleID(Dataset):
    """The pictures as the authors ship them; every one is evaluated, none is adapted on."""

    name = "styleid"
    Options = Options
    citation = (
        "Chung, Hyun, Heo: Style Injection in Diffusion: A Training-free Approach for Adapting "
        "Large-scale Diffusion Models for Style Transfer, CVPR 2024"
    )

    def contents(self) -> Sequence[Picture]:
        """The pictures of `data/cnt`, sorted by file name."""
        return self._part("cnt")

    def styles(self) -> Sequence[Picture]:
        """The pictures of `data/sty`, sorted by file name."""
        return self._part("sty")

    def _part(self, name: str) -> list[Picture]:
        if not self.options.root:
            raise BenchError(
                "styleid.root is not set: name a checkout of github.com/jiwoogit/StyleID; "
                + _LAYOUT
            )
        folder = paths.expanded(self.options.root) / "data" / name
        if not folder.is_dir():
            raise BenchError(f"{folder} is not there; {_LAYOUT}")
        return pictures(find([folder]), licence="terms of MS-COCO and WikiArt")


@hookimpl
def bench_datasets() -> Sequence[type[Dataset]]:
    """The dataset of this page."""
    return [StyleID]
