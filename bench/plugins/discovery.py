"""Where plugins are: built in, installed, or given with `--plugin`."""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.metadata
import importlib.util
import os
import pkgutil
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from bench import paths
from bench.errors import BenchError

GROUP = "bench"


@dataclass(frozen=True)
class Candidate:
    """Something that may be a plugin, and how to import it; `asked` if it came with `--plugin`."""

    name: str
    source: str
    bring: Callable[[], object]
    file: Path | None = None
    asked: bool = False


def built_ins() -> Iterator[Candidate]:
    """The modules that come with the suite."""
    # Named as strings: type checkers cannot see that methods/ is installed as bench.methods.
    for kind in ("methods", "metrics", "datasets"):
        package = importlib.import_module(f"bench.{kind}")
        for module in sorted(pkgutil.iter_modules(package.__path__)):
            if not module.name.startswith("_"):
                yield _importable(f"bench.{kind}.{module.name}", f"{kind}.{module.name}")
    yield _importable("bench.encoders", "encoders")


def _importable(module: str, name: str) -> Candidate:
    return Candidate(name, "built-in", functools.partial(importlib.import_module, module))


def installed() -> Iterator[Candidate]:
    """The entry points of installed packages, in alphabetical order."""
    if os.environ.get("BENCH_PLUGINS") == "0":
        return
    found = importlib.metadata.entry_points(group=GROUP)
    for point in sorted(found, key=lambda point: (point.name, point.value)):
        dist = f" {point.dist.name} {point.dist.version}" if point.dist else ""
        yield Candidate(point.name, f"entry point{dist}", point.load)


def asked_for(text: str) -> Candidate:
    """What a value of `--plugin` names: the path of a file, or a module."""
    name = name_of(text)
    if name != text:
        file = paths.real(paths.expanded(text))
        bring = functools.partial(_run_file, file)
        return Candidate(name, f"file {file}", bring, file, asked=True)
    return Candidate(name, f"module {text}", functools.partial(_run_module, text), asked=True)


def name_of(text: str) -> str:
    """The name of the plugin that a value of `--plugin` names: a file's stem, or the module."""
    path = Path(text)
    return path.stem if path.suffix == ".py" or len(path.parts) > 1 else text


def require_named(record: Path, recorded: Iterable[str], known: Iterable[str]) -> None:
    """Insist that the plugins a record was made with are there: it never names code to load.

    Args:
        record: the file or folder, for the message.
        recorded: values of `--plugin` as they were when it was made.
        known: names of the plugins that are installed or that the user names now.

    Raises:
        BenchError: one is not among them; the message says how to name it.
    """
    present = set(known)
    missing = [text for text in dict.fromkeys(recorded) if name_of(text) not in present]
    if missing:
        words = " ".join(f"--plugin {shlex.quote(text)}" for text in missing)
        raise BenchError(
            f"{record} was made with plugins that are neither installed nor named, and a record"
            f" loads no code: if you trust them, add {words}"
        )


def _run_module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        raise BenchError(
            f"no module named {error.name}: install it, or give the path of a .py file"
        ) from None


def _run_file(file: Path) -> ModuleType:
    if not file.is_file():
        what = "is a folder" if file.is_dir() else "no such file"
        raise BenchError(f"{what}: give the path of a .py file, or the name of a module")
    name = f"bench_plugin_{file.stem}_{hashlib.sha256(str(file).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise BenchError("not a Python file: give the path of a .py file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and typing look a class's module up here
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
