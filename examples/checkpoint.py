"""A network of your own from a checkpoint file: Johnson et al. 2016 as pytorch/examples trains it.

    bench run --method checkpoint --plugin examples/checkpoint.py \
        --option checkpoint.file=mosaic.pth

The checkpoint is for one style, so `adapt` has nothing to do, and the style picture that it is
judged by should be the one that it was trained on. Swap `Network` and the two lines of
preprocessing in `stylize` for your paper's. Files are read as data: no code in them is run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from bench import BenchError, Method, Weights, hookimpl, option
from bench.weights import fill, read_checkpoint


class Conv(nn.Module):
    """Upsampling, reflection padding and convolution; names are the checkpoint's."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, upsample: int = 1
    ) -> None:
        super().__init__()
        self.up = nn.Upsample(scale_factor=upsample) if upsample > 1 else nn.Identity()
        self.reflection_pad = nn.ReflectionPad2d(kernel // 2)
        self.conv2d = nn.Conv2d(inputs, outputs, kernel, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, H · upsample / stride, …)."""
        features: Tensor = self.conv2d(self.reflection_pad(self.up(x)))
        return features


class Residual(nn.Module):
    """Johnson's residual block, with instance normalisation."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1, self.in1 = Conv(width, width, 3), nn.InstanceNorm2d(width, affine=True)
        self.conv2, self.in2 = Conv(width, width, 3), nn.InstanceNorm2d(width, affine=True)

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        features: Tensor = self.in2(self.conv2(torch.relu(self.in1(self.conv1(x)))))
        return features + x


class Network(nn.Module):
    """Johnson et al. 2016, supplement, table 1, with instance normalisation (Ulyanov 2016)."""

    def __init__(self) -> None:
        super().__init__()
        rows = [(3, 32, 9, 1, 1), (32, 64, 3, 2, 1), (64, 128, 3, 2, 1)]
        back = [(128, 64, 3, 1, 2), (64, 32, 3, 1, 2), (32, 3, 9, 1, 1)]
        for number, row in enumerate(rows, 1):
            self.add_module(f"conv{number}", Conv(*row))
            self.add_module(f"in{number}", nn.InstanceNorm2d(row[1], affine=True))
        for number in range(1, 6):
            self.add_module(f"res{number}", Residual(128))
        for number, row in enumerate(back, 1):
            self.add_module(f"deconv{number}", Conv(*row))
        for number, row in enumerate(back[:2], 4):
            self.add_module(f"in{number}", nn.InstanceNorm2d(row[1], affine=True))

    def forward(self, x: Tensor) -> Tensor:
        """Pictures (N, 3, H, W) in [0, 255] to pictures in about [0, 255]."""
        part = self.get_submodule
        for number in (1, 2, 3):
            x = torch.relu(part(f"in{number}")(part(f"conv{number}")(x)))
        for number in range(1, 6):
            x = part(f"res{number}")(x)
        for number in (1, 2):
            x = torch.relu(part(f"in{number + 3}")(part(f"deconv{number}")(x)))
        features: Tensor = part("deconv3")(x)
        return features


@dataclass(frozen=True)
class Options:
    """The file."""

    file: str = option("", "the checkpoint: a state dict by torch.save", path=True)


class Checkpoint(Method):
    """A per-style network that a file holds; training it is not part of the adaptation here."""

    name = "checkpoint"
    family = "per-style"
    citation = "Johnson, Alahi, Fei-Fei 2016, in the layout of pytorch/examples"
    Options = Options

    @classmethod
    def needs(cls, options: Options) -> Sequence[Weights]:
        """The file, so that its SHA-256 is recorded with every number."""
        file = str(Path(options.file).expanduser().absolute()) if options.file else "none"
        return [Weights(file, None, "--option checkpoint.file=FILE", "its author's")]

    def load(self) -> None:
        """Read the file into the network."""
        file = Path(self.options.file).expanduser()
        if not file.is_file():
            raise BenchError(f"no checkpoint '{file}': name it by --option checkpoint.file=FILE")
        state = read_checkpoint(file)
        # checkpoints of torch < 0.4 hold running statistics, which these layers do not have
        state = {key: value for key, value in state.items() if ".running_" not in key}
        network = Network()
        fill(network, state, file)
        self.network = self.context.place(network.eval().requires_grad_(False))

    def stylize(self, content: Tensor) -> Tensor:
        """Pictures in [0, 1]; the network's sides are multiples of 4, and larger by up to 3."""
        height, width = content.shape[2:]
        picture: Tensor = self.network(content * 255)[..., :height, :width].float() / 255
        return picture.clamp(0, 1)


@hookimpl
def bench_methods() -> Sequence[type[Method]]:
    """The one method."""
    return [Checkpoint]
