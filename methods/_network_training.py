"""What every training of a network has: drawn contents and styles, Adam, clipping, state."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bench import distributed
from bench.contract import Context, Task
from bench.options import option
from bench.store import PictureStore

from ._adam import adam, warmed_up


@dataclass(frozen=True)
class TrainingOptions:
    """Settings of every training of a network."""

    encoder: str = option("vgg19-quarter", "network of the features and of the loss")
    size: int = option(128, "side of the crops in pixels", low=32)
    batch: int = option(4, "contents per step, and as many styles", low=1)
    lr: float = option(1e-3, "Adam's learning rate", low=0)
    decay: float = option(5e-4, "k of the rate's lr / (1 + k t)", low=0)
    clip: float = option(1.0, "largest norm of a gradient", low=0)
    average: float = option(
        0.999,
        "decay of the running mean of the weights, which is what is exported; 0: no mean",
        low=0,
    )


@dataclass(frozen=True)
class TransferTrainingOptions(TrainingOptions):
    """Settings of a training that makes stylized pictures and asks for content and style."""

    content_weight: float = option(2.0, "weight of the content error", low=0)
    style_weight: float = option(1.0, "weight of the style error", low=0)
    style_size: int = option(256, "side of the style crops in pixels", low=32)
    shift: int = option(8, "pixels that the loss's window is shifted by at random", low=0)


class NetworkTraining(Task):
    """Adam on `network`'s parameters; a subclass makes the network and says the loss.

    Attributes:
        network: what is trained and exported.
        parameters: those of its parameters that learn, in order.
    """

    def __init__(self, context: Context, styles: PictureStore, options: Any) -> None:
        super().__init__(context, styles, options)
        self.network = context.place(self.build())
        self.parameters = [p for p in self.network.parameters() if p.requires_grad]
        self.optimizer = adam(self.parameters)
        self.mean = [p.detach().clone() for p in self.parameters]
        self.averaged = 0
        self.share = source_shares(styles.names)

    @abstractmethod
    def build(self) -> nn.Module:
        """The network before its training."""

    def terms(self, contents: Tensor, drawn: Sequence[int]) -> dict[str, Tensor]:
        """Scalar terms by name, `total` among them, of contents (N, 3, S, S) in the N drawn styles.

        Raises:
            NotImplementedError: the subclass has a `step` of its own instead.
        """
        raise NotImplementedError

    def step(self, index: int) -> Mapping[str, float | Tensor]:
        """One update on fresh pairs."""
        o = self.options
        with self.context.autocast(learning=True):
            terms = self.terms(self.contents(o.batch), self.draw(o.batch))
        norm = self.update(torch.autograd.grad(terms["total"], self.parameters), self.rate(index))
        return {**{name: term.detach() for name, term in terms.items()}, "gradient": norm}

    def rate(self, index: int) -> float:
        """The learning rate of a step: warmed up, then lr / (1 + k t)."""
        o = self.options
        return float(o.lr * warmed_up(index) / (1 + o.decay * index))

    def update(self, gradients: Sequence[Tensor], rate: float) -> Tensor:
        """One clipped step of Adam on gradients averaged over processes; their norm, scalar."""
        distributed.average(gradients)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = gradient
        norm = nn.utils.clip_grad_norm_(self.parameters, self.options.clip)
        self.optimizer.step()
        self.average()
        return norm

    def average(self) -> None:
        """Take the parameters into their running mean, which soon forgets where it began."""
        self.averaged += 1
        decay = min(self.options.average, self.averaged / (self.averaged + 10))
        with torch.no_grad():
            torch._foreach_lerp_(self.mean, list[Tensor](self.parameters), 1 - decay)

    def contents(self, count: int) -> Tensor:
        """Crops of photographs (count, 3, size, size)."""
        device = self.context.device
        batch = self.context.photographs.batch(count, self.options.size, device=device)
        return self.context.precision.layout(batch)

    def draw(self, count: int) -> Sequence[int]:
        """Styles by their places, drawn by source."""
        again = count > len(self.share)  # a style twice only where there are too few
        drawn: list[int] = torch.multinomial(self.share, count, replacement=again).tolist()
        return drawn

    def crops(self, drawn: Sequence[int], side: int) -> Tensor:
        """Crops of styles (N, 3, side, side)."""
        device = self.context.device
        batch = self.styles.batch(len(drawn), side, indices=drawn, scale=(0.7, 1.0), device=device)
        return self.context.precision.layout(batch)

    def state(self) -> dict[str, Any]:
        """Network, running mean and optimiser."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "mean": self.mean,
            "averaged": self.averaged,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Network, running mean and optimiser."""
        self.averaged = state["averaged"]
        for mean, kept in zip(self.mean, state["mean"], strict=True):
            mean.copy_(kept)
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])

    def export(self) -> dict[str, Tensor]:
        """The network's tensors, parameters by their running mean."""
        means = {id(p): m for p, m in zip(self.parameters, self.mean, strict=True)}
        tensors = self.network.state_dict(keep_vars=True)
        return {name: means.get(id(t), t).detach() for name, t in tensors.items()}


def source_shares(names: Sequence[str]) -> Tensor:
    """How often to draw each style: by the square root of its source's size, (M,).

    The source is the file name up to the last underscore, so that one large collection does not
    crowd out the small ones.
    """
    sources = [Path(name).stem.rpartition("_")[0] for name in names]
    counts = {source: sources.count(source) for source in set(sources)}
    return torch.tensor([counts[source] ** -0.5 for source in sources])
