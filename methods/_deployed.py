"""The transformation network as it stylizes: by itself, or in a form that is faster here."""

from __future__ import annotations

import functools
import importlib.util
import math
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from bench.contract.context import Context, Precision
from bench.errors import BenchError
from bench.extras import extra
from bench.machine.clock import CLEARLY_FASTER, timed
from bench.machine.device import decibels
from bench.runtimes import EXTRA, RUNTIMES, to_onnx

from ._cuda_graph import Graphed
from ._exported import Portable
from ._fused import Folded, FusedNet
from ._fused_layers import kernels
from ._tiled import TiledNet, require_tiles
from ._transform_net import TransformNet

Inference = Literal[
    "auto", "plain", "fused", "tiled", "graph", "compiled", "onnxruntime", "openvino"
]
INFERENCE = (
    "stylize by the plain network, the fused one (CPU, C++ compiler), that in bfloat16 (with AMX), "
    "a CUDA graph, torch.compile, another runtime (CPU, the extra export), or what is fastest of "
    "the first five; the one in bfloat16 only where the run computes in it, torch.compile on CUDA"
)
"""What the option says of itself."""
FOLDED: dict[str, tuple[str, Callable[[], object], Callable[[TransformNet], Folded]]] = {
    "fused": ("float32/fused", kernels, FusedNet),
    "tiled": ("bfloat16/fused", require_tiles, TiledNet),
}
"""Networks for a CPU: their precision's label, what raises where there are none, and the class."""
FLAT = 0.01  # the least contrast, see `Deployed`
SIDE = 256  # of the picture that `auto` decides by
ALIKE = 40.0
"""Decibels: a faster network is taken only if its pictures are this equal to the plain one's."""
SHAPES = 64
"""Shapes that a compiled network is kept for; torch's own 8 are fewer than a run may have."""


