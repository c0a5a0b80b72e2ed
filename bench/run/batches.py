"""How speed grows with the batch: pictures per second, memory and energy, until memory ends."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

import torch

from bench.machine.clock import Clock, wall_clock
from bench.machine.gpu import Gpu
from bench.results import Status
from bench.run.failures import describe_failure
from bench.run.sampling import Samples, SamplingRule, sample_interleaved

Prepare = Callable[[int], Callable[[], object]]
"""Makes the pictures of a batch of this size, and gives the call that is timed."""


@dataclass(frozen=True)
class BatchSpeed:
    """One size.

    Attributes:
        batch: pictures per call.
        status: `oom` where the memory was too small; the next size is tried all the same.
        reason: of what went wrong.
        samples: the timings; empty where nothing was timed.
        allocated_bytes: the most that tensors took, the batch itself included; None on a CPU.
        reserved_bytes: the most that torch's allocator held, likewise.
        joules: energy a picture, of the whole card, idle or not; None where NVML has none.
    """

    batch: int
    status: Status
    reason: str
    samples: Samples
    allocated_bytes: int | None = None
    reserved_bytes: int | None = None
    joules: float | None = None

    @property
    def seconds(self) -> float:
        """Median of a call."""
        return median(self.samples.seconds)

    @property
    def per_second(self) -> float:
        """Pictures."""
        return self.batch / self.seconds

    @property
    def outside_device(self) -> float | None:
        """The share of the wall time in which, by CUDA's events, no work of the call was under way.

        The host prepares, launches and waits then: much of it says that the host sets the pace.
        """
        if not self.samples.device_seconds:
            return None
        return 1 - median(self.samples.device_seconds) / self.seconds


def batch_speeds(
    prepare: Prepare,
    batches: Sequence[int],
    device: torch.device,
    rule: SamplingRule,
    gpu: Gpu | None = None,
    clock: Clock = wall_clock,
) -> Iterator[BatchSpeed]:
    """Time a call at one size after the other, the caches as warm as the calls before leave them.

    Args:
        prepare: see `Prepare`.
        batches: the sizes.
        device: to synchronise, and whose memory is asked for.
        rule: when a size is timed often enough.
        gpu: to ask for energy.
        clock: to read.
    """
    for batch in batches:
        _forget(device)
        speed = _speed(prepare, batch, device, rule, gpu, clock)
        yield speed


def _speed(
    prepare: Prepare,
    batch: int,
    device: torch.device,
    rule: SamplingRule,
    gpu: Gpu | None,
    clock: Clock,
) -> BatchSpeed:
    joules = gpu.joules() if gpu else None
    try:
        call = prepare(batch)
    except Exception as error:
        samples = Samples()
        samples.failed(error)
    else:
        samples = sample_interleaved({"call": call}, rule, 0, device, clock)["call"]
        del call
    if samples.error is not None:
        status, reason = describe_failure(samples.error)
        return BatchSpeed(batch, status, reason, samples)
    allocated = reserved = None
    if device.type != "cpu":
        allocated = torch.accelerator.max_memory_allocated(device)
        reserved = torch.accelerator.max_memory_reserved(device)
    after = gpu.joules() if gpu else None
    energy = None
    if joules is not None and after is not None:
        energy = (after - joules) / batch / (samples.warmup.calls + len(samples.seconds))
    return BatchSpeed(batch, "ok", "", samples, allocated, reserved, energy)


def _forget(device: torch.device) -> None:
    """Give back what the size before has held, and begin to look for the peak anew."""
    gc.collect()
    if device.type != "cpu":
        torch.accelerator.empty_cache()
        torch.accelerator.reset_peak_memory_stats(device)
