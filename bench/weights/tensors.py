"""Files of learned numbers: how they are read and written."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from bench import files
from bench.errors import BenchError, cause_of, first_words

if TYPE_CHECKING:
    from torch import Tensor, nn


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
        raise BenchError(f"{path} cannot be read as safetensors: {cause_of(error)}") from None
    return {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}


def read_checkpoint(
    path: Path, inside: str | None = None, key: str | None = None
) -> dict[str, Tensor]:
    """The tensors of a state dict that torch.save has written, in float32; no code is run.

    Args:
        path: the file, or a zip archive of such files.
        inside: the file's name in the archive, in whichever folder.
        key: under which a training keeps the state dict, beside other things, if it does.

    Raises:
        BenchError: the file is missing, damaged or no state dict, or the archive lacks it.
    """
    import torch
    from torch import Tensor

    try:
        if inside is None:
            state = torch.load(path, map_location="cpu", weights_only=True)
        else:
            with zipfile.ZipFile(path) as archive:
                names = [n for n in archive.namelist() if PurePosixPath(n).name == inside]
                if len(names) != 1:
                    raise BenchError(f"{path} holds {len(names)} files {inside}, not one")
                state = torch.load(
                    io.BytesIO(archive.read(names[0])), map_location="cpu", weights_only=True
                )
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise BenchError(f"{path} cannot be read as a checkpoint: {cause_of(error)}") from None
    except zipfile.BadZipFile as error:
        raise BenchError(f"{path} cannot be read as a zip archive: {error}") from None
    if isinstance(state, dict) and key is not None:
        state = state.get(key, state)
    if not isinstance(state, dict) or not all(isinstance(t, Tensor) for t in state.values()):
        raise BenchError(f"{path} holds no state dict: give one by torch.save(net.state_dict())")
    return {name: t.float() if t.is_floating_point() else t for name, t in state.items()}


def fill(network: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Fill every parameter of the network.

    Raises:
        BenchError: the tensors, which are from the path, are another network's.
    """
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        cause = first_words(str(error).partition(":")[2]).rstrip(". ")
        if all(name.startswith("module.") for name in tensors):
            cause = "every name begins with 'module.', as DataParallel writes: take that off"
        raise BenchError(f"{path} holds another network's weights ({cause})") from None


def metadata(path: Path) -> dict[str, str]:
    """What a safetensors file says of itself; raises as `read`."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            return dict(file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise BenchError(f"{path} cannot be read as safetensors: {cause_of(error)}") from None


def write(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Save tensors whole or not at all, those of floating point in half precision.

    What UTF-8 has no letter for in the metadata becomes `?`.

    Raises:
        StorageError: the file cannot be written.
    """
    from safetensors.torch import save

    host = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    half = {name: t.half() if t.is_floating_point() else t for name, t in host.items()}
    about = {
        key: text.encode("utf-8", "replace").decode() for key, text in (metadata or {}).items()
    }
    files.write(path, save(half, about or None), durable=True)
