"""What the harness adds to the times that it reports, against a bare loop.

    python tools/harness_overhead.py --method metastyle --size 64 128 --rounds 30

The same object is timed in turns, in random order: by the harness as `bench run` does it (clock,
phases, samples), and by a loop with a clock around it and nothing in it but the method. Around a
method that does nothing, what is left is the harness itself: on a noisy machine that tells more.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Sequence

import torch
from tabulate import tabulate
from torch import Tensor

from bench import options
from bench.compare import tasks
from bench.contract import Context, Method, Precision
from bench.contract.phases import adapting, stylizing
from bench.plugins import registry
from bench.run.sampling import SamplingRule, sample_interleaved
from bench.statistics import bootstrap_median
from bench.store import collect

CPU = torch.device("cpu")
CALLS = 5  # in a turn


class Nothing(Method):
    """Gives the content back."""

    name = "nothing"
    family = "anchor"
    autocast = False

    def stylize(self, content: Tensor) -> Tensor:
        """The content."""
        return content


def bare(call: Callable[[], object], calls: int) -> float:
    """Seconds of a call, by a loop."""
    start = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - start) / calls


def harness(call: Callable[[], object], calls: int) -> float:
    """Seconds of a call, as `bench run` samples it."""
    rule = SamplingRule(
        min_samples=calls,
        min_seconds=0.0,
        min_rounds=1,
        max_samples=calls,
        slice_seconds=1e9,
        turn_samples=calls,
        warmup_seconds=0.0,
    )
    seconds = sample_interleaved({"x": call}, rule, 0, CPU)["x"].seconds
    return sum(seconds) / len(seconds)


def overhead(
    method: Method, size: int, rounds: int, calls: int = CALLS
) -> tuple[list[float], list[float]]:
    """Seconds of a call in every round: of the bare loop, and by the harness."""
    content, style = torch.rand(2, 1, 3, size, size)
    next(adapting(method, style))
    ways: list[tuple[Callable[[Callable[[], object], int], float], Callable[[], object]]] = [
        (bare, lambda: method.stylize(content)),
        (harness, lambda: list(stylizing(method, content))[-1]),
    ]
    seconds: tuple[list[float], list[float]] = ([], [])
    for round_ in range(rounds + 1):
        for number in random.sample(range(2), 2):
            way, call = ways[number]
            taken = way(call, calls)
            if round_:  # the first one warms up
                seconds[number].append(taken)
    return seconds


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--method", default="metastyle")
    parser.add_argument("--option", nargs="*", default=["metastyle.inference=fused"])
    parser.add_argument("--size", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--threads", type=int, default=tasks.TimedTask.threads, help="CPU threads")
    args = parser.parse_args(arguments)
    torch.set_num_threads(args.threads)
    loaded = registry.load()
    context = Context(CPU, Precision(), collect([]), loaded.encoder)
    cls = loaded.method(args.method)
    given = options.parse_pairs(args.option).get(args.method, {})
    method = cls(context, options.build(cls.Options, given, args.method))
    method.load()
    idle, sampled = overhead(Nothing(context), args.size[0], args.rounds, 200)
    added = min(sampled) - min(idle)
    rows = []
    for size in args.size:
        loop, sampled = overhead(method, size, args.rounds)
        value, low, high = bootstrap_median([b / a for a, b in zip(loop, sampled, strict=True)])
        rows.append(
            [
                method.name,
                size,
                f"{1e3 * min(loop):.2f}",
                f"{100 * (value - 1):+.2f} % [{100 * (low - 1):+.2f}, {100 * (high - 1):+.2f}]",
                f"{100 * added / min(loop):.3f} %",
            ]
        )
    head = ["method", "px", "bare loop, ms (least)", "by the harness", "the harness itself"]
    print(tabulate(rows, head, "github", disable_numparse=True))
    print(f"\nthe harness itself, around a method that does nothing: {1e6 * added:.1f} µs a call")


if __name__ == "__main__":
    main()
