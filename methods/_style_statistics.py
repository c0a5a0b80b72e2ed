"""A style as the channel means and deviations of a network's features: what hypernetworks read."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bench.contract import Context

from ._feature_matching import moments


class StyleStatistics(nn.Module):
    """Means and deviations of every channel at every tap, standardised over the training styles.

    Pictures (N, 3, H, W) to (N, D), D twice the taps' channels. Each number is shifted and
    scaled to mean 0 and deviation 1 over pictures that `standardise` is given, and clamped to
    ±4: a style far from all that was seen shall not throw a generated network off.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, context: Context, encoder: str) -> None:
        super().__init__()
        self._encoder = (context.encoder(encoder),)  # in a tuple: no part of the trained state
        with torch.inference_mode():
            taps = self._encoder[0](torch.zeros(1, 3, 64, 64, device=context.device))
        self.size = 2 * sum(features.shape[1] for features in taps)
        self.register_buffer("mean", torch.zeros(self.size))
        self.register_buffer("deviation", torch.ones(self.size))

    @property
    def encoder(self) -> nn.Module:
        """The network whose features are read."""
        return self._encoder[0]

    def raw(self, styles: Tensor) -> Tensor:
        """The statistics as they are, (N, D)."""
        with torch.no_grad():
            return self.of(self.encoder(styles))

    @staticmethod
    def of(features: Sequence[Tensor]) -> Tensor:
        """The statistics of features, one per tap."""
        return torch.cat([moments(f) for f in features], 2).transpose(0, 1).flatten(1)

    def standardise(self, raw: Tensor) -> None:
        """Take the shift and the scale from the statistics of many styles (M, D)."""
        self.mean.copy_(raw.mean(0))
        self.deviation.copy_(raw.std(0).clamp_min(1e-3))

    def forward(self, styles: Tensor) -> Tensor:
        """The standardised statistics (N, D)."""
        return self.standard(self.raw(styles))

    def standard(self, raw: Tensor) -> Tensor:
        """Raw statistics, standardised and clamped."""
        return ((raw - self.mean) / self.deviation).clamp(-4, 4)
