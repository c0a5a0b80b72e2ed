"""What belongs to the whole process, kept as it is around calls into a plugin's code.

A plugin runs in our process: what it leaves changed there would reach every other method's
pictures and times, and those would get the blame. So each call is guarded: state is noted, put
back, and what was changed is an error of the plugin that did it. What a plugin prints goes to
standard error, for standard output is the command's. Not seen: what cannot be asked for, such as
the treatment of denormal numbers, and changes to other modules.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

import numpy as np
import torch

from bench import interrupts
from bench.contract.cuda_switches import switches, turn
from bench.errors import BenchError, text_of


def _folder() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109 (a hundred times faster than a Path)
    except FileNotFoundError:
        return None


def _to_folder(folder: str | None) -> None:
    if folder is not None:
        os.chdir(folder)


def _device() -> torch.device | None:
    """As `torch.get_default_device`, which takes forty times as long; None where none is set."""
    mode = getattr(getattr(torch, "_GLOBAL_DEVICE_CONTEXT", None), "device_context", None)
    return None if mode is None else mode.device


_left: list[torch.inference_mode] = []


def _to_grad(enabled: bool) -> None:
    if torch.is_inference_mode_enabled():
        _left.append(torch.inference_mode(False))
        _left[-1].__enter__()  # never to be left: what is inside it, is not ours to end
    torch.set_grad_enabled(enabled)


def _to_filters(filters: list[Any]) -> None:
    warnings.filters[:] = filters  # type: ignore[index]
    warnings._filters_mutated()  # type: ignore[attr-defined]  # as catch_warnings does


def _to_environment(variables: dict[str, str]) -> None:
    for name in set(os.environ) - set(variables):
        del os.environ[name]
    os.environ.update(variables)


Part = tuple[str, Callable[[], Any], Callable[[Any], object], bool]
"""Its name, how to note it, how to put it back, and whether to change it is an error."""

CHEAP: tuple[Part, ...] = (
    ("torch's number of threads", torch.get_num_threads, torch.set_num_threads, True),
    ("torch's default dtype", torch.get_default_dtype, torch.set_default_dtype, True),
    ("torch's default device", _device, torch.set_default_device, True),
    (
        "torch's gradient mode",
        lambda: torch.is_grad_enabled() and not torch.is_inference_mode_enabled(),
        _to_grad,
        True,
    ),
    (
        "torch's deterministic mode",
        torch.are_deterministic_algorithms_enabled,
        torch.use_deterministic_algorithms,
        True,
    ),
    ("torch's switches for CUDA", switches, turn, False),
    ("the working directory", _folder, _to_folder, True),
    ("the warning filters", lambda: warnings.filters[:], _to_filters, False),
)
"""Noted around every call, of a step too: together microseconds."""

DEAR: tuple[Part, ...] = (
    ("the environment", lambda: dict(os.environ), _to_environment, False),
    ("the state of random", random.getstate, random.setstate, False),
    (
        "the state of numpy.random",
        lambda: np.random.get_state(legacy=False),
        np.random.set_state,
        False,
    ),
    *(
        (
            f"the handler of {number.name}",
            lambda number=number: signal.getsignal(number),
            lambda handler, number=number: signal.signal(number, handler),
            True,
        )
        for number in interrupts.SIGNALS
    ),
)
"""Noted too around an import, hooks and `load`, which happen once."""


class Guard:
    """`with Guard():` around a call into a plugin's code.

    Args:
        once: the call is one of those that happen once, so that all is noted.
        tell: whether a change is an error; it is put back in any case.

    Raises:
        BenchError: the code changed what is not its own, or wanted to end the process
            (SystemExit and its like; KeyboardInterrupt, the user's, passes).
    """

    __slots__ = ("_before", "_out", "_parts", "_tell")

    def __init__(self, once: bool = False, tell: bool = True) -> None:
        self._tell = tell
        self._parts = CHEAP
        if once and threading.current_thread() is threading.main_thread():
            self._parts += DEAR

    def __enter__(self) -> Guard:
        interrupts.check()
        self._before = [note() for _, note, _, _ in self._parts]
        self._out = sys.stdout
        sys.stdout = sys.stderr
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        sys.stdout = self._out
        changed = []
        for (name, note, put_back, wrong), before in zip(self._parts, self._before, strict=True):
            now = note()
            if now is not before and not _same(now, before):
                put_back(before)
                if wrong and self._tell:
                    changed.append(name)
        if error is None and changed:
            raise BenchError(f"{' and '.join(changed)} was changed: that is the runner's, leave it")
        if error is not None and not isinstance(error, (Exception, KeyboardInterrupt)):
            _refuse_to_end(error)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    return bool(one == other)


def _refuse_to_end(error: BaseException) -> NoReturn:
    what = f"{type(error).__name__}: {text_of(error)}".rstrip(": ")
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(place.filename).name}:{place.lineno}"
    raise BenchError(f"it wanted to end the program, {what} ({where})") from error
