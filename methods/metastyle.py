"""MetaStyle: a meta-trained initialisation that adapts to a style in a few update steps.

Chi Zhang, Yixin Zhu, Song-Chun Zhu: MetaStyle: Three-Way Trade-Off Among Speed, Flexibility,
and Quality in Neural Style Transfer. AAAI 2019.

Departures from the paper:

- The loss network is EfficientNet-Lite0, which can be had offline (the paper: VGG16, the option
  `encoder`). Each loss term is divided by its target's energy, so that the learning rates are of
  another scale than the paper's 1e-5 with style weight 1e5. A term on block-averaged luminance
  keeps tones from inverting, and total variation is penalised.
- Meta-training starts from a network that was first trained on all styles at once, has batches
  of 2 contents and 2 styles (the paper: 4 and 4) on 128-pixel crops (256), clips gradients and
  decays faster (k = 5e-4 for 2.5e-5): a CPU does not reach the paper's 100,000 iterations.
- The outer batch comes from the same photographs as the inner one (the supplement: from a
  validation split), drawn anew.
- Adaptation is the paper's (Adam, 1e-3, batch 4), on 128-pixel crops and for 100 steps by
  default (200 at 256 pixels), on the photographs that the run provides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor

from bench.contract import Budgets, Method, Weights
from bench.hooks import hookimpl
from bench.options import option
from bench.perceptual import Balance, perceptual_loss

from ._deployed import deploy
from ._fitting import SMOKE, FitOptions, fit
from ._meta_training import MetaTraining
from ._trained import Trained, TrainedOptions
from ._transform_net import TransformNet, load_weights, norm_parameters

SHIPPED = Weights(
    "metastyle.safetensors",
    "b2320e4806f1705597c859794658409852fa51871c9ff190173483d6f6b4e8d3",
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
    trains_on = ("efficientnet-lite0",)
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
        self.initial, _, file = self.read_weights()
        self.network = self.context.place(TransformNet())
        load_weights(self.network, self.initial, file)
        self.deployed = deploy(self.network, self.context, o.inference)
        self.arithmetic = self.deployed.arithmetic
        self.loss = perceptual_loss(
            self.context, o.encoder, Balance(o.content_weight, o.style_weight)
        )

    def adapt(self, style: Tensor) -> Iterator[None]:
        """Start from the meta-trained weights and fit them to the style."""
        self.network.load_state_dict(self.initial)
        moving = norm_parameters(self.network).values() if self.options.update == "norm" else None
        yield from fit(self.context, self.network, self.loss, style, self.options, moving)

    def stylize(self, content: Tensor) -> Tensor:
        """One pass through the adapted network."""
        return self.deployed(content)


@hookimpl
def bench_methods() -> Sequence[type[Method]]:
    """MetaStyle."""
    return [MetaStyle]
