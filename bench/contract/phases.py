"""Driving a method's phases to their end or step by step, without a clock.

A phase may be a plain call or a generator (see `bench.contract.Method`); here both look alike.
Every stretch of a method's code runs under the context's autocast, where the method allows it;
what the caller does between two steps does not.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import torch
from torch import Tensor

from bench.contract.context import Context
from bench.contract.guard import Guard
from bench.contract.method import Method
from bench.errors import BenchError

T = TypeVar("T")


def loaded(cls: type[Method], context: Context, options: Any) -> Method:
    """A method's object, loaded, whose code has changed nothing that is not its own.

    Raises:
        BenchError: it has (see `bench.contract.guard`); or whatever `load` raises.
    """
    with Guard(once=True):
        method = cls(context, options)
        method.load()
    return method


def arithmetic(method: Method, learning: bool = False) -> AbstractContextManager[object]:
    """The autocast that the method's phases run under; `adapt` may learn."""
    if not type(method).autocast:
        return contextlib.nullcontext()
    return method.context.autocast(learning)


class Adapting(Iterator[int]):
    """An adaptation under way: gives the steps made so far, from 0 on.

    Attributes:
        iterates: whether there may be steps; known when it is ready (step 0).
    """

    def __init__(self, method: Method, style: Tensor) -> None:
        self.iterates = False
        self._steps = self._run(method, style)

    def __next__(self) -> int:
        return next(self._steps)

    def _run(self, method: Method, style: Tensor) -> Iterator[int]:
        with Guard(), arithmetic(method, True):
            phase = method.adapt(style)
        if phase is None:
            yield 0
            return
        self.iterates = True
        for step, _ in enumerate(_advance(method, phase, True)):
            yield step


def adapting(method: Method, style: Tensor) -> Adapting:
    """Adapt to a style (1, 3, H, W); give the steps made so far, from 0 on.

    A method that does not iterate gives 0 once, when it is ready to stylize.
    """
    return Adapting(method, style)


def stylizing(method: Method, content: Tensor) -> Iterator[Tensor]:
    """Stylize contents (N, 3, H, W); give the pictures so far, and last the result."""
    with Guard(), arithmetic(method):
        phase = method.stylize(content)
    if isinstance(phase, Tensor):
        yield phase
        return
    yield from _advance(method, phase)


def adapt(method: Method, style: Tensor) -> int:
    """Adapt to a style (1, 3, H, W) to the end, and return the number of steps made.

    Raises:
        BenchError: the method iterates but never was ready.
    """
    last = deque(adapting(method, style), maxlen=1)
    if not last:
        raise BenchError(f"method '{method.name}': adapt must yield once when it is ready")
    return last[0]


def stylize(method: Method, content: Tensor) -> Tensor:
    """Stylize contents (N, 3, H, W) to the end, and return the result.

    Raises:
        BenchError: the method iterates but gave no picture.
    """
    last = deque(stylizing(method, content), maxlen=1)
    if not last:
        raise BenchError(f"method '{method.name}': stylize must yield at least one picture")
    return last[0]


def _advance(method: Method, phase: Iterator[T], learning: bool = False) -> Iterator[T]:
    theirs = torch.is_grad_enabled()  # a generator may yield inside `with torch.no_grad()`
    while True:
        with Guard(), torch.set_grad_enabled(theirs), arithmetic(method, learning):
            try:
                value = next(phase)
            except StopIteration:
                return
            theirs = torch.is_grad_enabled()
        yield value
