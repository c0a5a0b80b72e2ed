"""What the feature metrics read off an encoder, computed once per picture and network."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from bench.contract import Context, Encoder, Triple
from bench.losses import gram

PERCEPTUALLY_TRAINED = (
    *("gatys", "johnson", "metastyle", "cin", "ghiasi", "metanet"),
    "predict-adapt",
)
"""The built-in methods whose loss is `bench.perceptual`'s, on vgg19-quarter by default."""

REMEMBERED = 8
"""Pictures per network: a style and the latest contents; features take 16 floats a pixel."""

DIRECTIONS, QUANTILES = 64, 256
"""How many projections `projections` has, and how many numbers each of them is kept as."""

COLOUR_FIRST = "may prefer the style's colours alone to its strokes"
"""What the style metrics on vgg16-bsds get wrong (docs/judges.md)."""

T = TypeVar("T")
Statistic = Callable[[Sequence[Tensor], Encoder], T]
"""What is kept of one picture's features (1, C, H, W) at every tap."""


def grams(features: Sequence[Tensor], encoder: Encoder) -> Sequence[Tensor]:
    """The Gram matrices (1, C, C), see `bench.losses.gram`."""
    return [gram(f) for f in features]


def content(features: Sequence[Tensor], encoder: Encoder) -> Tensor:
    """The features at the content tap."""
    return features[encoder.content_index]


def moments(features: Sequence[Tensor], encoder: Encoder) -> Sequence[Tensor]:
    """The channels' means, and after them their standard deviations: (1, 2 C)."""
    flat = [f.flatten(2) for f in features]
    return [torch.cat([f.mean(2), f.std(2, correction=0)], 1) for f in flat]


def projections(features: Sequence[Tensor], encoder: Encoder) -> Sequence[Tensor]:
    """The features' distribution along fixed random directions: (1, DIRECTIONS, QUANTILES).

    Sorted, then averaged within equal shares of the positions, so that pictures of different
    sides compare; where the shares do not come out even they overlap.
    """
    found = []
    for f in features:
        generator = torch.Generator().manual_seed(f.shape[1])
        directions = torch.randn(DIRECTIONS, f.shape[1], generator=generator)
        directions = (directions / directions.norm(dim=1, keepdim=True)).to(f.device)
        ordered = (directions @ f.flatten(2)).sort(2).values
        found.append(F.adaptive_avg_pool1d(ordered, QUANTILES))
    return found


def gathered(
    read: Callable[[Tensor], NDArray[np.float64]], pictures: Iterable[Triple]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One vector of every stylized picture, and one of its style: (N, C) each."""
    pairs = [(read(stylized), read(style)) for stylized, _, style in pictures]
    stylized_features, wanted = (np.stack(side) for side in zip(*pairs, strict=True))
    return stylized_features, wanted


_Memory = OrderedDict[bytes, dict[Statistic[Any], Any]]
_memory: WeakKeyDictionary[nn.Module, _Memory] = WeakKeyDictionary()
_wanted: WeakKeyDictionary[nn.Module, dict[Statistic[Any], None]] = WeakKeyDictionary()


class Features(Generic[T]):
    """One statistic of a named encoder's features, in float32.

    Several metrics ask for the same pictures, and the same style returns with every content: a
    picture passes a network once for the statistics of all metrics that were loaded, and the
    latest ones are remembered by the picture's values.
    """

    def __init__(self, context: Context, encoder: str, statistic: Statistic[T]) -> None:
        self._device = context.device
        self._encoder = context.find_encoder(encoder)
        self._network = context.encoder(encoder)
        self._statistic = statistic
        _wanted.setdefault(self._network, {})[statistic] = None

    def read(self, picture: Tensor) -> T:
        """The statistic of a picture (1, 3, H, W) in [0, 1]."""
        memory = _memory.setdefault(self._network, OrderedDict())
        key = _digest(picture)
        if self._statistic not in memory.get(key, ()):
            with torch.no_grad(), torch.autocast(self._device.type, enabled=False):
                features = self._network(picture.to(self._device))
                wanted = _wanted[self._network]
                memory[key] = {each: each(features, self._encoder) for each in wanted}
        memory.move_to_end(key)
        while len(memory) > REMEMBERED:
            memory.popitem(last=False)
        found: T = memory[key][self._statistic]
        return found


def _digest(picture: Tensor) -> bytes:
    values = picture.detach().cpu().contiguous().numpy()
    return hashlib.blake2b(values.tobytes() + str(values.shape).encode()).digest()
