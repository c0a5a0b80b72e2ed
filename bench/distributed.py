"""Training on several devices: torchrun starts the same command once for each of them.

Every process learns from pictures of its own, gradients are averaged, and the first process
alone decides when to end, writes and speaks. Without torchrun nothing here does anything.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence

import torch
import torch.distributed as dist
from torch import Tensor


def rank() -> int:
    """The process's number, from 0 on; `RANK` is torchrun's."""
    return int(os.environ.get("RANK", "0"))


def processes() -> int:
    """How many there are; `WORLD_SIZE` is torchrun's."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def restarted() -> bool:
    """Whether torchrun starts all anew after a failure; `TORCHELASTIC_RESTART_COUNT` is its."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")) > 0


def own_device(device: torch.device) -> torch.device:
    """The device of that kind that is this process's own; `LOCAL_RANK` is torchrun's."""
    if processes() == 1 or device.type == "cpu" or device.index is not None:
        return device
    return torch.device(device.type, int(os.environ["LOCAL_RANK"]))


@contextlib.contextmanager
def joined(device: torch.device) -> Iterator[None]:
    """The processes that torchrun started talk to each other inside."""
    if processes() == 1:
        yield
        return
    host, own = torch.device("cpu"), dist.get_default_backend_for_device(device)
    backends = {"cpu": dist.get_default_backend_for_device(host), device.type: own}
    dist.init_process_group(",".join(":".join(pair) for pair in backends.items()))
    try:
        yield
    finally:
        dist.destroy_process_group()


def average(tensors: Sequence[Tensor]) -> None:
    """Replace tensors by their means over the processes, in place and in one message."""
    if processes() == 1:
        return
    flat = torch.cat([t.detach().flatten() for t in tensors])
    dist.all_reduce(flat)
    flat /= processes()
    parts = torch.split(flat, [t.numel() for t in tensors])
    for tensor, part in zip(tensors, parts, strict=True):
        tensor.detach().copy_(part.view_as(tensor))


def anywhere(flag: bool) -> bool:
    """Whether the flag is set in any process; the hosts ask each other, and wait for no device."""
    if processes() == 1:
        return flag
    votes = torch.tensor(int(flag))
    dist.all_reduce(votes, dist.ReduceOp.MAX)
    return bool(votes.item())
