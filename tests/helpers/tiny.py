"""A feature network and pictures so small that a training step takes milliseconds."""

import numpy as np
import torch

from bench.contract import Encoder, Weights
from bench.store import collect


class TinyEncoder(Encoder):
    """Two fixed convolutions: enough of a feature network for arithmetic."""

    name = "tiny"
    taps = ("shallow", "deep")
    content_tap = "deep"
    weights = Weights("none", None, "nowhere", "none")

    def build(self):
        generator = torch.Generator().manual_seed(1)

        class Network(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.one = torch.nn.Conv2d(3, 4, 3, padding=1)
                self.two = torch.nn.Conv2d(4, 6, 3, 2, padding=1)
                for parameter in self.parameters():
                    parameter.data = torch.randn(parameter.shape, generator=generator) * 0.3

            def forward(self, x):
                shallow = torch.nn.functional.softplus(self.one(x))
                return [shallow, torch.nn.functional.softplus(self.two(shallow))]

        return Network()


def pictures(count, seed):
    rng = np.random.default_rng(seed)
    return collect(
        (f"p_{i}", rng.integers(0, 256, (48, 56, 3), dtype=np.uint8)) for i in range(count)
    )
