"""How fast a step of training is on this machine, against a plain one, and what each part gives.

    python tools/meta_step_speed.py --rounds 8

The plain step is composed of torch's own operations, in float32, contiguous. Each line below it is
a step by bench's layers, as `bench train` and `bench run` make it, or one from which a part has
been taken out again. All take turns, each in a process of its own, by one thread.

To see what a processor without AMX, or without AVX-512-BF16 too, would make of it, hide them from
torch's convolutions: `ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16`, or `AVX512_CORE`, or `AVX2`.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import math
from collections.abc import Callable, Sequence
from types import ModuleType

import numpy as np
import torch
import torch.nn.functional as F
from tabulate import tabulate
from torch import Tensor
from turns import Worker, ratio, take_turns

from bench.contract import Context, Precision
from bench.contract.phases import adapting
from bench.machine.allocator import keep_freed_memory
from bench.machine.device import CANDIDATES
from bench.plugins import registry
from bench.store import PictureStore, collect

CPU = torch.device("cpu")
PLAIN, LAST, BFLOAT16 = CANDIDATES


def plain_norm(
    x: Tensor, gain: Tensor, bias: Tensor, relu: bool = False, limit: float = math.inf
) -> Tensor:
    """`instance_norm` by torch's operations."""
    y = F.instance_norm(x.to(torch.promote_types(x.dtype, torch.float32)))
    y = y.clamp(-limit, limit) if limit < math.inf else y
    y = (y * gain[..., None, None] + bias[..., None, None]).to(x.dtype)
    return y.relu() if relu else y


def plain_upsampled(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """`upsampled_conv` by torch's operations."""
    large = F.interpolate(x, scale_factor=2, mode="bilinear")
    return F.conv2d(F.pad(large, (1, 1, 1, 1), mode="replicate"), weight, bias)


def plain_reflected(x: Tensor, margin: int) -> Tensor:
    """`reflected` by torch's operations."""
    return F.pad(x, (margin,) * 4, mode="reflect")


def plain_gram(features: Tensor) -> Tensor:
    """`gram` by torch's operations."""
    with torch.autocast("cpu", enabled=False):
        flat = features.float().flatten(2)
        return flat @ flat.mT / flat[0].numel()


def plain_adam(parameters: Sequence[Tensor], lr: float = 1e-3) -> torch.optim.Adam:
    """`adam` by torch's default."""
    return torch.optim.Adam(list(parameters), lr)


def _methods(*names: str) -> list[ModuleType]:
    return [importlib.import_module(f"bench.methods.{name}") for name in names]


def replacements() -> dict[str, list[tuple[ModuleType, str, object]]]:
    """By part: where its functions are looked up, under which name, and a plain one instead."""
    net, meta, training, fitting = _methods(
        "_transform_net", "_meta_training", "_network_training", "_fitting"
    )
    losses, perceptual = (importlib.import_module(f"bench.{n}") for n in ("losses", "perceptual"))
    return {
        "normalisation": [(net, "instance_norm", plain_norm)],
        "padding": [(net, "reflected", plain_reflected)],
        "upsampling": [(net, "upsampled_conv", plain_upsampled)],
        "Gram matrices": [(place, "gram", plain_gram) for place in (losses, perceptual)],
        "second derivatives": [(meta, "SecondDerivatives", contextlib.nullcontext)],
        "Adam": [(place, "adam", plain_adam) for place in (meta, training, fitting)],
    }


MEMORY = "freed memory kept"
PARTS = ("normalisation", "padding", "upsampling", "Gram matrices", "second derivatives", "Adam")


def pictures(count: int) -> PictureStore:
    """Random pictures: their values do not change how long a step takes."""
    rng = np.random.default_rng(0)
    return collect(
        (f"noise_{n}", rng.integers(0, 256, (256, 320, 3), dtype=np.uint8)) for n in range(count)
    )


def step(size: int, precision: Precision, **options: object) -> Callable[[], object]:
    """One outer step of a network of its own."""
    (training,) = _methods("_meta_training")
    context = Context(CPU, precision, pictures(8), registry.load().encoder)
    torch.manual_seed(0)
    chosen = training.MetaTrainingOptions(warm_steps=0, size=size, outer_lr=0.0, **options)
    task = training.MetaTraining(context, pictures(8), chosen)
    return lambda: task.step(1)


def adaptation(size: int, precision: Precision) -> Callable[[], object]:
    """One step of MetaStyle's adaptation to a style."""
    loaded = registry.load()
    context = Context(CPU, precision, pictures(8), loaded.encoder)
    cls = loaded.method("metastyle")
    torch.manual_seed(0)
    method = cls(context, cls.Options(steps=10**6, size=size, inference="plain"))
    method.load()
    steps = adapting(method, precision.layout(torch.rand(1, 3, 256, 256)))
    next(steps)
    return lambda: next(steps)


ADAM = {"inner": "adam", "inner_moves": "all", "inner_lr": 1e-3, "contents": "fresh"}
STEPS: dict[str, Callable[[int, Precision], Callable[[], object]]] = {
    "adaptation": adaptation,
    "second-order": step,
    "first-order": lambda *how: step(*how, rule="first-order"),
    "reptile": lambda *how: step(*how, rule="reptile", **ADAM),
    "plain": lambda *how: step(*how, rule="plain"),
}


def process_step(
    name: str, size: int, precision: Precision, without: Sequence[str]
) -> Callable[[], object]:
    """The step, in a process where these parts are torch's own."""
    torch.set_num_threads(1)
    if MEMORY not in without:
        keep_freed_memory()
    for part, places in replacements().items():
        if part in without:
            for place, attribute, plain in places:
                setattr(place, attribute, plain)
    return STEPS[name](size, precision)


def ways(name: str) -> dict[str, tuple[Precision, Sequence[str]]]:
    """What is timed: the precision, and which parts are torch's own."""
    parts = [*PARTS, MEMORY]
    if name != "second-order":
        parts.remove("second derivatives")
    return {
        "plain": (PLAIN, parts),
        f"plain, {LAST.label}": (LAST, parts),
        f"plain, {BFLOAT16.label}": (BFLOAT16, parts),
        f"bench, {PLAIN.label}": (PLAIN, ()),
        f"bench, {LAST.label}": (LAST, ()),
        f"bench, {BFLOAT16.label}": (BFLOAT16, ()),
        **{f"· without {part}": (BFLOAT16, (part,)) for part in parts},
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--size", type=int, default=128, help="side of the crops in pixels")
    parser.add_argument(
        "--step", nargs="+", choices=STEPS, default=["adaptation", "second-order"], metavar="STEP"
    )
    args = parser.parse_args(arguments)
    for name in args.step:
        workers = {
            way: Worker(process_step, name, args.size, *how, variables={"OMP_NUM_THREADS": "1"})
            for way, how in ways(name).items()
        }
        seconds = take_turns(workers, args.rounds)
        rows = [
            [way, f"{np.median(taken):.3f}", ratio(seconds["plain"], taken)]
            for way, taken in seconds.items()
        ]
        print(
            tabulate(rows, [name, "s (median)", "times as fast"], "github", disable_numparse=True)
        )
        print(flush=True)


if __name__ == "__main__":
    main()
