"""How fast the transformation network stylizes on this machine, in its variants.

    python tools/inference_speed.py --rounds 20 --compile
    python tools/inference_speed.py --peers           # beside ONNX Runtime and OpenVINO

Every variant of the network, at every size, against plain float32 in contiguous layout: the ratio
of the times, pair by pair in rounds that go over all variants, so that whatever else runs hits
them alike; how equal the pictures are; and the share of the measured peak, by the plain network's
operations.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import importlib
from collections.abc import Callable
from typing import Any

import torch
from tabulate import tabulate
from torch import Tensor

from bench import images, runtimes
from bench.contract import Precision
from bench.errors import BenchError
from bench.machine import footprint, roofline
from bench.machine.clock import timed
from bench.machine.device import CANDIDATES
from bench.report.peak import share
from bench.statistics import bootstrap_median

CPU = torch.device("cpu")


def variants(
    compiled: bool, peers: bool
) -> dict[str, tuple[Precision, Callable[[Tensor], Tensor]]]:
    """The network in every way that it can be run; the first is what the others compare with."""
    transform_net, fused, tiled = (
        importlib.import_module(f"bench.methods.{name}")
        for name in ("_transform_net", "_fused", "_tiled")
    )

    def network() -> Any:
        torch.manual_seed(0)  # what the weights are does not change how long a picture takes
        plain = transform_net.TransformNet().requires_grad_(False).eval()
        return plain

    ways: dict[str, tuple[Precision, Callable[[Tensor], Tensor]]] = {}
    for precision in CANDIDATES:
        placed = network().to(memory_format=precision.memory_format)
        ways[precision.label] = precision, placed
        if compiled:
            ways[f"{precision.label}, torch.compile"] = precision, torch.compile(placed)
    ways["float32/fused"] = CANDIDATES[0], fused.FusedNet(network())
    with contextlib.suppress(BenchError):  # no AMX
        tiled.require_tiles()
        ways["bfloat16/fused"] = CANDIDATES[0], tiled.TiledNet(network())
    if peers:
        portable = importlib.import_module("bench.methods._exported").Portable(network())
        data, threads = runtimes.to_onnx(portable), torch.get_num_threads()
        for name in ("onnxruntime", "openvino", "openvino bfloat16"):
            name, _, half = name.partition(" ")
            dtype = torch.bfloat16 if half else torch.float32
            label = f"{str(dtype).removeprefix('torch.')}/{name}"
            ways[label] = CANDIDATES[0], runtimes.RUNTIMES[name](data, threads, dtype)
    return ways


def stylize(precision: Precision, network: Callable[[Tensor], Tensor], picture: Tensor) -> Tensor:
    """One pass in a precision."""
    with precision.autocast(CPU):
        return network(picture)


def rows(size: int, rounds: int, compiled: bool, peers: bool) -> list[list[str]]:
    """One line of the table per variant."""
    content = next(iter(importlib.import_module("bench.datasets.default").Default().contents()))
    picture = images.load(content, size)
    calls: dict[str, Callable[[], Tensor]] = {}
    first: dict[str, float] = {}
    for name, (precision, network) in variants(compiled, peers).items():
        calls[name] = functools.partial(stylize, precision, network, precision.layout(picture))
        first[name] = timed(calls[name], CPU)[1]
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            seconds[name].append(timed(call, CPU)[1])
    plain, *_ = calls
    truth = calls[plain]()
    flops = footprint.flops(calls[plain]) or 0
    peak = roofline.measured_peaks(CPU, torch.get_num_threads())
    lines = []
    for name, call in calls.items():
        ratio = [a / b for a, b in zip(seconds[plain], seconds[name], strict=True)]
        value, low, high = bootstrap_median(ratio)
        error = (call().double() - truth.double()).square().mean()
        median = torch.tensor(seconds[name]).median().item()
        lines.append(
            [
                str(size),
                name,
                f"{1e3 * median:.1f}",
                f"{1e3 * min(seconds[name]):.1f}",
                f"{value:.2f} [{low:.2f}, {high:.2f}]",
                f"{-10 * torch.log10(error):.0f}" if error else "same",
                f"{share(flops, median, name, peak):.0%}",
                f"{first[name]:.2f}",
            ]
        )
    return lines


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, nargs="+", default=[256, 512])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--threads", type=int, help="default: torch's")
    parser.add_argument("--compile", action="store_true", help="with torch.compile (minutes)")
    parser.add_argument("--peers", action="store_true", help="other runtimes (the extra export)")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    peak = roofline.measured_peaks(CPU, torch.get_num_threads())
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}")
    print("GFLOP/s:", *(f"{d} {k} {v:g}," for d, by in peak.items() for k, v in by.items()))
    head = ["px", "variant", "median ms", "least ms", "times as fast", "PSNR dB", "of peak"]
    with torch.inference_mode():
        lines = [
            line for size in args.size for line in rows(size, args.rounds, args.compile, args.peers)
        ]
    print(tabulate(lines, [*head, "first call s"], disable_numparse=True, tablefmt="github"))


if __name__ == "__main__":
    main()
