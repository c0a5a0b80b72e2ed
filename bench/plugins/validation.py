"""Whether what a plugin gives can be used: its names, its class, its attributes."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

from bench import options
from bench.contract import Dataset, Encoder, Family, Method, Metric, Strength, Weights
from bench.errors import BenchError

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
"""What a plugin's things, and the aliases of methods, may be called."""
NAME_RULE = "use lower-case letters and digits, with single dashes between"


def _check_method(cls: Any) -> str:
    name = _check_class(cls, Method)
    _check_choice(cls, "family", get_args(Family))
    if not all(isinstance(weights, Weights) for weights in cls.weights):
        raise BenchError(f"method '{name}': weights must be a sequence of bench.Weights")
    if cls.training is not None:
        options.check(cls.training.Options, f"training {name}")
    _check_strength(cls, name)
    return name


def _check_strength(cls: type[Method], name: str) -> None:
    strength = cls.strength
    if strength is None:
        return
    if not isinstance(strength, Strength) or len(set(strength.values)) < 2:
        raise BenchError(
            f"method '{name}': strength must be a bench.Strength of two values or more"
        )
    for value in strength.values:
        options.build(cls.Options, {strength.option: value}, name)


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


CHECKS: Mapping[str, Callable[[Any], str]] = {
    "methods": _check_method,
    "metrics": _check_metric,
    "datasets": _check_dataset,
    "encoders": _check_encoder,
}
