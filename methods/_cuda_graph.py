"""What a network does as one CUDA graph: launched as a whole instead of kernel by kernel.

Small pictures leave a GPU waiting for the host, which cannot launch a hundred kernels as fast as
they run. A pass is captured for each shape, and reads the network's parameters at each launch; a
step of an optimisation is captured after its first ones, and changes them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import torch
from torch import Tensor

T = TypeVar("T")

WARM_UP = 3
"""Calls before a capture, in which libraries choose their algorithms and take their memory."""
KEPT = 8
"""Shapes that graphs are kept for: each holds the memory of a pass."""


class Graphed:
    """Calls a network by graphs, under inference mode and whatever autocast is on.

    Args:
        network: a tensor to a tensor, on CUDA; its parameters may change, but not where they lie.
    """

    def __init__(self, network: Callable[[Tensor], Tensor]) -> None:
        self._network = network
        self.graphs: dict[tuple[object, ...], tuple[torch.cuda.CUDAGraph, Tensor, Tensor]] = {}

    def __call__(self, picture: Tensor) -> Tensor:
        """What the network gives for the picture.

        Raises:
            RuntimeError: it does what cannot be captured, as waiting for the host.
        """
        key = (*picture.shape, picture.stride(), picture.dtype, _arithmetic())
        if key not in self.graphs:
            if len(self.graphs) == KEPT:
                del self.graphs[next(iter(self.graphs))]
            self.graphs[key] = self.capture(picture)
        graph, given, result = self.graphs[key]
        given.copy_(picture)
        graph.replay()
        return result.clone()

    def capture(self, picture: Tensor) -> tuple[torch.cuda.CUDAGraph, Tensor, Tensor]:
        given = picture.clone()
        with _aside(picture.device):
            for _ in range(WARM_UP):
                self._network(given)
        graph, result = _captured(lambda: self._network(given), picture.device)
        return graph, given, result


Step = Callable[..., None]
Capture = Callable[[Step, Sequence[Tensor]], Callable[[], object]]
"""A step and what it is to be given, to what launches it; the step is not made by that."""


def capture_step(step: Step, given: Sequence[Tensor]) -> Callable[[], object]:
    """What launches the step as one graph, which reads anew what it is given, where that lies.

    Raises:
        RuntimeError: the step does what cannot be captured, as waiting for the host.
    """
    graph, _ = _captured(lambda: step(*given), given[0].device)
    return graph.replay


class GraphedStep:
    """A step that changes tensors where they lie, launched as one graph after its first calls.

    The first calls are made as they are, and count as all others do.

    Args:
        step: takes tensors, whose shapes and layouts never change.
        strict: that it cannot be captured is an error; else it is made as it is.
        capture: another than CUDA's, for a machine that has none.

    Attributes:
        form: how it is made by now: `plain`, with a reason where it was to be otherwise, or
            `graph`.
    """

    def __init__(self, step: Step, strict: bool = False, capture: Capture = capture_step) -> None:
        self.form = "plain"
        self._step, self._strict, self._capture = step, strict, capture
        self._left = WARM_UP
        self._given: list[Tensor] = []
        self._launch: Callable[[], object] | None = None

    def __call__(self, *given: Tensor) -> None:
        """Make the step.

        Raises:
            RuntimeError: `strict`, and it cannot be captured.
        """
        if self._left == 0 and self._launch is None and self.form == "plain":
            self._begin(given)
        if self._launch is None:
            self._left = max(0, self._left - 1)
            with _aside(given[0].device):
                self._step(*given)
            return
        for kept, value in zip(self._given, given, strict=True):
            kept.copy_(value)
        self._launch()

    def _begin(self, given: Sequence[Tensor]) -> None:
        self._given = [value.clone() for value in given]
        try:
            self._launch = self._capture(self._step, self._given)
            self.form = "graph"
        except RuntimeError as error:
            if self._strict:
                raise
            self.form = f"plain, no graph: {str(error).splitlines()[0]}"


@contextlib.contextmanager
def _aside(device: torch.device) -> Iterator[None]:
    """On CUDA on a stream of its own, as what will be captured has to be made before."""
    if device.type != "cuda":
        yield
        return
    side = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(side):
        yield
    torch.cuda.current_stream(device).wait_stream(side)


def _captured(call: Callable[[], T], device: torch.device) -> tuple[torch.cuda.CUDAGraph, T]:
    """A graph of what the call does, and what it gives; nothing is computed yet."""
    # autocast would give the capture weights that it has rounded before, and the graph would
    # read those for ever; what it rounds in the capture lies in the graph's own memory
    torch.clear_autocast_cache()
    graph = torch.cuda.CUDAGraph()
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    try:
        with torch.cuda.graph(graph, stream=stream):  # its own would be of the first device
            result = call()
    finally:
        torch.clear_autocast_cache()
    return graph, result


def _arithmetic() -> tuple[object, ...]:
    """What decides about the kernels, beside the tensors."""
    conv = torch.backends.cudnn.conv.fp32_precision  # type: ignore[attr-defined]
    if not torch.is_autocast_enabled("cuda"):
        return (conv,)
    return conv, torch.get_autocast_dtype("cuda")
