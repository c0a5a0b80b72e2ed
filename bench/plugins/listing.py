"""What `bench list` prints: everything the registry holds, and what it could not use."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from tabulate import tabulate

from bench import options, weights
from bench.contract import Weights
from bench.errors import unknown
from bench.plugins.registry import Registry

Row = dict[str, Any]
Format = Literal["plain", "json"]


def describe(registry: Registry, what: str | None = None, format: Format = "plain") -> str:
    """The registry in words.

    Args:
        registry: what to list.
        what: one of `SECTIONS`; all of them when None.
        format: `plain` for aligned tables, `json` for an object with a list of rows per section.

    Raises:
        BenchError: no such section.
    """
    if what is not None and what not in SECTIONS:
        raise unknown("thing to list", what, SECTIONS)
    chosen = SECTIONS if what is None else (what,)
    rows = {section: _ROWS[section](registry) for section in chosen}
    if format == "json":
        return json.dumps(rows, indent=2, ensure_ascii=False)
    return "\n\n".join(_table(section, rows[section]) for section in chosen)


def _table(section: str, rows: Sequence[Row]) -> str:
    if not rows:
        return f"{section}: none"
    cells = [{key.replace("_", " "): _cell(value) for key, value in row.items()} for row in rows]
    table = tabulate(cells, headers="keys", tablefmt="plain", disable_numparse=True)
    return f"{section}\n" + "\n".join(f"  {line}".rstrip() for line in table.splitlines())


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(_cell, value))
    return str(value)


def _methods(registry: Registry) -> list[Row]:
    return [
        {
            "name": name,
            "family": method.family,
            "weights": [_present(item, method.folders()) for item in method.weights],
            "trains_on": list(method.trains_on),
            "citation": method.citation,
            "source": registry.origin("methods", name).source,
        }
        for name, method in registry.methods.items()
    ]


def _metrics(registry: Registry) -> list[Row]:
    return [
        {
            "id": name,
            "axis": metric.axis,
            "better": metric.direction,
            "unit": metric.unit,
            "by_default": metric.by_default,
            "training_loss_of": list(metric.training_loss_of),
            "caveat": metric.caveat,
            "citation": metric.citation,
            "source": registry.origin("metrics", name).source,
        }
        for name, metric in registry.metrics.items()
    ]


def _datasets(registry: Registry) -> list[Row]:
    return [
        {
            "name": name,
            "citation": dataset.citation,
            "source": registry.origin("datasets", name).source,
        }
        for name, dataset in registry.datasets.items()
    ]


def _options(registry: Registry) -> list[Row]:
    owners: list[tuple[str, type[Any]]] = [
        *((name, method.Options) for name, method in registry.methods.items()),
        *((name, dataset.Options) for name, dataset in registry.datasets.items()),
    ]
    return _option_rows(owners)


def _training(registry: Registry) -> list[Row]:
    """The options of `bench train`."""
    return _option_rows(
        (name, method.training.Options)
        for name, method in registry.methods.items()
        if method.training is not None
    )


def _option_rows(owners: Iterable[tuple[str, type[Any]]]) -> list[Row]:
    return [
        {**row, "name": f"{owner}.{row['name']}"}
        for owner, cls in owners
        for row in options.describe(cls)
    ]


def _encoders(registry: Registry) -> list[Row]:
    return [
        {
            "name": name,
            "judge": encoder.judge,
            "taps": list(encoder.taps),
            "weights": _present(encoder.weights, encoder.folders()),
            "licence": encoder.weights.licence,
            "citation": encoder.citation,
            "source": registry.origin("encoders", name).source,
        }
        for name, encoder in registry.encoders.items()
    ]


def _plugins(registry: Registry) -> list[Row]:
    return [
        {
            "name": info.name,
            "gives": [name for names in info.provides.values() for name in names],
            "hooks": list(info.hooks),
            "source": info.source,
            "file": str(info.file or ""),
        }
        for info in registry.plugins
    ]


def _broken(registry: Registry) -> list[Row]:
    return [
        {"name": broken.name, "source": broken.source, "cause": broken.cause}
        for broken in registry.broken
    ]


_ROWS: Mapping[str, Callable[[Registry], list[Row]]] = {
    "methods": _methods,
    "metrics": _metrics,
    "datasets": _datasets,
    "options": _options,
    "training": _training,
    "encoders": _encoders,
    "plugins": _plugins,
    "broken": _broken,
}
SECTIONS = tuple(_ROWS)


def _present(item: Weights, folders: Sequence[Path]) -> str:
    found = weights.find(item, folders) is not None
    return "present" if found else f"missing ({item.source})"
