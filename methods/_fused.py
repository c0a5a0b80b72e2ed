"""The transformation network for a CPU: the same function of a picture, several times as fast.

Four things are exact rewritings, in float32, of what `TransformNet` computes:

- Convolutions of 3 x 3 are computed by tiles, with fewer multiplications (`ALGORITHMS`).
- Instance normalisation becomes a scale and a shift per channel, from sums that are taken while
  the convolution is written, and is applied with ReLU while the next convolution reads. A bias
  before it has no effect and is left out.
- A nearest-neighbour upsampling is never made: of three kernel rows two always meet the same row
  of the small picture, so that small kernels do. Reflection of the large picture is repetition
  of the small one's edge.
- Pictures are channels-last, and each tile stays in the cache between its steps.

`_fused.cpp` has the layers; it is compiled on first use.
"""

from __future__ import annotations

import ctypes
import functools
import math
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import register_flop_formula

from bench.contract.context import Context, Module, Precision
from bench.errors import BenchError
from bench.machine import native
from bench.machine.clock import timed

from ._transform_net import ConvNorm, Residual, TransformNet

Inference = Literal["auto", "plain", "fused"]
Matrix = Sequence[Sequence[float]]
Made = tuple[Tensor, Tensor]
KERNEL = 9  # of the first and the last convolution
FUSED = "float32/fused"  # the label of its precision
FLAT = 0.01  # the least contrast, see `Deployed`
SIDE = 256  # of the picture that `auto` decides by


@dataclass(frozen=True)
class Algorithm:
    """A bilinear algorithm for a convolution by a kernel of three, in one dimension.

    A tile of inputs d and the kernel g give the outputs `output` ((`kernel` g) * (`input` d)),
    products point by point; in two dimensions each matrix is applied on both sides.

    Attributes:
        input, kernel, output: the matrices.
        step: from a tile's first input to the next tile's; the first tile begins at -1.
        scale: outputs per input.
        reflect: how the picture goes on beyond its edge: reflected, or repeated.
    """

    input: Matrix
    kernel: Matrix
    output: Matrix
    step: int
    scale: float
    reflect: bool


ALGORITHMS = {
    # F(4, 3) of Lavin and Gray (Fast Algorithms for Convolutional Neural Networks, CVPR 2016,
    # section 4.3): 6 products for 4 outputs instead of 12.
    "same": Algorithm(
        input=(
            (4, 0, -5, 0, 1, 0),
            (0, -4, -4, 1, 1, 0),
            (0, 4, -4, -1, 1, 0),
            (0, -2, -1, 2, 1, 0),
            (0, 2, -1, -2, 1, 0),
            (0, 4, 0, -5, 0, 1),
        ),
        kernel=(
            (1 / 4, 0, 0),
            (-1 / 6, -1 / 6, -1 / 6),
            (-1 / 6, 1 / 6, -1 / 6),
            (1 / 24, 1 / 12, 1 / 6),
            (1 / 24, -1 / 12, 1 / 6),
            (0, 0, 1),
        ),
        output=(
            (1, 1, 1, 1, 1, 0),
            (0, 1, -1, 2, -2, 0),
            (0, 1, 1, 4, 4, 0),
            (0, 1, -1, 8, -8, 1),
        ),
        step=4,
        scale=1,
        reflect=True,
    ),
    # Stride 2. Inputs 0, 2, 4 meet g0 and g2: F(2, 2), 3 products; inputs 1, 3 meet g1. Together
    # 5 products for 2 outputs instead of 6.
    "down": Algorithm(
        input=(
            (1, 0, -1, 0, 0),
            (0, 1, 0, 0, 0),
            (0, 0, 1, 0, 0),
            (0, 0, 0, 1, 0),
            (0, 0, -1, 0, 1),
        ),
        kernel=((1, 0, 0), (0, 1, 0), (1, 0, 1), (0, 1, 0), (0, 0, 1)),
        output=((1, 1, 1, 0, 0), (0, 0, 1, 1, 1)),
        step=4,
        scale=1 / 2,
        reflect=True,
    ),
    # After upsampling by two. Even outputs are small inputs by (g0, g1 + g2), odd ones by
    # (g0 + g1, g2): F(3, 2) for each, 8 products for 6 outputs instead of 18.
    "up": Algorithm(
        input=(
            (1, 0, -1, 0, 0),
            (0, 1, 1, 0, 0),
            (0, -1, 1, 0, 0),
            (0, -1, 0, 1, 0),
            (0, 1, 0, -1, 0),
            (0, 0, 1, 1, 0),
            (0, 0, -1, 1, 0),
            (0, 0, -1, 0, 1),
        ),
        kernel=(
            (1, 0, 0),
            (1 / 2, 1 / 2, 1 / 2),
            (1 / 2, -1 / 2, -1 / 2),
            (0, 1, 1),
            (1, 1, 0),
            (1 / 2, 1 / 2, 1 / 2),
            (1 / 2, 1 / 2, -1 / 2),
            (0, 0, 1),
        ),
        output=(
            (1, 1, 1, 0, 0, 0, 0, 0),
            (0, 0, 0, 0, 1, 1, 1, 0),
            (0, 1, -1, 0, 0, 0, 0, 0),
            (0, 0, 0, 0, 0, 1, -1, 0),
            (0, 1, 1, 1, 0, 0, 0, 0),
            (0, 0, 0, 0, 0, 1, 1, 1),
        ),
        step=3,
        scale=2,
        reflect=False,
    ),
}

