"""What the metrics say of pictures, as arrays: a run may have millions of numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from pandas import DataFrame

Codes = NDArray[np.int64]


class PictureValues(NamedTuple):
    """A metric's numbers of some pictures; the number of a set has one, of no style or content.

    Styles and contents are places in the names of their frame, -1 for none.
    """

    styles: Codes
    contents: Codes
    values: NDArray[np.float64]
    style_names: Sequence[str]

    @property
    def by_style(self) -> dict[str, float]:
        """Every style's mean."""
        codes, first, inverse = np.unique(self.styles, return_index=True, return_inverse=True)
        means = np.bincount(inverse, self.values) / np.bincount(inverse)
        return {self.style_names[codes[place]]: float(means[place]) for place in np.argsort(first)}

    def beside(self, other: PictureValues) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The numbers of the pictures that both have, in one order."""
        if np.array_equal(self.styles, other.styles) and np.array_equal(
            self.contents, other.contents
        ):
            return self.values, other.values
        # the two codes in one, which may be -1
        wide = 2 + max(np.max(one.contents, initial=0) for one in (self, other))
        keys = ((one.styles + 1) * wide + one.contents + 1 for one in (self, other))
        _, mine, theirs = np.intersect1d(*keys, return_indices=True)
        return self.values[mine], other.values[theirs]


class Scores(NamedTuple):
    """What the metrics say about some pictures."""

    values: dict[str, PictureValues]  # by metric id
    missing: dict[str, Counter[tuple[str, str]]]  # metric id to (status, reason) to how many
    sets: dict[str, tuple[int, dict[str, float]]]  # metric id of a set to its pictures and parts


class Judged:
    """The frame of scores, where names are numbered."""

    def __init__(self, scores: DataFrame) -> None:
        from pandas import factorize

        def coded(name: str) -> tuple[Codes, list[str]]:
            codes, names = factorize(scores[name].to_numpy(object))
            return codes, list(names)

        self._styles, self._style_names = coded("style")
        self._contents, _ = coded("content")
        self._metrics, self._ids = coded("metric")
        self._values = scores["value"].to_numpy(float)
        self._why: Sequence[NDArray[Any]] = [
            scores[name].to_numpy(object) for name in ("status", "reason")
        ]
        self._good = (self._why[0] == "ok") & ~np.isnan(self._values)

    def scores(self, where: ArrayLike, styles: Container[str], sets: DataFrame) -> Scores:
        """What the metrics say in some rows of the frame, of some styles, and of whole sets."""
        among = np.array([name in styles for name in self._style_names], bool)
        asked = np.asarray(where, np.int64)
        places = asked[among[self._styles[asked]]]
        good = self._good[places]
        missing: dict[str, Counter[tuple[str, str]]] = {}
        for place in places[~good]:
            status, reason = (why[place] for why in self._why)
            id_ = self._ids[self._metrics[place]]
            missing.setdefault(id_, Counter())[status, reason] += 1
        places = places[good]
        metrics = self._metrics[places]
        values = {
            self._ids[metric]: self._numbers(places[metrics == metric])
            for metric in np.unique(metrics)
        }
        return _with_sets(Scores(values, missing, {}), sets)

    def _numbers(self, places: Codes) -> PictureValues:
        return PictureValues(
            self._styles[places], self._contents[places], self._values[places], self._style_names
        )


_NO_NAME = np.array([-1])


def _with_sets(scores: Scores, sets: DataFrame) -> Scores:
    names = ("metric", "status", "reason", "value", "pictures", "parts")
    columns = (sets[name].tolist() for name in names)
    for metric, status, reason, value, pictures, parts in zip(*columns, strict=True):
        if status == "ok":
            scores.values[metric] = PictureValues(_NO_NAME, _NO_NAME, np.array([float(value)]), ())
            scores.sets[metric] = pictures, parts
        else:
            scores.missing[metric] = Counter({(status, reason): 1})
    return scores
