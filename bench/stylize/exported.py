"""An adapted style as a network in a file, run once before it is kept."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

import bench
from bench import files, runtimes
from bench.contract import Method, phases
from bench.errors import BenchError
from bench.extras import extra
from bench.machine.device import decibels

ALIKE = 40.0
"""Decibels between a file's pictures and the method's, at least."""

SIZES = ((1, 3, 64, 80), (2, 3, 51, 70))
"""Of the pictures that it is tried on: sides that are multiples of 4, and such that are not."""


def write(path: Path, method: Method, styles: Sequence[str]) -> float:
    """Write the network that the method is in its style, and return its least equality in decibels.

    Args:
        path: `.onnx`, or `.pt2` for `torch.export.load`.
        method: adapted, in float32 on the CPU.
        styles: names of its styles, kept in the file.

    Raises:
        BenchError: the method is no single network, or the file's pictures differ from its own.
        StorageError: the file cannot be written.
    """
    network = method.feed_forward()
    if network is None:
        raise BenchError(
            f"{method.name} is, with these options, no single network from picture to picture: "
            "nothing to export"
        )
    about = {
        "method": method.name,
        "style": ", ".join(styles),
        "made_by": f"metastyle-bench {bench.__version__}",
        "licences": ", ".join(sorted({w.licence for w in type(method).needs(method.options)})),
    }
    data, run = (_onnx if path.suffix == ".onnx" else _program)(network, about)
    least = min(map(decibels, *zip(*_pairs(method, run), strict=True)))
    if least < ALIKE:
        raise BenchError(
            f"{path}: not kept, its pictures equal the method's to {least:.0f} dB only"
        )
    files.write(path, data)
    return least


_Written = tuple[bytes, Callable[[Tensor], Tensor]]


def _onnx(network: torch.nn.Module, about: dict[str, str]) -> _Written:
    extra("onnxruntime", runtimes.EXTRA, "checking an ONNX file")
    data = runtimes.to_onnx(network, about)
    return data, runtimes.onnxruntime(data, torch.get_num_threads(), torch.float32)


def _program(network: torch.nn.Module, about: dict[str, str]) -> _Written:
    stream = io.BytesIO()
    torch.export.save(runtimes.program(network), stream, extra_files=about)
    module = torch.export.load(io.BytesIO(stream.getvalue())).module()
    return stream.getvalue(), module


def _pairs(method: Method, run: Callable[[Tensor], Tensor]) -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(0)
    pictures = [torch.rand(size, generator=generator) for size in SIZES]
    with torch.no_grad():
        return [(run(picture), phases.stylize(method, picture)) for picture in pictures]
