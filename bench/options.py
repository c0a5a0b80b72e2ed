"""Typed options: a frozen dataclass in the plugin, `name.key=value` on the command line."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, Union, get_args, get_origin
from weakref import WeakKeyDictionary

from bench.errors import BenchError, unknown

T = TypeVar("T")


@dataclass(frozen=True)
class NoOptions:
    """What a plugin without options has."""


def option(
    default: T,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    path: bool = False,
) -> T:
    """A dataclass field with a help text and, for numbers, an inclusive range.

    `path` says that the text is a path: a run records it whole, to be resumed from anywhere.
    """
    return field(default=default, metadata={"help": help, "low": low, "high": high, "path": path})


def build(cls: type[T], values: Mapping[str, Any], owner: str) -> T:
    """Make an options dataclass from text or plain values, checked field by field.

    Args:
        cls: a dataclass whose fields are int, float, bool, str, Literal or one of these or None.
        values: field name to text (from the command line) or value (from a stored run).
        owner: the plugin's name, for messages.

    Raises:
        BenchError: an unknown field, a value of the wrong type or outside its range.
    """
    fields = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    hints = _hints(cls)
    checked: dict[str, Any] = {}
    for key, raw in values.items():
        if key not in fields:
            raise unknown(f"option of {owner}", key, fields)
        value = _convert(raw, hints[key], f"{owner}.{key}")
        low, high = (fields[key].metadata.get(end) for end in ("low", "high"))
        if value is not None and (
            (low is not None and value < low) or (high is not None and value > high)
        ):
            raise BenchError(f"{owner}.{key}={raw} is out of range: {describe_range(low, high)}")
        checked[key] = value
    try:
        return cls(**checked)
    except ValueError as error:
        raise BenchError(f"options of {owner}: {error}") from None


def check(cls: type[Any], owner: str) -> None:
    """Check that every option can be given as text and recorded, and that its default fits it.

    Raises:
        BenchError: a field of another type than `build` takes, or with a default that it refuses.
    """
    for name, kind in _hints(cls).items():
        if name in (f.name for f in dataclasses.fields(cls)) and not _is_supported(kind):
            raise BenchError(
                f"option {name} of {owner} is {_word(kind)}, which no command line gives and no "
                f"run records: use int, float, bool, str, a Literal of these, or one of them | None"
            )
    build(cls, dataclasses.asdict(cls()), owner)


_known: WeakKeyDictionary[type[Any], dict[str, Any]] = WeakKeyDictionary()


def _hints(cls: type[Any]) -> dict[str, Any]:
    """The types of its fields: annotations are texts, and each is compiled to be looked up."""
    if cls not in _known:
        _known[cls] = typing.get_type_hints(cls)
    return _known[cls]


def _is_supported(kind: Any) -> bool:
    if get_origin(kind) in (Union, types.UnionType):
        others = [k for k in get_args(kind) if k is not type(None)]
        return len(others) == 1 and _is_supported(others[0])
    if get_origin(kind) is Literal:
        return all(type(choice) in (int, float, bool, str) for choice in get_args(kind))
    return kind in (int, float, bool, str)


def _convert(raw: Any, kind: Any, where: str) -> Any:
    origin = get_origin(kind)
    if origin is Literal:
        choices = get_args(kind)
        for choice in choices:
            if raw == choice or str(raw) == str(choice):
                return choice
        raise BenchError(f"{where}={raw}: choose one of {', '.join(map(str, choices))}")
    if origin in (Union, types.UnionType):
        kinds = get_args(kind)
        if type(None) in kinds and (raw is None or str(raw).lower() == "none"):
            return None
        return _convert(raw, next(k for k in kinds if k is not type(None)), where)
    if kind is bool:
        text = str(raw).lower()
        if text in ("true", "1", "yes", "on"):
            return True
        if text in ("false", "0", "no", "off"):
            return False
        raise BenchError(f"{where}={raw} is not a truth value: use true or false")
    try:
        if kind is int and isinstance(raw, float) and raw != int(raw):
            raise ValueError
        if isinstance(raw, str) and kind in (int, float) and (not raw.isascii() or "_" in raw):
            raise ValueError
        value = kind(raw)
        if kind is int and abs(value) >= 2**63:
            raise OverflowError
    except (TypeError, ValueError, OverflowError):
        wanted = {int: "a whole number", float: "a number"}.get(kind, kind.__name__)
        raise BenchError(f"{where}={raw} is not {wanted}") from None
    if kind is float and value != value:
        raise BenchError(f"{where}={raw} is not a number")
    return value


def parse_pairs(texts: Iterable[str]) -> dict[str, dict[str, str]]:
    """`["gatys.steps=100"]` to `{"gatys": {"steps": "100"}}`.

    Raises:
        BenchError: a text that is not `plugin.option=value`.
    """
    parsed: dict[str, dict[str, str]] = {}
    for text in texts:
        head, equals, value = text.partition("=")
        owner, dot, key = head.strip().rpartition(".")
        if not (equals and dot and owner and key):
            raise BenchError(
                f"--option {text}: write it as PLUGIN.OPTION=VALUE, e.g. metastyle.steps=100"
            )
        parsed.setdefault(owner, {})[key] = value.strip()
    return parsed


def is_path(cls: type[Any], name: str) -> bool:
    """Whether an option holds a path."""
    return any(f.name == name and f.metadata.get("path") for f in dataclasses.fields(cls))


def describe(cls: type[Any]) -> list[dict[str, str]]:
    """Name, type, default, range and help of every option, for `bench list`."""
    hints = _hints(cls)
    rows = []
    for f in dataclasses.fields(cls):
        kind = hints[f.name]
        rows.append(
            {
                "name": f.name,
                "type": " | ".join(_word(part) for part in get_args(kind) or (kind,)),
                "default": str(f.default),
                "range": describe_range(f.metadata.get("low"), f.metadata.get("high")),
                "help": str(f.metadata.get("help", "")),
            }
        )
    return rows


def _word(kind: Any) -> str:
    if kind is type(None):
        return "none"
    return str(kind) if get_args(kind) else str(getattr(kind, "__name__", kind))


def describe_range(low: float | None, high: float | None) -> str:
    """An inclusive range in words; empty when there is none."""
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    if low is not None:
        return f"at least {low:g}"
    return f"at most {high:g}" if high is not None else ""
