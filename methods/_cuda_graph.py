"""A network's pass as one CUDA graph: launched as a whole instead of kernel by kernel.

Small pictures leave a GPU waiting for the host, which cannot launch a hundred kernels as fast as
they run. A graph is captured for each shape, and reads the network's parameters at each launch.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

WARM_UP = 3
"""Passes before a capture, in which libraries choose their algorithms and take their memory."""
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
        side = torch.cuda.Stream(picture.device)  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream(picture.device))
        with torch.cuda.stream(side):
            for _ in range(WARM_UP):
                self._network(given)
        torch.cuda.current_stream(picture.device).wait_stream(side)
        # autocast would give the capture weights that it has rounded before, and the graph would
        # read those for ever; what it rounds in the capture lies in the graph's own memory
        torch.clear_autocast_cache()
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph):
                result = self._network(given)
        finally:
            torch.clear_autocast_cache()
        return graph, given, result


def _arithmetic() -> tuple[object, ...]:
    """What decides about the kernels, beside the tensors."""
    conv = torch.backends.cudnn.conv.fp32_precision  # type: ignore[attr-defined]
    if not torch.is_autocast_enabled("cuda"):
        return (conv,)
    return conv, torch.get_autocast_dtype("cuda")
