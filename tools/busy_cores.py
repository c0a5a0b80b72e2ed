"""What a step of adaptation takes on cores that other processes keep busy, by threads and by wait.

    python tools/busy_cores.py --busy 0 1 2 --rounds 8

Threads that spin while they wait keep from a core whoever they wait for. Each line is a way to set
threads, the last one what `bench` does by itself: it has them wait passively, and takes as many as
a probe finds useful beside the load. Each column is so many processes that do nothing but compute.
Seconds are those on the wall, medians. To be run on cores that nobody else uses.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch
from meta_step_speed import adaptation
from tabulate import tabulate
from turns import Worker, take_turns

from bench.contract import Precision
from bench.machine import threads
from bench.machine.allocator import keep_freed_memory
from bench.machine.device import choose_precision
from bench.machine.openmp import POLICY, THREADS

CPU = torch.device("cpu")
PASSIVE = {POLICY: "PASSIVE"}


class Way(NamedTuple):
    """How many threads, None for as many as the probe says, and the environment's variables."""

    threads: int | None
    variables: Mapping[str, str | None]


def ways(cores: int) -> dict[str, Way]:
    """Ways to set threads, the last one that of `bench`."""
    clean: dict[str, str | None] = dict.fromkeys((*THREADS, POLICY))
    return {
        f"{cores} threads, torch's own wait": Way(cores, clean),
        f"{cores} threads, passive": Way(cores, {**clean, **PASSIVE}),
        "1 thread": Way(1, {**clean, **PASSIVE}),
        "bench: passive, probed": Way(None, {**clean, **PASSIVE}),
    }


def step(size: int, precision: Precision, count: int | None) -> Callable[[], int]:
    """A step that gives the number of its threads."""
    keep_freed_memory()
    if count is None:
        threads.ask_threads(None)
        threads.fit_threads(CPU, precision)
    else:
        torch.set_num_threads(count)
    call = adaptation(size, precision)

    def run() -> int:
        call()
        return torch.get_num_threads()

    return run


def _spin() -> None:
    while True:
        pass


@contextmanager
def busy(count: int) -> Iterator[None]:
    """So many processes that compute all the time."""
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_spin, daemon=True) for _ in range(count)]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.join()


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--busy", type=int, nargs="+", default=[0, 1, 2], metavar="N")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--size", type=int, default=128, help="side of the crops in pixels")
    parser.add_argument("--precision", default="auto")
    args = parser.parse_args(arguments)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    precision = choose_precision(args.precision, CPU)
    settings = ways(cores or 1)
    columns: list[list[str]] = []
    for count in args.busy:
        with busy(count):
            workers = {
                name: Worker(step, args.size, precision, way.threads, variables=way.variables)
                for name, way in settings.items()
            }
            taken = take_turns(workers, args.rounds, wall=True)
            chosen = workers[list(workers)[-1]].ask()[0]
        column = [f"{np.median(seconds):.2f}" for seconds in taken.values()]
        columns.append([*column[:-1], f"{column[-1]} (by {chosen})"])
    print(f"{cores} cores, {precision.label}, load average at the end {os.getloadavg()[0]:.1f}")
    rows = [[name, *cells] for name, *cells in zip(settings, *columns, strict=True)]
    print(tabulate(rows, ["s a step", *(f"{n} busy" for n in args.busy)], "github"))


if __name__ == "__main__":
    main()
