"""The hooks that a plugin implements: all of them, on one page.

A plugin is a module with one or more of these functions, each marked `@hookimpl`:

    from bench import Method, hookimpl

    class Mine(Method):
        name = "mine"
        family = "arbitrary"
        def adapt(self, style): self.mean = style.mean((2, 3), keepdim=True)
        def stylize(self, content): return (content * 0.5 + self.mean * 0.5).clamp(0, 1)

    @hookimpl
    def bench_methods():
        return [Mine]

It is found through the entry-point group `bench`, or given as `--plugin module_or_file.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from bench.contract import Dataset, Encoder, Method, Metric

hookspec = pluggy.HookspecMarker("bench")
hookimpl = pluggy.HookimplMarker("bench")


@hookspec
def bench_methods() -> Sequence[type[Method]]:  # type: ignore[empty-body]
    """Classes of style-transfer methods; the class's `name` is what `--method` takes."""


@hookspec
def bench_metrics() -> Sequence[Metric]:  # type: ignore[empty-body]
    """Metric objects, one per (name, encoder); the object's `id` is what `--metric` takes."""


@hookspec
def bench_datasets() -> Sequence[type[Dataset]]:  # type: ignore[empty-body]
    """Classes of datasets; the class's `name` is what `--dataset` takes."""


@hookspec
def bench_encoders() -> Sequence[Encoder]:  # type: ignore[empty-body]
    """Encoder objects; the object's `name` is what a method's `encoder` option takes."""
