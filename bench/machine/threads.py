"""How many threads compute on a CPU: as asked for, or as many as are of use beside others."""

from __future__ import annotations

import os
import statistics

import torch

from bench.contract import Precision
from bench.machine.clock import CLEARLY_FASTER, timed
from bench.machine.device import workload
from bench.machine.openmp import THREADS

ROUNDS = 5
HOPELESS = 3
"""Whoever takes so many times as long is not asked again."""

DEFAULT = "torch's own number"
current_reason = DEFAULT


def reason() -> str:
    """Why torch has the number of threads that it has."""
    return current_reason


def ask_threads(asked: int | None) -> None:
    """Take the number that the user asks for, here or in the environment, if any."""
    global current_reason
    if asked:
        torch.set_num_threads(asked)
    given = ["asked for"] * bool(asked) + [name for name in THREADS if name in os.environ]
    current_reason = given[0] if given else DEFAULT


def fit_threads(device: torch.device, precision: Precision) -> None:
    """On a CPU, where nobody asked for a number, take the one that `probe` finds."""
    global current_reason
    if device.type == "cpu" and current_reason == DEFAULT and torch.get_num_threads() > 1:
        chosen, current_reason = probe(torch.get_num_threads(), precision)
        torch.set_num_threads(chosen)


def probe(most: int, precision: Precision) -> tuple[int, str]:
    """The fewest threads that are about as fast as any number up to `most`, and what was measured.

    The cores that others keep busy are no help: whoever computes there is waited for. Medians, as
    these waits are the rule then. Takes about a second.
    """
    counts = [*(2**k for k in range((most - 1).bit_length())), most]
    before, cpu = torch.get_num_threads(), torch.device("cpu")
    call = workload(cpu, precision)
    call()  # warms up
    seconds: dict[int, list[float]] = {count: [] for count in counts}
    left = counts
    for _ in range(ROUNDS):
        for count in left:
            torch.set_num_threads(count)
            seconds[count].append(timed(call, cpu)[1])
        least = min(seconds[count][-1] for count in left)
        left = [count for count in left if seconds[count][-1] <= HOPELESS * least]
    torch.set_num_threads(before)
    medians = {count: statistics.median(taken) for count, taken in seconds.items()}
    least = min(medians[count] for count in left)
    chosen = next(count for count in left if CLEARLY_FASTER * medians[count] <= least)
    timings = ", ".join(f"{count}: {1e3 * median:.1f} ms" for count, median in medians.items())
    return chosen, f"probe of threads: {timings}"
