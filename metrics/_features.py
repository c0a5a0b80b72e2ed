"""What the feature metrics read off an encoder, computed once per picture and network."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from bench.device import Context
from bench.losses import gram

REMEMBERED = 8
"""Pictures per network: a style and the latest contents; features take 16 floats a pixel."""


@dataclass(frozen=True)
class Reading:
    """One picture's Gram matrices (1, C, C) at every tap, and its content features (1, C, H, W)."""

    grams: Sequence[Tensor]
    content: Tensor


_memory: WeakKeyDictionary[nn.Module, OrderedDict[bytes, Reading]] = WeakKeyDictionary()


class Features:
    """A named encoder, read in float32.

    Style and content distance ask for the same pictures, and the same style returns with every
    content: the latest readings are remembered by the picture's values, for all metrics that
    share the network.
    """

    def __init__(self, context: Context, encoder: str) -> None:
        self._device = context.device
        self._content_index = context.find_encoder(encoder).content_index
        self._network = context.encoder(encoder)

    def read(self, picture: Tensor) -> Reading:
        """The reading of a picture (1, 3, H, W) in [0, 1]."""
        memory = _memory.setdefault(self._network, OrderedDict())
        key = _digest(picture)
        if key not in memory:
            with torch.no_grad(), torch.autocast(self._device.type, enabled=False):
                features = self._network(picture.to(self._device))
            memory[key] = Reading([gram(f) for f in features], features[self._content_index])
        memory.move_to_end(key)
        while len(memory) > REMEMBERED:
            memory.popitem(last=False)
        return memory[key]


def _digest(picture: Tensor) -> bytes:
    values = picture.detach().cpu().contiguous().numpy()
    return hashlib.blake2b(values.tobytes() + str(values.shape).encode()).digest()
