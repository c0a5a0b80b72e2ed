"""What every plugin must keep to, as checks that its author can run and understand.

`bench check` prints them, and a plugin's own tests take them one by one:

    @pytest.mark.parametrize("case", conformance.cases("bench_mine"), ids=str)
    def test_conforms(case):
        case()

A check takes a subject, which makes a fresh, loaded plugin at each call, and raises AssertionError
with a message that says what is wrong and what to do. Pictures and options are tiny, so that the
whole suite takes seconds even for methods that train.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from bench import images, paths
from bench.conformance import _common, _datasets, _encoders, _methods, _metrics
from bench.conformance._subject import Check, Subject, Unseen, describe_error
from bench.contract import Context, Precision
from bench.contract.guard import Guard
from bench.errors import BenchError, unknown
from bench.plugins import registry
from bench.plugins.registry import Registry

Status = Literal["passed", "failed", "not run", "unseen"]

CHECKS: Mapping[str, tuple[Check, ...]] = {
    "methods": _methods.CHECKS,
    "metrics": _metrics.CHECKS,
    "datasets": _datasets.CHECKS,
    "encoders": _encoders.CHECKS,
}
"""All checks by kind of plugin, in the order in which a failure is easiest to understand."""

_SUBJECTS: Mapping[str, type[Subject[Any]]] = {
    "methods": _methods.MethodSubject,
    "metrics": _metrics.MetricSubject,
    "datasets": _datasets.DatasetSubject,
    "encoders": _encoders.EncoderSubject,
}

AFTER: Mapping[Check, tuple[Check, ...]] = {
    _methods.takes_odd_sizes: (_methods.gives_pictures,),
    _methods.runs_in_bfloat16: (_methods.gives_pictures,),
    _methods.is_deterministic: (_common.leaves_global_state_alone,),
    _methods.forgets_styles: (_methods.is_deterministic,),
    _methods.forgets_contents: (_methods.is_deterministic,),
    _methods.stylizes_batches_as_singles: (_methods.is_deterministic, _methods.forgets_contents),
    _metrics.is_deterministic: (_common.leaves_global_state_alone,),
    _metrics.is_the_same_under_autocast: (_metrics.gives_numbers, _metrics.is_deterministic),
    _metrics.tells_the_anchors_apart: (_metrics.gives_numbers, _metrics.is_deterministic),
    _encoders.is_deterministic: (
        _common.leaves_global_state_alone,
        _encoders.gives_one_map_per_tap,
    ),
    _encoders.treats_pictures_apart: (_encoders.gives_one_map_per_tap,),
}
"""Checks that fail for the same reason when one of the others has failed: they are not run then."""

SLOW = {
    _methods.forgets_styles,
    _methods.forgets_contents,
    _methods.takes_odd_sizes,
    _methods.runs_in_bfloat16,
    _common.keeps_to_its_device,
}
"""What `quick` leaves out."""


@dataclass(frozen=True)
class Case:
    """One check of one thing; a call makes it, and raises where it fails."""

    kind: str
    name: str
    check: Check
    subject: Subject[Any]

    def __call__(self) -> None:
        """Raises AssertionError, or what the plugin raises."""
        self.check(self.subject)

    def __str__(self) -> str:
        return f"{self.kind[:-1]} {self.name}: {words(self.check)}"


@dataclass(frozen=True)
class Outcome:
    """What came of a case: `message` says why, where it has not passed."""

    case: Case
    status: Status
    message: str = ""


def words(check: Check) -> str:
    """A check's name as people read it."""
    return check.__name__.replace("_", " ")


def cases(
    *targets: str,
    plugins: Sequence[str] = (),
    given: Mapping[str, Mapping[str, Any]] | None = None,
    device: torch.device | None = None,
    quick: bool = False,
) -> list[Case]:
    """Every check of what the targets name.

    Args:
        targets: each a `.py` file, a module, or the name of an installed plugin, method, metric,
            dataset or encoder.
        plugins: modules or files to load besides.
        given: a plugin's name to its options.
        device: where to run; the CPU by default.
        quick: leave the slow checks out.

    Raises:
        BenchError: a target is not there, or is a plugin that cannot be loaded.
    """
    loaded, things = find(targets, plugins)
    where = context(loaded, device or torch.device("cpu"))
    return [
        case
        for kind, name in things
        for case in cases_of(loaded, kind, name, where, (given or {}).get(name, {}))
        if not (quick and case.check in SLOW)
    ]


