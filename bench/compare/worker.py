"""One side of `bench gate`: a process that times calls when it is its turn.

It speaks JSON, a line each, over standard input and output: `{"prepare": {...}}` loads a method
and warms it up, `{"turn": CALLS}` times that many calls. The file is run as a script of its own,
against whichever `bench` the process's path leads to: it is the same measurement for both sides,
so it brings its own clock, and of `bench` it uses no more than how a method is found and run.
"""

from __future__ import annotations

import importlib
import itertools
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

WARM_CALLS, WARM_SECONDS = 3, 0.3
SCHEDULE = Path("/proc/thread-self/schedstat")


def reference(device: torch.device) -> Callable[[], object]:
    """The reference workload: a fixed small network in float32, of the layers of style transfer.

    It tells how fast a machine is at the moment; baselines are stored in units of it, so it must
    not change.
    """
    torch.manual_seed(0)
    widths = (3, 32, 64, 64)
    network = nn.Sequential(
        *(
            layer
            for inputs, outputs in itertools.pairwise(widths)
            for layer in (
                nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect"),
                nn.InstanceNorm2d(outputs, affine=True),
                nn.ReLU(),
            )
        )
    ).to(device)
    picture = torch.rand(1, 3, 96, 96, device=device)

    def call() -> Tensor:
        with torch.inference_mode():
            stylized: Tensor = network(picture)
        return stylized

    return call


def method_call(
    device: torch.device,
    *,
    plugins: list[str],
    method: str,
    options: Mapping[str, str],
    size: int,
    scope: str,
    precision: str,
    seed: int,
) -> Callable[[], object]:
    """A method's `core` (a picture through the adapted method) or `adapt`, see `stepping`."""
    import numpy as np

    options_, store = _module("bench.options"), _module("bench.store")
    registry = _module("bench.plugins.registry", "bench.registry")
    contexts = _module("bench.contract.context", "bench.device")
    devices = _module("bench.machine.device", "bench.device")
    phases = _module("bench.contract.phases", "bench.phases")

    loaded = registry.load(plugins)
    loaded.require()
    cls = loaded.method(method)
    random = np.random.default_rng(seed)
    noise = ((f"noise_{n}", random.integers(0, 256, (256, 320, 3), np.uint8)) for n in range(4))
    arithmetic = devices.choose_precision(precision, device)
    context = contexts.Context(device, arithmetic, store.collect(noise), loaded.encoder)
    torch.manual_seed(seed)
    prepared = cls(context, options_.build(cls.Options, options, method))
    prepared.load()
    content, style = (
        context.precision.layout(torch.rand(1, 3, size, size).to(device)) for _ in range(2)
    )
    if scope == "adapt":
        return stepping(lambda: phases.adapting(prepared, style))
    next(phases.adapting(prepared, style))  # ready, though not adapted: as fast as if it were
    return stepping(lambda: phases.stylizing(prepared, content))


def _module(*places: str) -> Any:
    """A module of the `bench` at hand: where this version has it, or else where an older one had.

    What this version has is told by its files. An editable install of another one, which may be
    the interpreter's, would answer to an import of what this one lacks, and mix the two.
    """
    core = Path(importlib.import_module("bench").__path__[0])

    def there(place: str) -> bool:
        file = core.joinpath(*place.split(".")[1:])
        return file.with_suffix(".py").is_file() or (file / "__init__.py").is_file()

    return importlib.import_module(next((place for place in places if there(place)), places[-1]))


def stepping(phase: Callable[[], Iterator[object]]) -> Callable[[], None]:
    """A call makes the next step of a phase, or all of one that does not iterate.

    A phase that has come to its end is started anew.
    """
    under_way: list[Iterator[object]] = []

    def call() -> None:
        if not under_way or next(under_way[0], None) is None:
            under_way[:] = [phase()]
            next(under_way[0])  # ready
            next(under_way[0], None)

    return call


class Worker:
    """Answers requests."""

    def prepare(self, *, threads: int | None, device: str, scope: str, **rest: Any) -> Any:
        """Make the call and warm it up; the seconds of a call, and what it runs on."""
        if threads:
            torch.set_num_threads(threads)
        self.device = torch.device(device)
        # elsewhere, and of several threads, nobody tells how long a call was kept waiting
        alone = self.device.type == "cpu" and torch.get_num_threads() == 1
        self.schedule = SCHEDULE if alone and SCHEDULE.exists() else None
        if scope == "reference":
            self.call = reference(self.device)
        else:
            self.call = method_call(self.device, scope=scope, **rest)
        taken = [sum(self.turn(1)) for _ in range(WARM_CALLS)]
        while sum(taken) < WARM_SECONDS:
            taken.append(sum(self.turn(1)))
        return {
            "seconds": sorted(taken)[len(taken) // 2],
            "torch": torch.__version__,
            "python": platform.python_version(),
            "threads": torch.get_num_threads(),
        }

    def turn(self, calls: int) -> tuple[float, float]:
        """Seconds that some calls ran, and seconds that they were kept waiting for a core."""
        self._synchronize()
        start, before = time.perf_counter_ns(), self._waited()
        for _ in range(calls):
            self.call()
        self._synchronize()
        waited = self._waited() - before
        return 1e-9 * (time.perf_counter_ns() - start - waited), 1e-9 * waited

    def _waited(self) -> int:
        return int(self.schedule.read_text().split()[1]) if self.schedule else 0  # ns (proc(5))

    def _synchronize(self) -> None:
        if self.device.type != "cpu":
            torch.accelerator.synchronize(self.device)


def main() -> None:
    """Answer until standard input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a plugin prints is no answer
    worker = Worker()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if "turn" in request:
                answer: Any = worker.turn(request["turn"])
            else:
                answer = worker.prepare(**request["prepare"])
        except Exception as error:
            lines = str(error).strip().splitlines() or [""]
            answer = {"error": f"{type(error).__name__}: {lines[0]}".rstrip(": ")}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
