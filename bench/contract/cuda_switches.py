"""Torch's switches of CUDA's arithmetic and algorithms; there to be turned without CUDA too."""

from __future__ import annotations

import warnings
from typing import Literal, NamedTuple

import torch

Arithmetic = Literal["none", "ieee", "tf32"]


_ask, _ask_benchmark = torch._C._get_fp32_precision_getter, torch._C._get_cudnn_benchmark


class Switches(NamedTuple):
    """What convolutions, recurrent layers and matrix products compute in, and `cudnn.benchmark`."""

    conv: Arithmetic
    rnn: Arithmetic
    matmul: Arithmetic
    benchmark: bool


def switches() -> Switches:
    """As they are; `torch.backends` takes five times as long, and every call asks."""
    return Switches(
        _ask("cuda", "conv"),  # type: ignore[arg-type]
        _ask("cuda", "rnn"),  # type: ignore[arg-type]
        _ask("cuda", "matmul"),  # type: ignore[arg-type]
        _ask_benchmark(),
    )


def turn(wanted: Switches) -> None:
    """Turn them.

    The older `allow_tf32`, which others may ask for, is a switch of its own: torch refuses to say
    what it is where the newer ones differ from it.
    """
    backends = torch.backends
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that there are newer ones
        backends.cudnn.allow_tf32 = wanted.conv == "tf32"
        backends.cuda.matmul.allow_tf32 = wanted.matmul == "tf32"
    backends.cudnn.conv.fp32_precision = wanted.conv  # type: ignore[attr-defined]
    backends.cudnn.rnn.fp32_precision = wanted.rnn  # type: ignore[attr-defined]
    backends.cuda.matmul.fp32_precision = wanted.matmul
    backends.cudnn.benchmark = wanted.benchmark