# F(3, 3): 5 products for 3 outputs instead of 9. The kernels of nine are three of these in a
# column, three rows apart, whose products are added before they become outputs.
TALL = Algorithm(
    input=(
        (2, -1, -2, 1, 0),
        (0, -2, -1, 1, 0),
        (0, 2, -3, 1, 0),
        (0, -1, 0, 1, 0),
        (0, 2, -1, -2, 1),
    ),
    kernel=(
        (1 / 2, 0, 0),
        (-1 / 2, -1 / 2, -1 / 2),
        (-1 / 6, 1 / 6, -1 / 6),
        (1 / 6, 1 / 3, 2 / 3),
        (0, 0, 1),
    ),
    output=((1, 1, 1, 1, 0), (0, 1, -1, 2, 0), (0, 1, 1, 4, 1)),
    step=3,
    scale=1,
    reflect=True,
)


def source() -> str:
    """The C++ of the layers, after the matrices that it is compiled for."""
    lines = ["#define ALGORITHMS(X) " + " ".join(f"X({name})" for name in ALGORITHMS)]
    for name, algorithm in {**ALGORITHMS, "tall": TALL}.items():
        lines.append(f"struct Algorithm_{name} {{")
        for role, matrix in (("Input", algorithm.input), ("Output", algorithm.output)):
            rows, columns = len(matrix), len(matrix[0])
            values = ", ".join(f"{{{', '.join(f'{float(v)!r}f' for v in row)}}}" for row in matrix)
            lines += [
                f"  struct {role} {{",
                f"    static constexpr int rows = {rows}, columns = {columns};",
                f"    static constexpr float value[{rows}][{columns}] = {{{values}}};",
                "  };",
            ]
        reflect = str(algorithm.reflect).lower()
        lines.append(f"  static constexpr int step = {algorithm.step};")
        lines += [f"  static constexpr bool reflect = {reflect};", "};"]
    return "\n".join(lines) + "\n" + Path(__file__).with_suffix(".cpp").read_text("utf-8")


@functools.cache
def kernels() -> ctypes.CDLL:
    """The compiled layers.

    Raises:
        BenchError: they cannot be compiled here.
    """
    return native.library(source())


def _call(name: str, *arguments: Tensor | int | None) -> None:
    """Call a compiled layer with float32 tensors, as addresses, and numbers."""
    given = [
        ctypes.c_void_p(value.data_ptr()) if isinstance(value, Tensor) else value
        for value in arguments
    ]
    getattr(kernels(), name)(*given, torch.get_num_threads())


