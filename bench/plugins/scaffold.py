"""What `bench new` writes: a small package with one plugin that works, for its author to change."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench import files
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.plugins.registry import Registry

TEMPLATES = Path(__file__).parents[1] / "templates" / "new"

KINDS = ("method", "metric", "dataset", "encoder")


def create(kind: str, name: str, folder: Path, registry: Registry) -> list[Path]:
    """Write the package of a new plugin.

    Args:
        kind: one of `KINDS`.
        name: what the plugin's method, metric, dataset or encoder is called on the command line.
        folder: the package's own folder, which must not be there yet.
        registry: what is there already.

    Returns:
        The files, the plugin's own first.

    Raises:
        BenchError: the name is not valid or taken, or the folder is there or cannot be made.
    """
    _check_name(kind, name, registry)
    module = "bench_" + name.replace("-", "_")
    if importlib.util.find_spec(module) is not None:
        raise BenchError(f"a module {module} is already installed: choose another name")
    if folder.exists():
        raise BenchError(f"{folder} is already there: choose another name, or another --folder")
    values = {
        "kind": kind,
        "name": name,
        "cls": "".join(part.capitalize() for part in (*name.split("-"), kind)),
        "module": module,
        "package": f"bench-{name}",
    }
    with _whole(folder):
        (folder / module).mkdir(parents=True)
        values |= _DATA.get(kind, _nothing)(folder / module)
        templates = {
            f"{module}/__init__.py": f"{kind}.py",
            "pyproject.toml": "pyproject.toml",
            "tests/test_conformance.py": "test_conformance.py",
            "README.md": "README.md",
        }
        for file, template in templates.items():
            files.write(folder / file, _render(template, values))
    return [folder / file for file in templates]


@contextmanager
def _whole(folder: Path) -> Iterator[None]:
    """The folder is not there after an error, so that the same command can be given again."""
    try:
        with files.storage_errors(folder):
            yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _check_name(kind: str, name: str, registry: Registry) -> None:
    from bench.plugins.validation import NAME, NAME_RULE

    if not NAME.fullmatch(name):
        raise BenchError(f"{name!r} is no name for a {kind}: {NAME_RULE}")
    if name[0].isdigit():
        raise BenchError(f"{name!r} is no name for a Python class: begin it with a letter")
    taken = {metric.name: id_ for id_, metric in registry.metrics.items()}
    known = taken if kind == "metric" else {n: n for n in getattr(registry, f"{kind}s")}
    if name in known:
        owner = registry.origin(f"{kind}s", known[name])
        raise BenchError(
            f"{kind} '{name}' is already there, from {owner.name} ({owner.source}): choose "
            f"another name"
        )


def _render(template: str, values: Mapping[str, str]) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(  # Python and TOML: nothing to escape
        loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, keep_trailing_newline=True
    )
    return environment.get_template(f"{template}.jinja").render(values)


def _nothing(package: Path) -> dict[str, str]:
    return {}


def _weights(package: Path) -> dict[str, str]:
    """Random filters for the encoder to load, scaled as He et al. 2015, eq. 10."""
    import torch

    from bench import weights

    generator = torch.Generator().manual_seed(0)
    tensors = {}
    for layer, outputs, inputs in (("first", 16, 3), ("second", 32, 16)):
        filters = torch.randn(outputs, inputs, 5, 5, generator=generator)
        tensors[f"{layer}.weight"] = filters * (2 / (25 * inputs)) ** 0.5
        tensors[f"{layer}.bias"] = torch.zeros(outputs)
    file = package / "filters.safetensors"
    weights.write(file, tensors)
    return {"weights": file.name, "sha256": weights.sha256(file)}


def _pictures(package: Path) -> dict[str, str]:
    """A content and a style to begin with."""
    import numpy as np
    from PIL import Image

    rows, columns = np.mgrid[0:64, 0:96]
    slope = np.stack([rows * 4, columns * 2, 255 - rows * 3], 2)
    stripes = np.stack([(columns + rows) // 8 % 2 * 200, rows * 2, columns * 2], 2)
    for role, name, pixels in (("content", "slope", slope), ("style", "stripes", stripes)):
        file = package / "pictures" / role / f"{name}.png"
        with files.replacing(file) as part:
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(part)
    return {}


_DATA: Mapping[str, Callable[[Path], dict[str, str]]] = {
    "encoder": _weights,
    "dataset": _pictures,
}
"""What a kind needs besides text: writes it into the package, gives values for the template."""