def cases_of(
    loaded: Registry, kind: str, name: str, context: Context, given: Mapping[str, Any] | None = None
) -> list[Case]:
    """Every check of one thing of a registry."""
    subject = _SUBJECTS[kind](getattr(loaded, kind)[name], context, given or {})
    return [Case(kind, name, check, subject) for check in CHECKS[kind]]


def context(loaded: Registry, device: torch.device) -> Context:
    """Plain float32 on the device, with small procedural photographs to adapt on."""
    pictures = loaded.dataset("synthetic")().adaptation()
    store = images.photographs(pictures, 64)
    return Context(device, Precision(), store, loaded.encoder)


def find(
    targets: Sequence[str], plugins: Sequence[str] = ()
) -> tuple[Registry, list[tuple[str, str]]]:
    """A registry, and kind and name of each thing that the targets name; raises as `cases`."""
    loaded = registry.load(plugins)
    # a metric's id has a slash in it, as a path has: names go first
    others = [target for target in targets if not _named(loaded, target)]
    given = [target for target in others if _is_file(target) or _is_module(target)]
    if given:
        loaded = registry.load([*plugins, *given])
    loaded.require()
    found: dict[tuple[str, str], None] = {}
    for target in targets:
        things = _named(loaded, target)
        if not things:
            for broken in loaded.broken:
                if broken.name == target:
                    raise BenchError(
                        f"plugin {broken.name} ({broken.source}) is broken: {broken.cause}"
                    )
            known = [n for kind in CHECKS for n in getattr(loaded, kind)]
            raise unknown(
                "plugin",
                target,
                {*known, *(info.name for info in loaded.plugins)},
                "for your own: the path of its .py file",
            )
        found |= dict.fromkeys(things)
    return loaded, list(found)


def run(todo: Iterable[Case]) -> Iterator[Outcome]:
    """Make the checks and say what came of each, one after the other.

    A check is not run after another of which it would be a repetition (`AFTER`), nor any once
    the plugin did not even run. What a plugin prints and warns of is kept from the terminal.
    """
    failed: dict[tuple[str, str], dict[Check, None]] = {}
    for case in todo:
        before = failed.setdefault((case.kind, case.name), {})
        causes = (_common.runs, *AFTER.get(case.check, ()))
        earlier = [check for check in causes if check in before]
        if earlier:
            outcome = Outcome(case, "not run", f"after '{words(earlier[0])}'")
        else:
            outcome = _outcome(case)
        if outcome.status in ("failed", "not run"):
            before[case.check] = None
        yield outcome


def _outcome(case: Case) -> Outcome:
    try:
        with (
            Guard(once=True, tell=False),  # else the next check begins with what this one left
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            case()
    except Unseen as error:
        return Outcome(case, "unseen", str(error))
    except (Exception, SystemExit) as error:
        return Outcome(case, "failed", describe_error(error, case.subject.cls))
    return Outcome(case, "passed")


def _is_file(target: str) -> bool:
    return target.endswith(".py") or len(Path(target).parts) > 1


def _is_module(target: str) -> bool:
    try:
        return importlib.util.find_spec(target) is not None
    except (ImportError, ValueError):
        return False


def _named(loaded: Registry, target: str) -> list[tuple[str, str]]:
    """What a name stands for: a thing, a metric's family, or all that a plugin gives."""
    things = [(kind, target) for kind in CHECKS if target in getattr(loaded, kind)]
    things += [
        ("metrics", metric.id) for metric in loaded.metrics.values() if metric.name == target
    ]
    if things:
        return things
    file = paths.real(paths.expanded(target)) if _is_file(target) else _module_file(target)
    return [
        (kind, name)
        for info in loaded.plugins
        if info.name == target or (file is not None and info.file == file)
        for kind, names in info.provides.items()
        for name in names
    ]


def _module_file(target: str) -> Path | None:
    if not _is_module(target):
        return None
    spec = importlib.util.find_spec(target)
    return Path(spec.origin).resolve() if spec is not None and spec.origin else None