class Deployed:
    """How a network stylizes: by itself, or in a faster form of the same function.

    The fused networks and those of other runtimes are made anew when the weights have changed; a
    CUDA graph and a compiled network read them. All are made at the first picture, or the first of
    a shape, in `first_call`'s time.
    Pictures of hardly any contrast, as a film's black frames, are not left to the fused networks:
    normalising what is flat multiplies rounding errors by up to 316 in each layer, and only
    convolutions that round alike at every pixel have none that differ.
    """

    def __init__(
        self,
        network: TransformNet,
        form: Inference = "plain",
        arithmetic: tuple[str, str] | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.network, self.form, self.dtype = network, form, dtype
        self.arithmetic = arithmetic  # see `Method`
        self._folded: Callable[[Tensor], Tensor] | None = None
        self._exported: tuple[Tensor, Callable[[Tensor], Tensor]] | None = None
        self._versions: list[int] = []
        self._faster: Callable[[Tensor], Tensor] = network
        if form == "graph":
            self._faster = Graphed(network)
        elif form == "compiled":
            limit = torch._dynamo.config.recompile_limit  # beyond it torch goes on uncompiled
            torch._dynamo.config.recompile_limit = max(limit, SHAPES)
            self._faster = torch.compile(network, dynamic=False, fullgraph=True)

    def __call__(self, picture: Tensor) -> Tensor:
        """Pictures (N, 3, H, W) in [0, 1] to float32 pictures of the same shape in (0, 1)."""
        with torch.inference_mode():
            if self.form not in FOLDED and self.form not in RUNTIMES:
                return self._faster(picture).float()
            if self.form in FOLDED and _flat(picture):
                stylized: Tensor = self.network(picture)
                return stylized.float()
            versions = [parameter._version for parameter in self.network.parameters()]
            if self._folded is None or versions != self._versions:
                self._folded, self._versions = self._fold(), versions
            return self._folded(picture)

    def _fold(self) -> Callable[[Tensor], Tensor]:
        """The network with its weights as they are now."""
        if self.form in FOLDED:
            return FOLDED[self.form][2](self.network)
        weights = nn.utils.parameters_to_vector(self.network.parameters()).detach()
        if self._exported and torch.equal(weights, self._exported[0]):
            return self._exported[1]  # adapted to the same style; an export takes seconds
        with torch.inference_mode(False):  # which an export does not take
            data = to_onnx(Portable(self.network))
        run = RUNTIMES[self.form](data, torch.get_num_threads(), self.dtype)
        self._exported = weights, run
        return run


def _flat(pictures: Tensor) -> bool:
    """Whether one of the pictures (N, 3, H, W) has a standard deviation below `FLAT`."""
    contrast = pictures.float().flatten(2).std(2).amax(1)
    return bool((contrast < FLAT).any())


def deploy(network: TransformNet, context: Context, inference: Inference) -> Deployed:
    """The network as it stylizes fastest here (`auto`, measured), or as it is told.

    Raises:
        BenchError: what is asked for cannot be had: `fused` on another device than a CPU or without
            a compiler, `tiled` also without AMX; `graph` on another device than CUDA; another
            runtime elsewhere than on a CPU, or without its library (`NeedError`).
    """
    precision, kind = context.precision, context.device.type
    if inference == "graph" and kind != "cuda":
        raise BenchError(f"inference=graph is for CUDA, not for {context.device}: use plain")
    if inference in FOLDED:
        if kind != "cpu":
            raise BenchError(f"inference={inference} is for a CPU, not {context.device}: use plain")
        label, require, _ = FOLDED[inference]
        require()
        return Deployed(network, inference, (label, "asked for"))
    if inference in RUNTIMES:
        if kind != "cpu":
            raise BenchError(f"inference={inference} is for a CPU, not {context.device}: use plain")
        for name in ("onnx", "onnxscript", inference):
            extra(name, EXTRA, f"inference={inference}")
        half = inference == "openvino" and precision.dtype == "bfloat16"
        dtype = torch.bfloat16 if half else torch.float32
        label = f"{'bfloat16' if half else 'float32'}/{inference}"
        return Deployed(network, inference, (label, "asked for"), dtype)
    if inference in ("graph", "compiled"):
        return Deployed(network, inference, (f"{precision.label}/{inference}", "asked for"))
    others: dict[str, tuple[Inference, ...]] = {"cpu": ("fused",), "cuda": ("graph", "compiled")}
    if precision.dtype == "bfloat16":
        others["cpu"] = ("tiled", "fused")
    if inference == "plain" or kind not in others:
        return Deployed(network)
    threads = torch.get_num_threads()
    chosen, reason = probe(others[kind], network.smooth, context.device, precision, threads)
    label = FOLDED[chosen][0] if chosen in FOLDED else precision.label
    if chosen in ("graph", "compiled"):
        label = f"{label}/{chosen}"
    return Deployed(network, chosen, (label, reason))


def require_triton() -> None:
    """What torch.compile needs on CUDA, asked for before it takes its time to fail.

    Raises:
        BenchError: there is no triton, or no CUDA for it.
    """
    if importlib.util.find_spec("triton") is None or not torch.cuda.is_available():
        raise BenchError("torch.compile needs triton, and CUDA")


@functools.cache
def probe(
    others: tuple[Inference, ...],
    smooth: bool,
    device: torch.device,
    precision: Precision,
    threads: int,
) -> tuple[Inference, str]:
    """The form that is fastest, if by a tenth over the plain network in its precision, and why."""
    with torch.random.fork_rng(devices=[]):
        network = TransformNet(smooth=smooth).to(device).to(memory_format=precision.memory_format)
        picture = precision.layout(torch.rand(1, 3, SIDE, SIDE).to(device))  # not a flat one
    forms: dict[Inference, Deployed] = {"plain": Deployed(network)}
    seconds: dict[Inference, float] = {}
    outputs: dict[Inference, Tensor] = {}
    failures = []
    for form in others:
        try:
            if form in FOLDED:
                FOLDED[form][1]()
            elif form == "compiled":
                require_triton()
            forms[form] = Deployed(network, form)
            with precision.autocast(device):
                forms[form](picture)  # compiled, captured, folded
        except Exception as error:  # a compiler fails in ways of its own
            failures.append(f"{form}: {(str(error) or repr(error)).splitlines()[0]}")
            forms.pop(form, None)
    if len(forms) == 1:
        return "plain", "; ".join(failures)
    for _ in range(3):  # in turn, so that a slow moment hits all
        for form, deployed in forms.items():
            with precision.autocast(device):
                outputs[form], taken = timed(lambda call=deployed: call(picture), device)  # type: ignore[misc]
            seconds[form] = min(seconds.get(form, math.inf), taken)
    timings = [f"{form} {1e3 * seconds[form]:.1f} ms" for form in forms]
    chosen: Inference = "plain"
    for form in list(forms)[1:]:
        equal = decibels(outputs[form], outputs["plain"])
        timings[list(forms).index(form)] += f" ({equal:.0f} dB)"
        least = seconds[chosen] * (CLEARLY_FASTER if chosen == "plain" else 1)
        if seconds[form] < least and equal >= ALIKE:
            chosen = form
    return chosen, "; ".join([f"probe: {', '.join(timings)}", *failures])
