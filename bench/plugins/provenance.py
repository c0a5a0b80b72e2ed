"""Which code a plugin is: a hash of its sources."""

from __future__ import annotations

import hashlib
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.weights import sha256


def source_sha256(cls: type[Any]) -> str | None:
    """SHA-256 over the files that define a class; None where there is no file, as in a notebook.

    These are its own and, in order of name, the siblings in its package that it uses, and the C++
    of the same name beside each. The core does not count (the commit says which it was), nor do
    weights (they have hashes of their own).
    """
    try:
        files = [Path(inspect.getfile(cls)), *_siblings(sys.modules[cls.__module__])]
        files += [cpp for file in files if (cpp := file.with_suffix(".cpp")).is_file()]
        hashes = [sha256(file) for file in files]
    except (TypeError, OSError, KeyError):
        return None
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


def _siblings(module: ModuleType) -> list[Path]:
    """The files of the modules in the same package that a module draws on, directly or not."""
    package = f"{module.__package__}."
    found: dict[str, ModuleType] = {}
    waiting = [module] if module.__package__ else []
    while waiting:
        for value in vars(waiting.pop()).values():
            name = value.__name__ if isinstance(value, ModuleType) else _home(value)
            if name.startswith(package) and name != module.__name__ and name not in found:
                found[name] = sys.modules[name]
                waiting.append(found[name])
    return [Path(str(found[name].__file__)) for name in sorted(found)]


def _home(value: object) -> str:
    home = getattr(value, "__module__", None)
    return home if isinstance(home, str) else ""
