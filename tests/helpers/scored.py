"""What metrics are tried on: noise, and contexts with some encoders."""

import torch

from bench import store
from bench.contract import Context, Precision


def picture(height=32, width=32, seed=0):
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def context_of(find_encoder):
    return Context(torch.device("cpu"), Precision(), store.collect([]), find_encoder)
