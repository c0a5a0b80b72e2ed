"""Every plugin there is: the built-in ones, the installed ones and those given with `--plugin`.

A plugin is taken whole or not at all: one that cannot be used is listed in `Registry.broken` with
its cause, and hurts nobody else. `BENCH_PLUGINS=0` in the environment leaves installed plugins
(the entry-point group `bench`) out.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import importlib.metadata
import importlib.util
import re
import traceback
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pluggy

from bench import hooks
from bench.contract import Dataset, Encoder, Method, Metric
from bench.errors import BenchError, text_of, unknown
from bench.plugins import trial
from bench.plugins.discovery import Candidate, asked_for, built_ins, installed
from bench.plugins.validation import CHECKS

KINDS = {
    "bench_methods": "methods",
    "bench_metrics": "metrics",
    "bench_datasets": "datasets",
    "bench_encoders": "encoders",
}
"""Hook to the kind of thing that it gives."""


@dataclass(frozen=True)
class PluginInfo:
    """A plugin that works.

    Attributes:
        name: the module's or the entry point's name, or the file's stem.
        source: `built-in`, `entry point DIST VERSION`, `file PATH` or `module NAME`.
        file: where its code is, if it is a file.
        hooks: the hooks that it implements.
        provides: kind (`methods`, …) to the names that it gives.
    """

    name: str
    source: str
    file: Path | None
    hooks: tuple[str, ...]
    provides: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Broken:
    """A plugin that cannot be used, and why, in one line; `asked` if it came with `--plugin`."""

    name: str
    source: str
    cause: str
    asked: bool = False


@dataclass
class Registry:
    """What the plugins give, by name: built-in things first, then in alphabetical order."""

    methods: dict[str, type[Method]] = field(default_factory=dict)
    metrics: dict[str, Metric] = field(default_factory=dict)
    datasets: dict[str, type[Dataset]] = field(default_factory=dict)
    encoders: dict[str, Encoder] = field(default_factory=dict)
    plugins: list[PluginInfo] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)

    def method(self, name: str) -> type[Method]:
        """The method of that name.

        Raises:
            BenchError: there is none; the message has the nearest names, or says which broken
                plugin the name belongs to.
        """
        return self.methods[self._known("method", name, self.methods)]

    def metric(self, name: str) -> list[Metric]:
        """The metric with that id, or every metric with that name; raises as `method`."""
        if name in self.metrics:
            return [self.metrics[name]]
        families = {metric.name for metric in self.metrics.values()}
        self._known("metric", name, families, hints=self.metrics)
        return [metric for metric in self.metrics.values() if metric.name == name]

    def dataset(self, name: str) -> type[Dataset]:
        """The dataset of that name; raises as `method`."""
        return self.datasets[self._known("dataset", name, self.datasets)]

    def encoder(self, name: str) -> Encoder:
        """The encoder of that name; raises as `method`."""
        return self.encoders[self._known("encoder", name, self.encoders)]

    def require(self) -> None:
        """Insist on the plugins that were asked for.

        Raises:
            BenchError: one that was given with `--plugin` is broken.
        """
        for broken in self.broken:
            if broken.asked:
                raise BenchError(
                    f"plugin {broken.name} ({broken.source}) is broken: {broken.cause}"
                )

    def origin(self, kind: str, name: str) -> PluginInfo:
        """The plugin that gives the thing of that kind (`methods`, …) and name."""
        return next(info for info in self.plugins if name in info.provides.get(kind, ()))

    def _known(self, kind: str, name: str, known: Iterable[str], hints: Iterable[str] = ()) -> str:
        if name in known:
            return name
        suspects = [b for b in self.broken if _plain(b.name) == _plain(name)]
        for broken in suspects or [b for b in self.broken if b.asked]:
            raise BenchError(
                f"unknown {kind} '{name}'; plugin {broken.name} ({broken.source}) is broken: "
                f"{broken.cause}"
            )
        raise unknown(kind, name, {*known, *hints}, "for your own: --plugin FILE")


def load(extra: Sequence[str] = (), tried: bool = False) -> Registry:
    """Load every plugin; those of others first where they can do no harm (see `trial`).

    Args:
        extra: the values of `--plugin`, each a dotted module name or the path of a `.py` file
            (its folder is not put on `sys.path`).
        tried: they have been loaded before, by the process that this one works for.

    Returns:
        The registry; whatever could not be used is in its `broken`. Of two plugins that give the
        same name the later one is broken: built-in plugins come first, then installed ones in
        alphabetical order, then `extra` as given. A file is never loaded twice.
    """
    registry = Registry()
    for candidate in (*built_ins(), *installed(), *map(asked_for, extra)):
        try:
            if not tried and candidate.source != "built-in":
                load_it = functools.partial(_take, dataclasses.replace(registry), candidate)
                if fault := trial.fault(candidate.name, load_it):
                    raise BenchError(fault)
            _take(registry, candidate)
        except (Exception, SystemExit) as error:
            broken = Broken(candidate.name, candidate.source, _cause(error), candidate.asked)
            registry.broken.append(broken)
    _sort(registry)
    return registry


def _take(registry: Registry, candidate: Candidate) -> None:
    from bench.contract.guard import Guard  # it needs torch

    loaded = {info.file for info in registry.plugins} - {None}
    if candidate.file in loaded:
        return
    with Guard(once=True):
        plugin = candidate.bring()
    file = candidate.file
    if file is None and getattr(plugin, "__file__", None):
        file = Path(str(plugin.__file__)).resolve()  # type: ignore[attr-defined]
    if file in loaded:
        return

    given: dict[str, dict[str, Any]] = {}
    with Guard(once=True):
        results = _call_hooks(plugin)
    for hook, things in results.items():
        kind = KINDS[hook]
        table = given.setdefault(kind, {})
        for thing in things:
            name = CHECKS[kind](thing)
            if name in getattr(registry, kind):
                owner = registry.origin(kind, name)
                raise BenchError(
                    f"{kind[:-1]} '{name}' is already there, from {owner.name} ({owner.source}): "
                    f"choose another name"
                )
            if name in table:
                raise BenchError(f"it gives {kind[:-1]} '{name}' twice: choose another name")
            table[name] = thing
    for kind, table in given.items():
        getattr(registry, kind).update(table)
    provides = {kind: tuple(sorted(table)) for kind, table in given.items()}
    info = PluginInfo(candidate.name, candidate.source, file, tuple(sorted(results)), provides)
    registry.plugins.append(info)


def _call_hooks(plugin: object) -> dict[str, list[Any]]:
    """What each hook of the plugin returns.

    The plugin gets a manager of its own: a hook that raises ends a pluggy call for all plugins,
    and pluggy's order (last registered, first called) is nobody's business.
    """
    manager = pluggy.PluginManager("bench")
    manager.add_hookspecs(hooks)
    try:
        manager.register(plugin, "plugin")
    except pluggy.PluginValidationError as error:
        raise BenchError(f"{str(error).splitlines()[-1]}; see bench/hooks.py") from None
    callers = manager.get_hookcallers(plugin) or []
    try:
        manager.check_pending()
    except pluggy.PluginValidationError:
        misspelt = next(caller.name for caller in callers if not caller.has_spec())
        raise unknown("hook", misspelt, KINDS) from None
    if not callers:
        bare = [hook for hook in KINDS if hasattr(plugin, hook)]
        raise BenchError(
            f"it has no hook: mark {' and '.join(bare) or 'bench_methods (or another hook)'} "
            f"with @hookimpl from bench"
        )
    return {caller.name: _call(caller) for caller in callers if caller.has_spec()}


_MAKES_OBJECT = re.compile(r"__init__\(\) missing .*'context'")
"""What Python says to `[Mine()]` of a method."""


def _call(hook: pluggy.HookCaller) -> list[Any]:
    try:
        results = hook()
    except TypeError as error:
        if not _MAKES_OBJECT.search(str(error)):
            raise
        raise BenchError(
            f"{hook.name} makes an object: return the class itself, [Mine] and not [Mine()]"
            f" ({_cause(error)})"
        ) from None
    if len(results) != 1 or isinstance(results[0], (str, bytes)):
        raise BenchError(f"{hook.name} returned {results or 'nothing'}: return a list")
    try:
        return list(results[0])
    except TypeError:
        raise BenchError(f"{hook.name} returned {results[0]!r}: return a list") from None


def _cause(error: BaseException) -> str:
    """One line: what was raised, and where in the plugin."""
    if isinstance(error, BenchError):
        return str(error)
    lines = text_of(error).strip().splitlines()
    text = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    if isinstance(error, SyntaxError):
        return f"{text.partition(' (')[0]} ({error.filename}:{error.lineno})"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if not _is_machinery(frame.filename):
            return f"{text} ({frame.filename}:{frame.lineno})"
    return text


def _is_machinery(filename: str) -> bool:
    folders = (Path(str(importlib.__file__)).parent, Path(str(pluggy.__file__)).parent)
    path = Path(filename)
    return filename.startswith("<") or path == Path(__file__) or path.parent in folders


def _plain(name: str) -> str:
    return name.rpartition(".")[2].lower().replace("_", "-")


def _sort(registry: Registry) -> None:
    def key(info: PluginInfo | Broken) -> tuple[bool, str]:
        return info.source != "built-in", info.name

    for kind in KINDS.values():
        table: dict[str, Any] = getattr(registry, kind)
        names = sorted(table, key=lambda n: (registry.origin(kind, n).source != "built-in", n))
        setattr(registry, kind, {name: table[name] for name in names})
    registry.plugins.sort(key=key)
    registry.broken.sort(key=key)
