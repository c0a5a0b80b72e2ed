"""Networks that make the transformation network's parameters from a style, and their training."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.func import functional_call

from bench.contract import Context, Strength
from bench.errors import BenchError
from bench.options import option
from bench.perceptual import Balance, perceptual_loss
from bench.store import PictureStore

from ._deployed import INFERENCE, Inference, deploy
from ._exported import Portable
from ._network_training import NetworkTraining, TransferTrainingOptions
from ._style_statistics import StyleStatistics
from ._trained import Trained, TrainedOptions
from ._transform_net import TransformNet, fill, load_weights, started

STANDARD = 512
"""Styles that the statistics are standardised over."""


class Generator(nn.Module, ABC):
    """A transformation network and what changes its parameters with the style.

    Attributes:
        transform: the network whose own parameters are the style-neutral ones.
        statistics: what is read off a style.
    """

    def __init__(self, statistics: StyleStatistics, transform: TransformNet) -> None:
        super().__init__()
        self.statistics = statistics
        self.transform = transform

    @abstractmethod
    def parameters_for(self, numbers: Tensor) -> dict[str, Tensor]:
        """The parameters that are not the neutral ones, by name, for one style's numbers (D,)."""

    def stylized(self, contents: Tensor, numbers: Tensor) -> Tensor:
        """Contents (N, 3, H, W), each in its own style, whose numbers are a row of (N, D)."""
        return torch.cat(
            [
                functional_call(self.transform, self.parameters_for(row), (content,))
                for row, content in zip(numbers, contents[:, None], strict=True)
            ]
        )


@dataclass(frozen=True)
class GeneratorTrainingOptions(TransferTrainingOptions):
    """Settings of the training; the styles of a batch are one per content."""

    start: str | None = option(
        None, "transformation network to start from, by bench train", path=True
    )


class GeneratorTraining(NetworkTraining):
    """The generator and the transformation network learn together, by the perceptual loss."""

    Options = GeneratorTrainingOptions
    kind: ClassVar[type[Any]]

    def __init__(self, context: Context, styles: PictureStore, options: Any) -> None:
        super().__init__(context, styles, options)
        o: GeneratorTrainingOptions = options
        self.loss = perceptual_loss(context, o.encoder, Balance(o.content_weight, o.style_weight))

    def build(self) -> nn.Module:
        """The generator, its statistics standardised over drawn styles.

        Raises:
            BenchError: there is one style alone, which differs from nothing.
        """
        if len(self.styles) < 2:
            raise BenchError(
                "--style has one picture: give two at least, for what differs is learned"
            )
        statistics = StyleStatistics(self.context, self.options.encoder)
        statistics.to(self.context.device)
        drawn = torch.split(torch.randperm(len(self.styles))[:STANDARD], 8)
        raw = [statistics.raw(self.crops(part.tolist(), self.options.style_size)) for part in drawn]
        statistics.standardise(torch.cat(raw))
        generator: nn.Module = self.kind(statistics, started(self.options.start))
        return generator

    def terms(self, contents: Tensor, drawn: Sequence[int]) -> dict[str, Tensor]:
        """The perceptual loss of each content in its own style."""
        generator = self.network
        assert isinstance(generator, Generator)
        styles = self.crops(drawn, self.options.style_size)
        with torch.no_grad():
            features = self.loss.encoder(styles)  # of the statistics and of the loss
        numbers = generator.statistics.standard(generator.statistics.of(features))
        stylized = generator.stylized(contents, numbers)
        wanted = self.loss.style_target(styles, features)
        terms = self.loss.of(stylized, contents, wanted, self.options.shift)
        return {"total": terms.total, "content": terms.content, "style": terms.style}


@dataclass(frozen=True)
class GeneratedOptions(TrainedOptions):
    """Options of a method whose network is generated."""

    inference: Inference = option("auto", INFERENCE)  # noqa: RUF009 (it is immutable)


@dataclass(frozen=True)
class BlendOptions(GeneratedOptions):
    """Options of a method that generates from a style's numbers."""

    alpha: float = option(
        1.0, "how much style, from 0 to 1; the rest is the content's own", low=0, high=1
    )


class StartsGenerated(Trained):
    """A method whose network for a style begins as a generator makes it, in one pass."""

    trains_on = ("vgg19-quarter",)
    kind: ClassVar[type[Any]]

    def load(self) -> None:
        """Build the generator, and a network that takes its parameters."""
        tensors, trained_with, file = self.read_weights()
        statistics = StyleStatistics(self.context, trained_with["encoder"])
        self.generator = self.context.place(self.kind(statistics, TransformNet()))
        load_weights(self.generator, tensors, file)
        self.network = self.context.place(TransformNet(self.generator.transform.smooth))
        self.deployed = deploy(self.network, self.context, self.options.inference)
        self.arithmetic = self.deployed.arithmetic

    def read(self, picture: Tensor) -> Tensor:
        """The numbers (D,) of a style (1, 3, H, W)."""
        numbers: Tensor = self.generator.statistics(picture)[0]
        return numbers.float()

    def generate(self, numbers: Tensor) -> None:
        """Fill the network with the parameters that are generated for a style's numbers (D,)."""
        with torch.no_grad(), torch.autocast(numbers.device.type, enabled=False):
            generated = self.generator.parameters_for(numbers)
        fill(self.network, {**dict(self.generator.transform.named_parameters()), **generated})

    def stylize(self, content: Tensor) -> Tensor:
        """One pass through the network."""
        return self.deployed(content)

    def feed_forward(self) -> nn.Module | None:
        """The network as it is adapted."""
        return Portable(self.network)

    def networks(self) -> Iterable[nn.Module]:
        """What makes the network for a style, and the network."""
        return [self.generator, self.generator.statistics.encoder, self.network]


class Generated(StartsGenerated):
    """A method that generates the transformation network for each style, and leaves it so.

    With `alpha` below 1 the numbers lie between those of the style and of the content, which as
    its own style asks for no change (Ghiasi et al. 2017 interpolate so with the identity); the
    network is then made for each picture.
    """

    Options = BlendOptions
    strength = Strength("alpha", (0.25, 0.5, 0.75, 1.0), adapts=False)
    family = "arbitrary"

    def adapt(self, style: Tensor) -> None:
        """Read the style, and fill the network for it."""
        self.numbers = self.read(style)
        self.generate(self.numbers)

    def stylize(self, content: Tensor) -> Tensor:
        """One pass through the network; with `alpha` below 1 one through each picture's."""
        alpha = self.options.alpha
        if alpha == 1:
            return super().stylize(content)
        return torch.cat([self._blended(picture, alpha) for picture in content[:, None]])

    def feed_forward(self) -> nn.Module | None:
        """The network; none with `alpha` below 1, which makes one for each picture."""
        return super().feed_forward() if self.options.alpha == 1 else None

    def _blended(self, picture: Tensor, alpha: float) -> Tensor:
        self.generate(torch.lerp(self.read(picture), self.numbers, alpha))
        return super().stylize(picture)
