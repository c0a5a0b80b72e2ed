"""What a run has stored: its cells, and its pictures as tensors."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from bench import images, results
from bench.contract import Context, Picture
from bench.results import CellRecord


def read_cell(run: Path, name: str, style: str, size: int) -> CellRecord:
    """A cell's record.

    Raises:
        BenchError: it is missing, damaged, or of a newer schema.
    """
    return results.read_record(results.record_path(run, "cells", name, style, size), CellRecord)


def read_input(run: Path, context: Context, role: str, name: str, size: int) -> Tensor:
    """A stored content or style, on the device and in its memory format."""
    picture = images.decode(results.input_path(run, role, name, size))
    return context.precision.layout(picture.to(context.device))


def read_style(
    run: Path, context: Context, style: Picture, size: int, several: bool = True
) -> Tensor:
    """A stored style's pictures (R, 3, H, W), as `read_input`; the first alone unless `several`."""
    pictures = style.references[: None if several else 1]
    return torch.cat([read_input(run, context, "style", each.name, size) for each in pictures])
