"""What tests of the study of judges share."""

import torch


def picture(side=40, seed=0):
    return torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(seed))
