"""MetaStyle: a meta-trained initialisation that adapts to a style in a few update steps.

Chi Zhang, Yixin Zhu, Song-Chun Zhu: MetaStyle: Three-Way Trade-Off Among Speed, Flexibility,
and Quality in Neural Style Transfer. AAAI 2019.

Departures from the paper:

- The loss network is a VGG19 of a quarter of its channels, which can be had offline (the paper:
  VGG16, the option `encoder`). Each loss term is normalised, so that the learning rates are of
  another scale than the paper's 1e-5 with style weight 1e5. Terms on block-averaged luminance,
  colours, plain areas and the network's own lattice keep tones from inverting, colours from
  paling and patches and a weave out of skies; total variation is penalised.
- The network upsamples bilinearly and limits normalised values (`TransformNet`, smooth).
- Meta-training on a CPU does not reach the paper's 100,000 iterations: it starts from a network
  that was first trained on all styles at once, on 128-pixel crops (256), clips gradients and
  decays faster. The shipped start is Reptile's, over Adam on all parameters, the rule that
  adapts; the paper's, second derivatives over one step on the norms, is the option's default.
- The outer batch comes from the same photographs as the inner one (the supplement: from a
  validation split), drawn anew.
- Adaptation is by the paper's Adam at 1e-3, on two 192-pixel crops a step and for 100 steps by
  default (four of 256 pixels, 200 steps), on the photographs that the run provides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor, nn

from bench.contract import Budgets, Method, Strength, Weights
from bench.hooks import hookimpl
from bench.options import option
from bench.perceptual import Balance, perceptual_loss

from ._deployed import deploy
from ._exported import Portable
from ._fitting import SMOKE, FitOptions, fit
from ._meta_training import MetaTraining
from ._trained import Trained, TrainedOptions
from ._transform_net import TransformNet, fill, load_weights, norm_parameters

SHIPPED = Weights(
    "metastyle.safetensors",
    "e1a7ea42ad1554155090a16c178e90e9d4c79e2b88acc267f6c2c2418ff7a90e",
    "bench train metastyle (see the README)",
    "MIT",
)


@dataclass(frozen=True)
class MetaStyleOptions(FitOptions, TrainedOptions):
    """Options of the adaptation; the paper's are 200 steps at 256 pixels."""

    update: Literal["all", "norm"] = option("all", "which parameters adapt: all, or instance norms")


class MetaStyle(Trained):
    """Meta-learned initialisation, adapted to each style by Adam (paper, §3)."""

    name = "metastyle"
    family = "meta-learned"
    citation = "Zhang, Zhu, Zhu, AAAI 2019"
    Options = MetaStyleOptions
    strength = Strength("content_weight", (8.0, 4.0, 2.0, 1.0))
    several = True
    trains_on = ("vgg19-quarter",)
    budgets: ClassVar[Budgets] = {"smoke": SMOKE, "quick": {"steps": 50}}
    training = MetaTraining
    weights = (SHIPPED,)

    @classmethod
    def learns_from(cls, options: MetaStyleOptions) -> Sequence[str]:
        """The loss network of the meta-training, and that of the adaptation."""
        return tuple(dict.fromkeys((*super().learns_from(options), options.encoder)))

    def load(self) -> None:
        """Read the meta-trained weights."""
        o: MetaStyleOptions = self.options
        tensors, _, file = self.read_weights()
        self.network = self.context.place(TransformNet())
        load_weights(self.network, tensors, file)
        self.initial = {n: p.detach().clone() for n, p in self.network.named_parameters()}
        self.deployed = deploy(self.network, self.context, o.inference)
        self.arithmetic = self.deployed.arithmetic
        self.loss = perceptual_loss(
            self.context, o.encoder, Balance(o.content_weight, o.style_weight)
        )

    def adapt(self, style: Tensor) -> Iterator[None]:
        """Start from the meta-trained weights and fit them to the style."""
        fill(self.network, self.initial)
        moving = norm_parameters(self.network).values() if self.options.update == "norm" else None
        yield from fit(self, self.network, style, moving)

    def stylize(self, content: Tensor) -> Tensor:
        """One pass through the adapted network."""
        return self.deployed(content)

    def feed_forward(self) -> nn.Module:
        """The network as it is adapted."""
        return Portable(self.network)


@hookimpl
def bench_methods() -> Sequence[type[Method]]:
    """MetaStyle."""
    return [MetaStyle]
