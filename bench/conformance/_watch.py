"""Seeing what a plugin's own code does while it runs: clocks, seeds, environment, files.

Calls are seen by a profile function and files by an audit hook, both of Python's own, so that it
does not matter how a name was imported. What a library does on the plugin's behalf in threads or
in C++ stays unseen.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import random
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any, Literal

import torch

from bench.contract import Context

Kind = Literal["clock", "seed", "environment", "file", "network"]


@dataclass(frozen=True)
class Seen:
    """Something that was done: `what`, and `where` in the plugin's code ("" where unknown)."""

    kind: Kind
    what: str
    where: str

    def __str__(self) -> str:
        return f"{self.what} ({self.where})" if self.where else self.what


def _code(function: Any) -> CodeType:
    code: CodeType = inspect.unwrap(function).__code__
    return code


_FUNCTIONS: tuple[tuple[Kind, str, Any], ...] = (
    ("clock", "torch.cuda.synchronize", torch.cuda.synchronize),
    ("clock", "torch.accelerator.synchronize", torch.accelerator.synchronize),
    ("seed", "random.seed", random.Random.seed),
    ("seed", "torch.manual_seed", torch.manual_seed),
    ("seed", "torch.seed", torch.seed),
    ("seed", "torch.cuda.manual_seed", torch.cuda.manual_seed),
    ("seed", "torch.cuda.manual_seed_all", torch.cuda.manual_seed_all),
    ("environment", "os.environ", type(os.environ).__getitem__),
)
_CALLS = {_code(function): (kind, name) for kind, name, function in _FUNCTIONS}
_TORCH_WRAPPERS = tuple(str(Path(torch.__file__).parent / name) for name in ("_compile", "_dynamo"))
"""`torch.manual_seed` is called through these, once anything has loaded the compiler."""
_CLOCKS = {*vars(time), "now", "utcnow"} - {"strftime", "strptime", "struct_time", "gmtime"}
"""What calls of clocks are named."""
_MACHINERY = ("/proc/", "/sys/", "/dev/")


class Watch:
    """`with Watch(cls, allowed) as watch:` fills `watch.seen`.

    Args:
        cls: the plugin's class; its own code is its module or, in a package, the whole package.
        allowed: files that may be opened.
    """

    def __init__(self, cls: type[Any], allowed: set[Path]) -> None:
        self.seen: list[Seen] = []
        self._own = _own_code(cls)
        self._allowed = allowed

    def __enter__(self) -> Watch:
        _install()
        self._thread, self._before = threading.get_ident(), sys.getprofile()
        _watching.append(self)
        sys.setprofile(self._profile)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        sys.setprofile(self._before)
        _watching.remove(self)

    def _note(self, kind: Kind, what: str, frame: FrameType) -> None:
        seen = Seen(kind, what, f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}")
        if seen not in self.seen:
            self.seen.append(seen)

    def _profile(self, frame: FrameType, event: str, arg: Any) -> None:
        if event == "c_call":
            name = getattr(arg, "__name__", "")
            if name not in _CLOCKS:  # of a million calls
                return
            clock = getattr(arg, "__self__", None) is time
            now = getattr(arg, "__qualname__", "") in ("datetime.now", "datetime.utcnow")
            if (clock or now) and self._own(frame.f_code.co_filename):
                self._note("clock", f"{'time' if clock else 'datetime'}.{name}", frame)
        elif event == "call" and frame.f_code in _CALLS:
            kind, name = _CALLS[frame.f_code]
            if kind == "environment":
                name = f"os.environ[{frame.f_locals['key']!r}]"
            caller = frame.f_back
            while caller is not None and _is_standard(caller.f_code.co_filename):
                caller = caller.f_back
            if caller is not None and self._own(caller.f_code.co_filename):
                self._note(kind, name, caller)

    def opened(self, event: str, args: tuple[Any, ...]) -> None:
        """Note a file or a connection, unless it is declared or the machinery's."""
        if threading.get_ident() != self._thread:
            return
        path = ""
        if event == "open":
            if not isinstance(args[0], str | bytes):
                return
            path = os.path.abspath(os.fsdecode(args[0]))  # noqa: PTH100 (no Path in a hook: slow)
            if path.startswith(_MACHINERY):
                return
        where, frame = None, sys._getframe(2)
        while frame is not None:
            code = frame.f_code
            if code in _ALLOWED or code.co_filename.startswith(_ALLOWED_FILES):
                return
            if where is None and self._own(code.co_filename):
                where = frame
            frame = frame.f_back  # type: ignore[assignment]
        if where is None or (path and Path(path).resolve() in self._allowed):
            return
        if event == "open":
            self._note("file", path, where)
        else:
            self._note("network", str(args[1]), where)


_watching: list[Watch] = []
_ALLOWED = {_code(Context.encoder)}
"""Whoever opens a file on behalf of these is not the plugin."""
_ALLOWED_FILES = (
    "<frozen importlib",
    str(Path(str(importlib.__file__)).parent),
    str(Path(str(torch.__file__)).parent / "_inductor"),
    str(Path(str(torch.__file__)).parent / "_dynamo"),
)


@functools.cache
def _install() -> None:
    """An audit hook cannot be taken out again, so there is one, which does nothing but look."""

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if _watching and event in ("open", "socket.connect"):
            for watch in _watching:
                watch.opened(event, args)

    sys.addaudithook(hook)


def _own_code(cls: type[Any]) -> Callable[[str], bool]:
    file = Path(inspect.getfile(cls)).resolve()
    top = cls.__module__.partition(".")[0]
    package = sys.modules.get(cls.__module__)
    folder: Path | None = None
    if top == "bench":
        # methods/ and metrics/ are folders of their own; the core's encoders are one file of it
        folder = file.parent if cls.__module__.count(".") > 1 else None
    elif package is not None and package.__package__:
        root = getattr(sys.modules[top], "__file__", None)
        folder = Path(root).resolve().parent if root else file.parent

    @functools.cache
    def own(filename: str) -> bool:
        path = Path(filename).resolve()
        return path == file or (folder is not None and folder in path.parents)

    return own


@functools.cache
def _is_standard(filename: str) -> bool:
    """Whether it stands between a plugin and `os.environ`, `random.seed` or `torch.manual_seed`."""
    return filename.startswith(("<frozen ", *_TORCH_WRAPPERS)) or Path(filename).name in (
        "_collections_abc.py",
        "os.py",
    )
