"""A network that brings pictures to the scale it was trained on."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Normalised(nn.Module):
    """A network that takes pictures in [0, 1] and first brings their channels to a common scale.

    Args:
        mean: what is subtracted from RGB in [0, 1] …
        std: … and what the rest is divided by.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def normalise(self, picture: Tensor) -> Tensor:
        """The picture on the network's scale."""
        return (picture - self.mean) / self.std
