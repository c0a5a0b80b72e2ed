"""Conditional instance normalisation: one network, and one set of scales and shifts per style.

Vincent Dumoulin, Jonathon Shlens, Manjunath Kudlur: A Learned Representation for Artistic Style.
ICLR 2017.

A new style is learned by fitting its scales and shifts alone, all else frozen (§3.2); styles are
mixed by convex combinations of them (§3.3; `bench stylize --weights a:0.3 --weights b:0.7`).

Departures from the paper:

- The network is MetaStyle's and starts from one that was trained on all styles at once; the loss
  is the normalised one of the other methods (the paper's is VGG16's).
- A new style starts from the mean of the trained ones, with Adam at 0.01: ten times the paper's
  rate, for a hundred steps instead of thousands.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from bench.contract import Budgets, Context, Method, Recipe, Strength, Weights
from bench.errors import BenchError
from bench.hooks import hookimpl
from bench.options import option
from bench.perceptual import Balance, perceptual_loss
from bench.store import PictureStore
from bench.transfers import numbers

from ._deployed import deploy
from ._exported import Portable
from ._fitting import SMOKE, FitOptions, fit
from ._network_training import NetworkTraining, TransferTrainingOptions
from ._trained import Trained, TrainedOptions
from ._transform_net import (
    TransformNet,
    fill,
    load_weights,
    norm_parameters,
    norm_vector,
    norms_from,
    started,
)


class ManyStyles(nn.Module):
    """A transformation network, and N styles as `norm_vector`s (N, 3200)."""

    def __init__(self, transform: TransformNet, count: int) -> None:
        super().__init__()
        self.transform = transform
        neutral = norm_vector(transform).detach()
        self.styles = nn.Parameter(neutral.expand(count, -1).clone())
        for parameter in norm_parameters(transform).values():
            parameter.requires_grad_(False)  # the styles stand in for them

    def forward(self, contents: Tensor, places: Sequence[int]) -> Tensor:
        """Contents (M, 3, H, W), each in one of the N styles."""
        (rows,) = numbers([places], contents.device)
        stylized: Tensor = self.transform(contents, self.styles[rows])
        return stylized


@dataclass(frozen=True)
class CINTrainingOptions(TransferTrainingOptions):
    """Settings of the training."""

    styles: int = option(32, "styles that the network learns (N)", low=1)
    start: str | None = option(
        None, "transformation network to start from, by bench train", path=True
    )


class CINTraining(NetworkTraining):
    """N styles at once (paper, §3): every content of a batch in a style of its own."""

    Options = CINTrainingOptions
    paper = Recipe(
        {"encoder": "vgg16", "size": 256, "batch": 16, "styles": 32, "decay": 0.0},
        steps=40_000,
        contents="ImageNet",
        styles="32 paintings",
        source="Magenta's code",
    )

    def __init__(self, context: Context, styles: PictureStore, options: Any) -> None:
        super().__init__(context, styles, options)
        o: CINTrainingOptions = options
        self.loss = perceptual_loss(context, o.encoder, Balance(o.content_weight, o.style_weight))
        if len(styles) < o.styles:
            raise BenchError(f"cin.styles={o.styles}: there are only {len(styles)} styles to learn")
        fixed = torch.Generator().manual_seed(0)  # a resumed training must know the same styles
        self.known = torch.multinomial(self.share, o.styles, generator=fixed).tolist()

    def build(self) -> nn.Module:
        """The network and its styles."""
        return ManyStyles(started(self.options.start), self.options.styles)

    def draw(self, count: int) -> Sequence[int]:
        """Styles among the N, by their places in the store."""
        return [self.known[row] for row in torch.randint(len(self.known), (count,)).tolist()]

    def terms(self, contents: Tensor, drawn: Sequence[int]) -> dict[str, Tensor]:
        """The perceptual loss of each content in its style."""
        stylized = self.network(contents, [self.known.index(place) for place in drawn])
        wanted = self.loss.style_target(self.crops(drawn, self.options.style_size))
        terms = self.loss.of(stylized, contents, wanted, self.options.shift)
        return {"total": terms.total, "content": terms.content, "style": terms.style}


@dataclass(frozen=True)
class CINOptions(FitOptions, TrainedOptions):
    """Options of the fit to a new style."""

    lr: float = option(0.01, "Adam's learning rate", low=0)


class ConditionalInstanceNorm(Trained):
    """A network of many styles; `adapt` fits a new style's scales and shifts."""

    name = "cin"
    family = "multi-style"
    citation = "Dumoulin, Shlens, Kudlur, ICLR 2017"
    Options = CINOptions
    strength = Strength("content_weight", (8.0, 4.0, 2.0, 1.0))
    several = True
    trains_on = ("vgg19-quarter",)
    budgets: ClassVar[Budgets] = {"smoke": SMOKE, "quick": {"steps": 50}}
    training = CINTraining
    weights = (
        Weights(
            "cin.safetensors",
            "a804ee7255be3b03366e460055faec5a98bf60f026c7362f10f36bf877d18de1",
            "bench train cin",
            "MIT",
        ),
    )

    @classmethod
    def learns_from(cls, options: CINOptions) -> Sequence[str]:
        """The loss network of the training, and that of the fit."""
        return tuple(dict.fromkeys((*super().learns_from(options), options.encoder)))

    def load(self) -> None:
        """Read network and styles."""
        o: CINOptions = self.options
        tensors, _, file = self.read_weights()
        many = ManyStyles(TransformNet(), len(tensors.get("styles", ())))
        load_weights(many, tensors, file)
        self.network = self.context.place(many.transform.requires_grad_(True))
        self.start = many.styles.detach().mean(0).to(self.context.device)
        self.deployed = deploy(self.network, self.context, o.inference)
        self.arithmetic = self.deployed.arithmetic
        self.loss = perceptual_loss(
            self.context, o.encoder, Balance(o.content_weight, o.style_weight)
        )

    def adapt(self, style: Tensor) -> Iterator[None]:
        """Fit scales and shifts to the style, from the mean of the trained styles."""
        fill(self.network, norms_from(self.network, self.start))
        moving = norm_parameters(self.network).values()
        yield from fit(self, self.network, style, moving)

    def stylize(self, content: Tensor) -> Tensor:
        """One pass through the network."""
        return self.deployed(content)

    def feed_forward(self) -> nn.Module:
        """The network as it is adapted."""
        return Portable(self.network)


@hookimpl
def bench_methods() -> Sequence[type[Method]]:
    """Conditional instance normalisation."""
    return [ConditionalInstanceNorm]
