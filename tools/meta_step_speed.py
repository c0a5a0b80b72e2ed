"""How fast a meta-training step is on this machine, against a straightforward one.

    python tools/meta_step_speed.py --rounds 6

Each line is a way to make one outer step of two styles and two contents at 128 pixels; all are
timed in turn, so that whatever else runs hits them alike. The straightforward step is float32,
contiguous, second-order, with a forward pass whose result nobody uses, as the reference recipe has
it. The random pictures are the same for all.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable, Sequence

import numpy as np
import torch
from tabulate import tabulate

from bench.contract import Context, Precision
from bench.machine.clock import timed
from bench.machine.device import CANDIDATES
from bench.plugins import registry
from bench.statistics import bootstrap_median
from bench.store import PictureStore, collect

CPU = torch.device("cpu")


def pictures(count: int) -> PictureStore:
    """Random pictures: their values do not change how long a step takes."""
    rng = np.random.default_rng(0)
    return collect(
        (f"noise_{n}", rng.integers(0, 256, (256, 320, 3), dtype=np.uint8)) for n in range(count)
    )


def step(
    size: int, precision: Precision, dummy: bool = False, **options: object
) -> Callable[[], object]:
    """One outer step of a network of its own."""
    training = importlib.import_module("bench.methods._meta_training")
    context = Context(CPU, precision, pictures(8), registry.load().encoder)
    torch.manual_seed(0)
    chosen = training.MetaTrainingOptions(warm_steps=0, size=size, outer_lr=0.0, **options)
    task = training.MetaTraining(context, pictures(8), chosen)
    content = precision.layout(context.photographs.batch(chosen.batch, size))

    def run() -> object:
        if dummy:
            for _ in range(chosen.styles):
                task.network(content)
        return task.step(1)

    return run


def ways(size: int) -> dict[str, Callable[[], object]]:
    """The steps to compare; the first is the straightforward one."""
    adam = {"inner": "adam", "inner_moves": "all", "inner_lr": 1e-3, "contents": "fresh"}
    plain, fast = CANDIDATES[0], CANDIDATES[1:]
    return {
        "second order, straightforward": step(size, plain, dummy=True),
        "second order, no extra forward pass": step(size, plain),
        **{f"second order, {precision.label}": step(size, precision) for precision in fast},
        f"first order, {fast[0].label}": step(size, fast[0], rule="first-order"),
        f"Reptile, one Adam step, {fast[0].label}": step(size, fast[0], rule="reptile", **adam),
        f"all styles at once, {fast[0].label}": step(size, fast[0], rule="plain"),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--size", type=int, default=128, help="side of the crops in pixels")
    parser.add_argument("--threads", type=int, help="CPU threads")
    args = parser.parse_args(arguments)
    if args.threads:
        torch.set_num_threads(args.threads)
    runs = ways(args.size)
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for round_ in range(args.rounds + 1):
        for name, run in runs.items():
            taken = timed(run, CPU)[1]
            if round_:  # the first one warms up
                seconds[name].append(taken)
    base = seconds["second order, straightforward"]
    rows = []
    for name, taken in seconds.items():
        ratio = bootstrap_median([b / t for b, t in zip(base, taken, strict=True)])
        rows.append(
            [
                name,
                f"{np.median(taken):.2f}",
                f"{ratio.value:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]",
            ]
        )
    print(tabulate(rows, ["outer step", "s (median)", "times as fast"], "github"))


if __name__ == "__main__":
    main()
