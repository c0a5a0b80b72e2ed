"""Files of learned numbers: how they are read and written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BenchError

if TYPE_CHECKING:
    from torch import Tensor


def read(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file, in float32.

    Raises:
        BenchError: the file is missing, cut short or no safetensors file.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise BenchError(f"{path} cannot be read as safetensors: {error}") from None
    return {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}


def metadata(path: Path) -> dict[str, str]:
    """What a safetensors file says of itself; raises as `read`."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            return dict(file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise BenchError(f"{path} cannot be read as safetensors: {error}") from None


def write(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Save tensors atomically, those of floating point in half precision."""
    from safetensors.torch import save_file

    host = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    half = {name: t.half() if t.is_floating_point() else t for name, t in host.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    save_file(half, part, metadata)
    part.chmod(0o644)  # safetensors makes it the owner's alone
    part.replace(path)
