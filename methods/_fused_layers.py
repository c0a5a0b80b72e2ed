"""The compiled layers of the fused network, as operators of torch."""

from __future__ import annotations

import ctypes
import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench.machine import native

from ._fused_algorithms import ALGORITHMS, TALL

LIBRARY: Any = torch.library.Library("bench_fused", "DEF")  # type: ignore[no-untyped-call]
KERNEL = 9  # of the first and the last convolution
TILED = "tiled_convolve"
"""The algorithm of bfloat16 weights: stride and upsampling are told by the sizes."""


def source() -> str:
    """The C++ of the layers, in both precisions, after the matrices that it is compiled for."""
    lines = ["#define ALGORITHMS(X) " + " ".join(f"X({name})" for name in ALGORITHMS)]
    for name, algorithm in {**ALGORITHMS, "tall": TALL}.items():
        lines.append(f"struct Algorithm_{name} {{")
        for role, matrix in (("Input", algorithm.input), ("Output", algorithm.output)):
            rows, columns = len(matrix), len(matrix[0])
            values = ", ".join(f"{{{', '.join(f'{float(v)!r}f' for v in row)}}}" for row in matrix)
            lines += [
                f"  struct {role} {{",
                f"    static constexpr int rows = {rows}, columns = {columns};",
                f"    static constexpr float value[{rows}][{columns}] = {{{values}}};",
                "  };",
            ]
        reflect = str(algorithm.reflect).lower()
        lines.append(f"  static constexpr int step = {algorithm.step};")
        lines += [f"  static constexpr bool reflect = {reflect};", "};"]
    files = (Path(__file__).with_name(name) for name in ("_fused.cpp", "_tiled.cpp"))
    return "\n".join((*lines, *(file.read_text("utf-8") for file in files)))


@functools.cache
def kernels() -> ctypes.CDLL:
    """The compiled layers; with them their `operators` are made, before anything is timed.

    Raises:
        BenchError: they cannot be compiled here.
    """
    operators()
    return native.library(source())


def call_layer(name: str, *arguments: Tensor | int | None) -> None:
    """Call a compiled layer with tensors, as addresses, and numbers."""
    given = [
        ctypes.c_void_p(value.data_ptr()) if isinstance(value, Tensor) else value
        for value in arguments
    ]
    getattr(kernels(), name)(*given, torch.get_num_threads())


def panels(weight: Tensor) -> Tensor:
    """(…, inputs, outputs) to (…, outputs / panel, inputs, panel): as `product` walks through."""
    wide = kernels().panel()
    *front, inputs, outputs = weight.shape
    cut = weight.float().reshape(*front, inputs, outputs // wide, wide)
    return cut.transpose(-3, -2).contiguous()


@dataclass(frozen=True)
class Operators:
    """The layers as operators of torch; those of `bench.methods._tiled` for bfloat16 weights."""

    enter: Callable[[Tensor, Tensor, Tensor, Tensor], None]
    convolve: Callable[[Tensor, Tensor | None, Tensor, str, Tensor, Tensor], None]
    leave: Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], None]


@functools.cache
def operators() -> Operators:
    """The layers as operators, so that torch's counter sees them.

    What it counts is the nominal work, the plain network's: shares of the peak then compare the
    time of one and the same task. Making them takes a quarter of a second, and so is left to who
    uses them.
    """
    from torch.utils.flop_counter import register_flop_formula

    def enter(padded: Tensor, weight: Tensor, output: Tensor, norm: Tensor) -> None:
        high, wide, outputs = output.shape
        name = "tiled_enter" if weight.dtype == torch.bfloat16 else "enter"
        call_layer(name, padded, high, wide, weight, output, outputs, norm)

    def convolve(
        x: Tensor,
        before: Tensor | None,
        weight: Tensor,
        algorithm: str,
        output: Tensor,
        norm: Tensor,
    ) -> None:
        form: tuple[int, ...] = ()
        if algorithm == TILED:
            form = max(1, len(x) // len(output)), 4 if len(output) > len(x) else 1
        call_layer(algorithm, x, *x.shape, before, weight, output, *output.shape, *form, norm)

    def leave(x: Tensor, before: Tensor, weight: Tensor, bias: Tensor, output: Tensor) -> None:
        name = "tiled_leave" if weight.dtype == torch.bfloat16 else "leave"
        call_layer(name, x, *x.shape, before, weight, bias, output)

    # not `torch.library.custom_op`, which takes 0.1 ms a call to no use
    for layer, mutated in (
        (enter, ("output", "norm")),
        (convolve, ("output", "norm")),
        (leave, ("output",)),
    ):
        schema = torch.library.infer_schema(layer, mutates_args=mutated)
        LIBRARY.define(f"{layer.__name__}{schema}")
        LIBRARY.impl(layer.__name__, layer, "CPU")
    ops = torch.ops.bench_fused

    @register_flop_formula(torch.ops.bench_fused.enter)
    def enter_flops(padded, weight, output, norm, **_) -> int:  # type: ignore[no-untyped-def] # noqa: ANN001, ANN003
        return 2 * int(math.prod(output)) * int(padded[2]) * KERNEL**2

    @register_flop_formula(torch.ops.bench_fused.convolve)
    def convolve_flops(x, before, weight, algorithm, output, norm, **_) -> int:  # type: ignore[no-untyped-def] # noqa: ANN001, ANN003
        return 2 * int(math.prod(output)) * int(x[2]) * 9

    @register_flop_formula(torch.ops.bench_fused.leave)
    def leave_flops(x, before, weight, bias, output, **_) -> int:  # type: ignore[no-untyped-def] # noqa: ANN001, ANN003
        return 2 * int(math.prod(output)) * int(x[2]) * KERNEL**2

    return Operators(ops.enter.default, ops.convolve.default, ops.leave.default)
