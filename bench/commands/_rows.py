"""Which rows a run has: the methods asked for, and what `--sweep` and `--runtime` add."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, get_args, get_type_hints

from bench.anchors import ANCHORS
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.contract import Method
    from bench.plugins.registry import Registry

RUNTIMES = ("onnxruntime", "openvino")
"""Names of `bench.runtimes.RUNTIMES`, which imports torch."""


def add_strengths(args: argparse.Namespace, registry: Registry) -> None:
    """Name a row, with its option, for every strength that a method asked for has not anyway."""
    from bench import options

    swept = False
    for name, cls, own in _asked(args, registry):
        if cls.strength is None:
            continue
        usual = getattr(options.build(cls.Options, own, name), cls.strength.option)
        for value in cls.strength.values:
            if value != usual:
                alias = f"{name}-{value:g}".replace(".", "p")
                _add(args, alias, cls, {**own, cls.strength.option: f"{value:g}"})
        swept = True
    if not swept:
        raise BenchError("--sweep: no method that is asked for has a strength; see bench list")


def add_runtime(args: argparse.Namespace, registry: Registry, runtime: str) -> None:
    """Name a row, with its option, for every method asked for that the runtime can run."""
    added = False
    for name, cls, own in _asked(args, registry):
        forms = get_args(get_type_hints(cls.Options).get("inference"))
        if runtime in forms and own.get("inference") not in RUNTIMES:
            _add(args, f"{name}-{runtime}", cls, {**own, "inference": runtime})
            added = True
    if not added:
        raise BenchError(f"--runtime {runtime}: no method that is asked for can be run by it")


def _asked(
    args: argparse.Namespace, registry: Registry
) -> Iterator[tuple[str, type[Method], Mapping[str, str]]]:
    """The rows asked for so far: name, method, and the options that are given."""
    from bench import options

    given = options.parse_pairs(args.option)
    for text in dict.fromkeys([*list(registry.methods) * args.all, *args.method]):
        name, _, behind = text.partition("=")
        yield name, registry.method(behind or name), given.get(name, {})


def _add(args: argparse.Namespace, alias: str, cls: type[Method], pairs: Mapping[str, str]) -> None:
    args.method.append(f"{alias}={cls.name}")
    args.option += [f"{alias}.{key}={value}" for key, value in pairs.items()]


def chosen(args: argparse.Namespace, registry: Registry) -> dict[str, type[Method]]:
    """The table's rows, the anchors first: a name, which is the method's own or an alias."""
    from bench.plugins.validation import NAME, NAME_RULE

    asked = list(registry.methods) if args.all else []
    if not (asked or args.method):
        raise BenchError(
            "no method: give --method NAME or --all; bench list methods shows them, and bench demo"
            " is a first look at three"
        )
    rows: dict[str, type[Method]] = {}
    for text in (*ANCHORS, *asked, *args.method):
        name, equals, behind = text.partition("=")
        cls = registry.method(behind if equals else name)
        taken = name in registry.methods or name in registry.datasets
        if equals and (taken or not NAME.fullmatch(name) or rows.get(name, cls) is not cls):
            raise BenchError(
                f"--method {text}: {name or 'nothing'} cannot be an alias; take a new name: "
                f"{NAME_RULE}"
            )
        rows[name] = cls
    return rows