def _panels(weight: Tensor) -> Tensor:
    """(…, inputs, outputs) to (…, outputs / panel, inputs, panel): as `product` walks through."""
    wide = kernels().panel()
    *front, inputs, outputs = weight.shape
    cut = weight.float().reshape(*front, inputs, outputs // wide, wide)
    return cut.transpose(-3, -2).contiguous()


# The layers as operators of torch, so that its counter sees them. What it counts is the nominal
# work, the plain network's: shares of the peak then compare the time of one and the same task.


@torch.library.custom_op("bench_fused::enter", mutates_args=("made", "affine"))
def _enter(padded: Tensor, weight: Tensor, norm: Tensor, made: Tensor, affine: Tensor) -> None:
    high, wide, outputs = made.shape
    _call("enter", padded, high, wide, weight, made, outputs, norm[0], norm[1], affine)


@torch.library.custom_op("bench_fused::convolve", mutates_args=("made", "affine"))
def _convolve(
    x: Tensor,
    before: Tensor | None,
    weight: Tensor,
    norm: Tensor,
    algorithm: str,
    made: Tensor,
    affine: Tensor,
) -> None:
    _call(algorithm, x, *x.shape, before, weight, made, *made.shape, norm[0], norm[1], affine)


@torch.library.custom_op("bench_fused::leave", mutates_args=("made",))
def _leave(x: Tensor, before: Tensor, weight: Tensor, bias: Tensor, made: Tensor) -> None:
    _call("leave", x, *x.shape, before, weight, bias, made)


@register_flop_formula(torch.ops.bench_fused.enter)
def _enter_flops(padded, weight, norm, made, affine, **_) -> int:  # type: ignore[no-untyped-def] # noqa: ANN001, ANN003
    return 2 * int(math.prod(made)) * int(padded[2]) * KERNEL**2


@register_flop_formula(torch.ops.bench_fused.convolve)
def _convolve_flops(x, before, weight, norm, algorithm, made, affine, **_) -> int:  # type: ignore[no-untyped-def] # noqa: ANN001, ANN003
    return 2 * int(math.prod(made)) * int(x[2]) * 9


@register_flop_formula(torch.ops.bench_fused.leave)
def _leave_flops(x, before, weight, bias, made, **_) -> int:  # type: ignore[no-untyped-def] # noqa: ANN001, ANN003
    return 2 * int(math.prod(made)) * int(x[2]) * KERNEL**2


class Space:
    """Memory for what lies between the layers, kept from picture to picture.

    Fresh memory of this size would come from the system page by page, at every call.
    """

    def __init__(self) -> None:
        self._kept: dict[str, Tensor] = {}

    def take(self, name: str, *shape: int) -> Tensor:
        """Memory of this name, as a tensor: what was taken under the name before is overwritten."""
        count = math.prod(shape)
        if name not in self._kept or self._kept[name].numel() < count:
            self._kept[name] = torch.empty(count)
        return self._kept[name][:count].view(shape)


class Layer:
    """A convolution of 3 x 3 with its instance normalisation, folded for an algorithm."""

    def __init__(self, layer: ConvNorm, algorithm: str) -> None:
        self.algorithm = algorithm
        matrix = torch.tensor(ALGORITHMS[algorithm].kernel, dtype=torch.float64)
        kernel = layer.conv.weight.double().permute(2, 3, 1, 0)  # (3, 3, inputs, outputs)
        folded = torch.einsum("pi,qj,ijco->pqco", matrix, matrix, kernel)
        self.weight, self.norm = _panels(folded), _norm(layer)

    def __call__(self, x: Tensor, before: Tensor | None, space: Space, name: str) -> Made:
        """Convolve relu(norm(x)), or x where nothing is left to be done to it.

        Args:
            x: (H, W, inputs).
            before: (2, inputs), scale and shift of the normalisation before.
            space: where the result goes, under the `name`.

        Returns:
            (H', W', outputs) before its normalisation, and that as (2, outputs).
        """
        high, wide = (int(side * ALGORITHMS[self.algorithm].scale) for side in x.shape[:2])
        made, affine = space.take(name, high, wide, self.norm.shape[1]), torch.empty_like(self.norm)
        _convolve(x, before, self.weight, self.norm, self.algorithm, made, affine)
        return made, affine


def _norm(layer: ConvNorm) -> Tensor:
    return torch.stack((layer.norm.weight, layer.norm.bias)).float()


def _tall(kernel: Tensor) -> Tensor:
    """(9, inputs, outputs), nine rows of a kernel, to (5, 3 inputs, outputs) for `TALL`."""
    matrix = torch.tensor(TALL.kernel, dtype=torch.float64)
    groups = kernel.double().reshape(3, 3, *kernel.shape[1:])
    return torch.einsum("pi,gico->pgco", matrix, groups).flatten(1, 2)


def _all(modules: Iterable[nn.Module], kind: type[Module]) -> list[Module]:
    return [module for module in modules if isinstance(module, kind)]


class FusedNet:
    """`TransformNet` with all its layers folded; a picture at a time, whoever calls."""

    @torch.no_grad()
    def __init__(self, network: TransformNet) -> None:
        first, *down = _all(network.down, ConvNorm)
        # the network's 2 x - 1 is a factor here: the shift, like a bias, ends in the normalisation
        kernel = 2 * first.conv.weight.permute(2, 3, 1, 0)
        self.first = _panels(_tall(kernel.flatten(1, 2)))
        self.first_norm = _norm(first)
        self.down = [Layer(layer, "down") for layer in down]
        self.residuals = [
            (Layer(block.first, "same"), Layer(block.second, "same"))
            for block in _all(network.residuals, Residual)
        ]
        self.up = [Layer(layer, "up") for layer in _all(network.up, ConvNorm)]
        # (row, inputs, column x colour): a row of the kernel is one matrix, filled up to 32
        spread = network.out.weight.permute(2, 1, 3, 0).flatten(2)
        self.last = _panels(_tall(F.pad(spread, (0, 32 - spread.shape[2]))))
        self.bias = network.out.state_dict()["bias"].float().clone()
        self.space, self.space_free = Space(), threading.Lock()

    @torch.inference_mode()
    def __call__(self, picture: Tensor) -> Tensor:
        """What `TransformNet.forward` gives: (N, 3, H, W) in [0, 1] to the same in (0, 1)."""
        count, channels, height, width = picture.shape
        if channels != 3:
            raise ValueError(f"pictures have 3 channels, not {channels}")
        margin = KERNEL // 2
        x = F.pad(picture.float(), (0, -width % 4, 0, -height % 4), mode="reflect")
        x = F.pad(x, (margin,) * 4, mode="reflect").permute(0, 2, 3, 1).contiguous()
        made = x.new_empty(count, 3, x.shape[1] - 2 * margin, x.shape[2] - 2 * margin)
        for one, result in zip(x, made, strict=True):
            with self.space_free:
                self._one(one, result)
        return made.sigmoid_()[..., :height, :width].contiguous()

    def _one(self, padded: Tensor, result: Tensor) -> None:
        """One padded picture (H + 8, W + 8, 3) to the logits (3, H, W)."""
        space, affine = self.space, torch.empty_like(self.first_norm)
        z = space.take("even", *result.shape[1:], self.first_norm.shape[1])
        _enter(padded, self.first, self.first_norm, z, affine)
        for layer, name in zip(self.down, ("odd", "even"), strict=True):
            z, affine = layer(z, affine, space, name)
        x = space.take("sum", *z.shape)
        _call("add", None, z, affine, x, *x.shape)  # relu(norm(z))
        for first, second in self.residuals:
            z, affine = first(x, None, space, "even")
            z, affine = second(z, affine, space, "odd")
            _call("add", x, z, affine, x, *x.shape)  # x + norm(z)
        z, left = self.up[0](x, None, space, "even")
        z, left = self.up[1](z, left, space, "odd")
        _leave(z, left, self.last, self.bias, result)


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
    fused, reason = _probe(context.device, context.precision, torch.get_num_threads())
    return Deployed(network, fused, (FUSED if fused else context.precision.label, reason))


@functools.cache
def _probe(device: torch.device, precision: Precision, threads: int) -> tuple[bool, str]:
    """Whether the fused network is a tenth faster than the plain one in its precision, and why."""
    try:
        kernels()
    except BenchError as error:
        return False, str(error)
    with torch.random.fork_rng(devices=[]):
        network = TransformNet().to(memory_format=precision.memory_format)
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
