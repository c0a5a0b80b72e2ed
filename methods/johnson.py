"""Johnson's feed-forward style transfer: one network per style, trained from scratch.

Justin Johnson, Alexandre Alahi, Li Fei-Fei: Perceptual Losses for Real-Time Style Transfer and
Super-Resolution. ECCV 2016.

Departures from the paper. The network is MetaStyle's (instance normalisation, bilinear upsampling,
a sigmoid at the end), so that the two methods differ in their start alone. The loss network is a
VGG19 of a quarter of its channels (the paper: VGG16, the option `encoder`), its terms are
normalised, and terms on block-averaged luminance, colours, plain areas and the network's own
lattice are added. Training is as long as the options say (the paper: 40,000 steps of batch 4 on MS-
COCO at 256 pixels), on two 192-pixel crops a step of the photographs that the run provides. The
option `start` begins with a network that was made for another style, or for many, instead of with
random weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from bench import paths
from bench.contract import Budgets, Method, Strength, Weights
from bench.hooks import hookimpl
from bench.options import option
from bench.perceptual import Balance, perceptual_loss
from bench.weights import locate, read

from ._deployed import deploy
from ._exported import Portable
from ._fitting import SMOKE, FitOptions, fit, loss_networks
from ._transform_net import TransformNet, load_weights


@dataclass(frozen=True)
class JohnsonOptions(FitOptions):
    """Options of the training."""

    steps: int = option(2000, "update steps", low=0)
    start: str | None = option(
        None,
        "a network to start from, by bench adapt or bench train; none is random weights",
        path=True,
    )


class Johnson(Method):
    """A transformation network trained from scratch for each style; `adapt` is the training."""

    name = "johnson"
    family = "per-style"
    citation = "Johnson, Alahi, Fei-Fei, ECCV 2016"
    Options = JohnsonOptions
    strength = Strength("content_weight", (8.0, 4.0, 2.0, 1.0))
    several = True
    trains_on = ("vgg19-quarter",)
    budgets: ClassVar[Budgets] = {"smoke": SMOKE, "quick": {"steps": 200}}

    @classmethod
    def needs(cls, options: JohnsonOptions) -> Sequence[Weights]:
        """The network to start from, if the user names one."""
        if options.start is None:
            return ()
        file = str(paths.expanded(options.start).absolute())
        return (Weights(file, None, "bench adapt", "unknown"),)

    @classmethod
    def learns_from(cls, options: JohnsonOptions) -> Sequence[str]:
        """The loss network, and that of the training behind the start."""
        return loss_networks(options, next(iter(cls.needs(options)), None))

    def load(self) -> None:
        """Build the loss, and read the start; the network is made anew for each style."""
        o: JohnsonOptions = self.options
        self.start: dict[str, Tensor] = {}
        for needed in self.needs(o):
            file = locate(needed)
            prefix = "network."  # so are the tensors of an adapted method called
            self.start = {name.removeprefix(prefix): t for name, t in read(file).items()}
            load_weights(TransformNet(), self.start, file)
        self.loss = perceptual_loss(
            self.context, o.encoder, Balance(o.content_weight, o.style_weight)
        )
        self._begin()

    def adapt(self, style: Tensor) -> Iterator[None]:
        """Train from random weights (drawn from torch's global generator), or from the start."""
        self._begin()
        if self.start:
            self.network.load_state_dict(self.start)
        yield from fit(self, self.network, style)

    def _begin(self) -> None:
        self.network = self.context.place(TransformNet())
        self.deployed = deploy(self.network, self.context, self.options.inference)
        self.arithmetic = self.deployed.arithmetic

    def stylize(self, content: Tensor) -> Tensor:
        """One pass through the trained network."""
        return self.deployed(content)

    def feed_forward(self) -> nn.Module:
        """The network as it is adapted."""
        return Portable(self.network)


@hookimpl
def bench_methods() -> Sequence[type[Method]]:
    """Johnson's method."""
    return [Johnson]
