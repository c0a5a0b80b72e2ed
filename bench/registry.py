"""Every plugin there is: the built-in ones, the installed ones and those given with `--plugin`.

A plugin is taken whole or not at all: one that cannot be used is listed in `Registry.broken` with
its cause, and hurts nobody else. `BENCH_PLUGINS=0` in the environment leaves installed plugins
(the entry-point group `bench`) out.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import importlib
import importlib.metadata
import importlib.util
import inspect
import os
import pkgutil
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pluggy

from bench import hooks, options
from bench.contract import Dataset, Encoder, Family, Method, Metric, Weights
from bench.errors import BenchError, unknown

GROUP = "bench"
KINDS = {
    "bench_methods": "methods",
    "bench_metrics": "metrics",
    "bench_datasets": "datasets",
    "bench_encoders": "encoders",
}
"""Hook to the kind of thing that it gives."""

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
"""What a plugin's things, and the aliases of methods, may be called."""
NAME_RULE = "use lower-case letters and digits, with single dashes between"


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


def load(extra: Sequence[str] = ()) -> Registry:
    """Load every plugin.

    Args:
        extra: the values of `--plugin`, each a dotted module name or the path of a `.py` file
            (its folder is not put on `sys.path`).

    Returns:
        The registry; whatever could not be used is in its `broken`. Of two plugins that give the
        same name the later one is broken: built-in plugins come first, then installed ones in
        alphabetical order, then `extra` as given. A file is never loaded twice.
    """
    registry = Registry()
    for candidate in (*_built_ins(), *_installed(), *map(_asked, extra)):
        try:
            _take(registry, candidate)
        except (Exception, SystemExit) as error:
            broken = Broken(candidate.name, candidate.source, _cause(error), candidate.asked)
            registry.broken.append(broken)
    _sort(registry)
    return registry


@dataclass(frozen=True)
class _Candidate:
    name: str
    source: str
    bring: Callable[[], object]
    file: Path | None = None
    asked: bool = False


def _built_ins() -> Iterator[_Candidate]:
    # Named as strings: type checkers cannot see that methods/ is installed as bench.methods.
    for kind in ("methods", "metrics", "datasets"):
        package = importlib.import_module(f"bench.{kind}")
        for module in sorted(pkgutil.iter_modules(package.__path__)):
            if not module.name.startswith("_"):
                yield _importable(f"bench.{kind}.{module.name}", f"{kind}.{module.name}")
    yield _importable("bench.encoders", "encoders")


def _importable(module: str, name: str) -> _Candidate:
    return _Candidate(name, "built-in", functools.partial(importlib.import_module, module))


def _installed() -> Iterator[_Candidate]:
    if os.environ.get("BENCH_PLUGINS") == "0":
        return
    found = importlib.metadata.entry_points(group=GROUP)
    for point in sorted(found, key=lambda point: (point.name, point.value)):
        dist = f" {point.dist.name} {point.dist.version}" if point.dist else ""
        yield _Candidate(point.name, f"entry point{dist}", point.load)


def _asked(text: str) -> _Candidate:
    path = Path(text).expanduser()
    if path.suffix == ".py" or len(path.parts) > 1:
        file = path.resolve()
        bring = functools.partial(_run_file, file)
        return _Candidate(path.stem, f"file {file}", bring, file, asked=True)
    return _Candidate(text, f"module {text}", functools.partial(_run_module, text), asked=True)


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


def _take(registry: Registry, candidate: _Candidate) -> None:
    loaded = {info.file for info in registry.plugins} - {None}
    if candidate.file in loaded:
        return
    plugin = candidate.bring()
    file = candidate.file
    if file is None and getattr(plugin, "__file__", None):
        file = Path(str(plugin.__file__)).resolve()  # type: ignore[attr-defined]
    if file in loaded:
        return

    given: dict[str, dict[str, Any]] = {}
    results = _call_hooks(plugin)
    for hook, things in results.items():
        kind = KINDS[hook]
        table = given.setdefault(kind, {})
        for thing in things:
            name = _CHECKS[kind](thing)
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


def _check_method(cls: Any) -> str:
    name = _check_class(cls, Method)
    _check_choice(cls, "family", get_args(Family))
    if not all(isinstance(weights, Weights) for weights in cls.weights):
        raise BenchError(f"method '{name}': weights must be a sequence of bench.Weights")
    if cls.training is not None:
        options.check(cls.training.Options, f"training {name}")
    return name


def _check_dataset(cls: Any) -> str:
    return _check_class(cls, Dataset)


def _check_class(cls: Any, base: type[Method] | type[Dataset]) -> str:
    if isinstance(cls, base):
        name = type(cls).__name__
        raise BenchError(f"{name}() is an object: return the class itself, [{name}]")
    if not inspect.isclass(cls) or not issubclass(cls, base):
        raise BenchError(f"{cls!r} is no subclass of bench.{base.__name__}: return classes")
    missing = sorted(getattr(cls, "__abstractmethods__", ()))
    if missing:
        raise BenchError(f"{cls.__name__} is abstract: write its {' and '.join(missing)}")
    name = _check_name(cls)
    if not (inspect.isclass(cls.Options) and dataclasses.is_dataclass(cls.Options)):
        raise BenchError(f"{cls.__name__}.Options must be a dataclass")
    options.check(cls.Options, name)
    return name


def _check_metric(metric: Any) -> str:
    _check_object(metric, Metric)
    _check_choice(metric, "axis", ("style", "content", "both"))
    _check_choice(metric, "direction", ("lower", "higher"))
    return str(metric.id)


def _check_encoder(encoder: Any) -> str:
    name = _check_object(encoder, Encoder)
    if not isinstance(getattr(encoder, "weights", None), Weights):
        raise BenchError(f"encoder '{name}': weights must be a bench.Weights")
    _check_choice(encoder, "content_tap", tuple(getattr(encoder, "taps", ())))
    return name


def _check_object(thing: Any, base: type) -> str:
    if not isinstance(thing, base):
        raise BenchError(f"{thing!r} is no bench.{base.__name__} object: return objects")
    return _check_name(thing)


def _check_name(thing: Any) -> str:
    name = getattr(thing, "name", None)
    if not (isinstance(name, str) and NAME.fullmatch(name)):
        raise BenchError(f"{_title(thing)}.name = {name!r}: {NAME_RULE}")
    return name


def _check_choice(thing: Any, attribute: str, choices: Sequence[str]) -> None:
    value = getattr(thing, attribute, None)
    if value not in choices:
        raise BenchError(
            f"{_title(thing)}.{attribute} = {value!r}: choose one of {', '.join(choices)}"
        )


def _title(thing: Any) -> str:
    return str(thing.__name__ if inspect.isclass(thing) else type(thing).__name__)


_CHECKS: Mapping[str, Callable[[Any], str]] = {
    "methods": _check_method,
    "metrics": _check_metric,
    "datasets": _check_dataset,
    "encoders": _check_encoder,
}


def _cause(error: BaseException) -> str:
    """One line: what was raised, and where in the plugin."""
    if isinstance(error, BenchError):
        return str(error)
    lines = str(error).strip().splitlines()
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
