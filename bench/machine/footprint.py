"""What a call costs besides time: memory, parameters, operations."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

PROCESS = Path("/proc/self")


@dataclass
class PeakMemory:
    """Filled when `peak_memory` ends.

    Attributes:
        bytes: peak above the start; None where it cannot be told.
        source: how it was told. "allocator": tensors in the device's memory. "VmHWM": resident
            memory of the process, libraries' workspaces included. "ru_maxrss": the same, but a
            lower bound, since an earlier peak of the process hides smaller ones. Numbers of
            different sources do not compare.
    """

    bytes: int | None = None
    source: str = "unavailable"


@contextlib.contextmanager
def peak_memory(device: torch.device) -> Iterator[PeakMemory]:
    """Peak memory above the start, of what runs inside.

    On an accelerator the statistics are its allocator's, on a CPU the process's. Both are set
    back on entry, so peaks do not nest.
    """
    peak = PeakMemory()
    gc.collect()
    source, high_water = _allocator(device) if device.type != "cpu" else _process()
    if high_water is None:
        yield peak
        return
    start = high_water()
    yield peak
    grown = high_water() - start
    peak.source = source
    if grown or source != "ru_maxrss":  # under an earlier peak a smaller one cannot be told
        peak.bytes = grown


def _allocator(device: torch.device) -> tuple[str, Callable[[], int] | None]:
    def high_water() -> int:
        torch.accelerator.synchronize(device)
        return torch.accelerator.max_memory_allocated(device)

    try:
        torch.accelerator.reset_peak_memory_stats(device)
        high_water()
    except RuntimeError:  # a backend without these statistics
        return "unavailable", None
    return "allocator", high_water


def _process() -> tuple[str, Callable[[], int] | None]:
    _trim_heap()
    try:
        (PROCESS / "clear_refs").write_text("5")  # sets the high-water mark back (man 5 proc)
        return "VmHWM", lambda: _status("VmHWM")
    except OSError:
        pass
    try:
        import resource
    except ImportError:  # Windows
        return "unavailable", None
    unit = 1 if sys.platform == "darwin" else 1024
    return "ru_maxrss", lambda: unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _status(key: str) -> int:
    match = re.search(rf"{key}:\s+(\d+) kB", (PROCESS / "status").read_text())
    if match is None:
        raise OSError(f"/proc/self/status has no {key}")
    return int(match[1]) * 1024


def _trim_heap() -> None:
    """Hand freed heap back to the system: pages that a call reuses would not count as growth."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's only
        if trim is not None:
            trim(0)


def parameters(networks: Iterable[nn.Module]) -> int:
    """How many learned numbers the networks hold; a shared parameter counts once."""
    unique = {id(p): p.numel() for network in networks for p in network.parameters()}
    return sum(unique.values())


def flops(call: Callable[[], object]) -> int | None:
    """Floating-point operations of one call, by torch's counter.

    Counted are convolutions, matrix products and attention, a multiply-add as two; everything
    elementwise is left out, as is custom in the field. For an iterative phase count one
    `next(phase)` after the first, and multiply by the steps.

    Returns:
        The count; None where torch's counter cannot follow a call that runs without it.
    """
    counter = FlopCounterMode(display=False)
    try:
        with counter:
            call()
    except Exception:  # its hooks and decompositions fail in ways of their own
        call()  # a fault of the call itself comes out here
        return None
    return int(counter.get_total_flops())
