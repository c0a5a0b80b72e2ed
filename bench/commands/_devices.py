"""A run on each of several devices: the same arguments with one device after the other."""

from __future__ import annotations

import argparse
import copy
from collections.abc import Iterator

from bench.errors import BenchError


def by_device(args: argparse.Namespace) -> Iterator[argparse.Namespace]:
    """The arguments for each device that is asked for, which is then their `device`.

    Raises:
        BenchError: one of several is named twice or is not there.
    """
    import torch

    from bench.machine.device import choose_device

    names = args.device or ["auto"]
    if len(names) > 1:
        devices = [choose_device(name) for name in names]
        if len(set(devices)) < len(devices):
            raise BenchError(f"--device {' --device '.join(names)}: name each device once")
    threads = torch.get_num_threads()
    for name in names:
        torch.set_num_threads(threads)  # which a run on a CPU may have changed
        yield argparse.Namespace(**{**copy.deepcopy(vars(args)), "device": name})
