"""From the host to a device, so that neither waits for the other."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def constant(values: Any, like: Tensor) -> Tensor:
    """Nested tuples of numbers as a tensor of the device and type of `like`; not to be written to.

    `Tensor.new_tensor` copies from the host at each call, and waits for the copy.
    """
    if torch.compiler.is_compiling():  # the graph keeps it
        return like.new_tensor(values)
    return _kept(values, like.device, like.dtype)


@functools.cache
def _kept(values: Any, device: torch.device, dtype: torch.dtype) -> Tensor:
    with torch.inference_mode(False):  # what is made there cannot take part in a backward pass
        return torch.tensor(values, dtype=dtype, device=device)


def numbers(rows: Sequence[Sequence[int]], device: torch.device) -> Tensor:
    """Whole numbers of the host on the device, int64."""
    return sent(torch.tensor(rows, dtype=torch.int64, pin_memory=on_cuda(device)), device)


def on_cuda(device: torch.device) -> bool:
    """Whether CUDA is there for the device; not where that is only simulated (`bench check`)."""
    return device.type == "cuda" and torch.cuda.is_available()


def sent(host: Tensor, device: torch.device) -> Tensor:
    """The host's tensor on the device; from pinned memory to CUDA by a copy that nobody waits for.

    It has a stream of its own: the host, which runs ahead of the device, has it done while the
    device still computes what came before.
    """
    if not on_cuda(device):
        return host.to(device)
    stream, current = copying_stream(device), torch.cuda.current_stream(device)
    with torch.cuda.stream(stream):
        there = host.to(device, non_blocking=True)
    current.wait_stream(stream)
    there.record_stream(current)  # or the copying stream might use its memory again too early
    return there


@functools.cache
def copying_stream(device: torch.device) -> torch.cuda.Stream:
    """The stream on which copies to a device run beside its work."""
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
