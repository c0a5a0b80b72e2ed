"""The transformation network as it stylizes: by itself, or fused where that is faster."""

from __future__ import annotations

import functools
from typing import Literal

import torch
from torch import Tensor

from bench.contract.context import Context, Precision
from bench.errors import BenchError
from bench.machine.clock import timed

from ._fused import FusedNet
from ._fused_layers import kernels
from ._transform_net import TransformNet

Inference = Literal["auto", "plain", "fused"]
FUSED = "float32/fused"  # the label of its precision
FLAT = 0.01  # the least contrast, see `Deployed`
SIDE = 256  # of the picture that `auto` decides by


class Deployed:
    """How a network stylizes: by itself, or fused, folded anew when its weights have changed.

    Pictures of hardly any contrast, as a film's black frames, are left to the network itself:
    normalising what is flat multiplies rounding errors by up to 316 in each layer, and only
    convolutions that round alike at every pixel have none that differ.
    """

    def __init__(
        self, network: TransformNet, fused: bool, arithmetic: tuple[str, str] | None = None
    ) -> None:
        self.network, self.fused = network, fused
        self.arithmetic = arithmetic  # see `Method`
        self._folded: FusedNet | None = None
        self._versions: list[int] = []

    def __call__(self, picture: Tensor) -> Tensor:
        """Pictures (N, 3, H, W) in [0, 1] to float32 pictures of the same shape in (0, 1)."""
        with torch.inference_mode():
            if not self.fused or _flat(picture):
                stylized: Tensor = self.network(picture)
                return stylized.float()
            versions = [parameter._version for parameter in self.network.parameters()]
            if self._folded is None or versions != self._versions:
                self._folded, self._versions = FusedNet(self.network), versions
            return self._folded(picture)


def _flat(pictures: Tensor) -> bool:
    """Whether one of the pictures (N, 3, H, W) has a standard deviation below `FLAT`."""
    contrast = pictures.float().flatten(2).std(2).amax(1)
    return bool((contrast < FLAT).any())


def deploy(network: TransformNet, context: Context, inference: Inference) -> Deployed:
    """The network as it stylizes fastest here (`auto`, measured), or as it is told.

    Raises:
        BenchError: `fused` is asked for, and the device is no CPU or the layers cannot be compiled.
    """
    if inference == "plain" or (inference == "auto" and context.device.type != "cpu"):
        return Deployed(network, False)
    if inference == "fused":
        if context.device.type != "cpu":
            raise BenchError(f"inference=fused is for a CPU, not {context.device}: use plain")
        kernels()
        return Deployed(network, True, (FUSED, "asked for"))
    threads = torch.get_num_threads()
    fused, reason = _probe(context.device, context.precision, threads, network.smooth)
    return Deployed(network, fused, (FUSED if fused else context.precision.label, reason))


@functools.cache
def _probe(
    device: torch.device, precision: Precision, threads: int, smooth: bool
) -> tuple[bool, str]:
    """Whether the fused network is a tenth faster than the plain one in its precision, and why."""
    try:
        kernels()
    except BenchError as error:
        return False, str(error)
    with torch.random.fork_rng(devices=[]):
        network = TransformNet(smooth).to(memory_format=precision.memory_format)
        picture = precision.layout(torch.rand(1, 3, SIDE, SIDE))  # not a flat one
    both = [Deployed(network, fused) for fused in (False, True)]
    seconds = [float("inf")] * 2
    for _ in range(3):  # in turn, so that a slow moment hits both
        for i, deployed in enumerate(both):
            with precision.autocast(device):
                taken = timed(lambda call=deployed: call(picture), device)[1]  # type: ignore[misc]
            seconds[i] = min(seconds[i], taken)
    told = f"probe: plain {1e3 * seconds[0]:.1f} ms, fused {1e3 * seconds[1]:.1f} ms"
    return seconds[1] < 0.9 * seconds[0], told
