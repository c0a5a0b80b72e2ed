"""What a run is asked for: as its record keeps it, and as a command line that asks for the same."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from bench import paths

if TYPE_CHECKING:
    from bench.contract import Method
    from bench.plugins.registry import Registry
    from bench.results import Specification


def specification(
    args: argparse.Namespace,
    registry: Registry,
    rows: Mapping[str, type[Method]],
    metrics: Sequence[str],
) -> Specification:
    """What is asked for, so that it resumes from anywhere and whatever is installed later."""
    from bench import options
    from bench.results import Specification

    def absolute(path: str) -> str:
        return str(paths.expanded(path).absolute())

    plugins: dict[str, type[Any]] = {**rows, **registry.datasets}
    given = []
    for owner, values in options.parse_pairs(args.option).items():
        for key, value in values.items():
            if options.is_path(plugins[owner].Options, key) and paths.expanded(value).exists():
                value = absolute(value)
            given.append(f"{owner}.{key}={value}")
    resolved = {
        **{name: list(map(absolute, getattr(args, name))) for name in _PATHS},
        "plugin": [absolute(p) if paths.expanded(p).is_file() else p for p in args.plugin],
        "method": [row + f"={cls.name}" * (row != cls.name) for row, cls in rows.items()],
        "metric": list(metrics),
        "option": given,
    }
    asked = {field.name: getattr(args, field.name) for field in fields(Specification)}
    return Specification(**{**asked, **resolved})


_PATHS = ("content", "style", "adapt_content")


def command(asked: Specification) -> str:
    """A command line that asks for the same."""
    words = ["bench", "run"]
    for field in fields(asked):
        option, value = f"--{field.name.replace('_', '-')}", getattr(asked, field.name)
        if field.name in ("observe", "batch"):
            value = ",".join(map(str, value)) or None
        if isinstance(value, bool):
            words.append(option if value else f"--no-{option[2:]}")
        elif value is not None:
            for one in value if isinstance(value, list) else [value]:
                words += [option, str(one)]
    return shlex.join(words)
