"""Short convolutions by fewer products, in one dimension against the definition."""

import importlib

import pytest
import torch
import torch.nn.functional as F

algorithms = importlib.import_module("bench.methods._fused_algorithms")


@pytest.mark.parametrize("algorithm", [*algorithms.ALGORITHMS.values(), algorithms.TALL])
def test_algorithm_is_the_convolution(algorithm):
    """In one dimension: against the definition."""
    b, g, a = (
        torch.tensor(matrix, dtype=torch.float64)
        for matrix in (algorithm.input, algorithm.kernel, algorithm.output)
    )
    generator = torch.Generator().manual_seed(0)
    kernel = torch.randn(3, generator=generator, dtype=torch.float64)
    tile = torch.randn(b.shape[1], generator=generator, dtype=torch.float64)
    if algorithm is algorithms.ALGORITHMS["smooth"]:
        long = F.interpolate(tile[None, None], scale_factor=2, mode="linear")[0, 0, 1:-1]
    else:
        long = tile.repeat_interleave(2)[1:-1] if algorithm.scale == 2 else tile
    windows = long.unfold(0, 3, 2 if algorithm.scale == 0.5 else 1)
    torch.testing.assert_close(a @ ((g @ kernel) * (b @ tile)), windows @ kernel)
    assert len(a) == algorithm.step * algorithm.scale
