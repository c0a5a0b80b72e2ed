"""Meta-training of MetaStyle's initialisation, with the variants that the ablations compare.

Chi Zhang, Yixin Zhu, Song-Chun Zhu: MetaStyle. AAAI 2019: eq. 4 and algorithm 1. First-order
MAML: Finn, Abbeel, Levine, ICML 2017, §5.2. Reptile: Nichol, Achiam, Schulman 2018, algorithm 2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.func import functional_call

from bench import distributed
from bench.contract import Context, Recipe
from bench.errors import BenchError
from bench.options import option
from bench.perceptual import Balance, StyleTarget, Terms, perceptual_loss
from bench.store import PictureStore

from ._adam import adam, warmed_up
from ._network_training import NetworkTraining
from ._second_derivatives import SecondDerivatives
from ._transform_net import norm_parameters, started


@dataclass(frozen=True)
class MetaTrainingOptions:
    """Settings of the meta-training; the paper's symbols in brackets."""

    encoder: str = option("vgg19-quarter", "loss network")
    content_weight: float = option(2.0, "weight of the content error", low=0)
    style_weight: float = option(1.0, "weight of the style error", low=0)
    shift: int = option(8, "pixels that the loss's window is shifted by at random", low=0)
    size: int = option(128, "side of the content crops in pixels", low=32)
    style_size: int = option(256, "side of the style crops in pixels", low=32)
    batch: int = option(2, "contents in the inner and in the outer batch", low=1)
    styles: int = option(2, "styles per outer step", low=1)
    start: str | None = option(None, "weights to start from, instead of random ones", path=True)
    warm_steps: int = option(3000, "steps on all styles at once, before meta-training", low=0)
    warm_lr: float = option(1e-3, "Adam's learning rate in these steps", low=0)
    rule: Literal["second-order", "first-order", "reptile", "plain"] = option(
        "second-order", "of the outer step: MAML, first-order MAML, Reptile; plain: no inner loop"
    )
    inner: Literal["sgd", "adam"] = option("sgd", "the inner rule; adam is the one that adapts")
    inner_moves: Literal["norm", "all"] = option("norm", "parameters that the inner rule moves")
    inner_steps: int = option(1, "inner steps (T)", low=1)
    inner_lr: float = option(2.0, "inner learning rate (delta)", low=0)
    contents: Literal["shared", "fresh"] = option(
        "shared", "one inner batch for all styles and inner steps of an outer step, or new ones"
    )
    outer_lr: float = option(5e-4, "outer learning rate (eta) of Adam; of Reptile's step", low=0)
    decay: float = option(5e-4, "k of the outer rate's lr / (1 + k t)", low=0)
    inner_decay: float = option(5e-4, "k of the inner rate's", low=0)
    clip: float = option(1.0, "largest norm of a gradient", low=0)
    average: float = option(
        0.99,
        "decay of the running mean of the weights, which is what is exported; 0: no mean",
        low=0,
    )


def inner_update(parameters: Mapping[str, Tensor], loss: Tensor, lr: float) -> dict[str, Tensor]:
    """One step of gradient descent that can itself be differentiated (algorithm 1, line 7).

    Args:
        parameters: the parameters that the inner loop changes, by name.
        loss: scalar, made with these parameters.
        lr: the inner learning rate.

    Returns:
        The updated parameters, as functions of the old ones.
    """
    gradients = torch.autograd.grad(loss, list(parameters.values()), create_graph=True)
    return {
        name: value - lr * gradient
        for (name, value), gradient in zip(parameters.items(), gradients, strict=True)
    }


class MetaTraining(NetworkTraining):
    """Bilevel training (paper, eq. 4 and algorithm 1): an outer Adam over an inner SGD.

    As in the paper only the affine parameters of the instance normalisations move in the inner
    loop, and the outer step moves everything, through the inner step's second derivatives. All
    styles of an outer step share the inner content batch, and share the outer one (supplement).
    The options `rule`, `inner`, `inner_moves`, `inner_steps` and `contents` are the ablations.
    """

    Options = MetaTrainingOptions
    paper = Recipe(
        {
            "encoder": "vgg16",
            "size": 256,
            "batch": 4,
            "styles": 4,
            "warm_steps": 0,
            "outer_lr": 1e-5,
            "decay": 2.5e-5,
            "inner_decay": 2.5e-5,
        },
        steps=100_000,
        contents="MS-COCO",
        styles="WikiArt",
        source="the authors' code",
    )

    def __init__(self, context: Context, styles: PictureStore, options: Any) -> None:
        o: MetaTrainingOptions = options
        if o.rule == "second-order" and o.inner == "adam":
            raise BenchError("metastyle.inner=adam goes with rule=first-order or rule=reptile")
        super().__init__(context, styles, options)
        norms = norm_parameters(self.network)
        named = dict(self.network.named_parameters())
        self.moving: dict[str, nn.Parameter] = named if o.inner_moves == "all" else norms
        self.where = [list(named).index(name) for name in self.moving]
        self.loss = perceptual_loss(context, o.encoder, Balance(o.content_weight, o.style_weight))

    def build(self) -> nn.Module:
        """The transformation network, random or from the start that the options name."""
        return started(self.options.start)

    def step(self, index: int) -> Mapping[str, float | Tensor]:
        """A warm-up step on all styles at once, or a meta-training step."""
        o: MetaTrainingOptions = self.options
        iteration = index - o.warm_steps
        if iteration < 0:
            rate = o.warm_lr * warmed_up(index)
            logged, gradients = self._warm()
        else:
            rate = o.outer_lr / (1 + o.decay * iteration)
            logged, gradients = self._warm() if o.rule == "plain" else self._meta(iteration)
            if iteration == 0:  # the moments of the warm-up belong to another loss
                self.optimizer.state.clear()
        if iteration >= 0 and o.rule == "reptile":  # no gradient, but the way that was gone
            distributed.average(gradients)
            with torch.no_grad():
                for parameter, way in zip(self.parameters, gradients, strict=True):
                    parameter.sub_(way, alpha=rate)
            self.average()
            return logged
        return {**logged, "gradient": self.update(gradients, rate)}

    def _warm(self) -> tuple[dict[str, Tensor], list[Tensor]]:
        count = self.options.batch * 2
        terms = self._terms(self.contents(count), self.targets(count))
        logged = {"warm/content": terms.content.detach(), "warm/style": terms.style.detach()}
        return logged, list(torch.autograd.grad(terms.total, self.parameters))

    def _meta(self, iteration: int) -> tuple[dict[str, Tensor], list[Tensor]]:
        """What several styles ask of the start, on the mean."""
        o: MetaTrainingOptions = self.options
        lr = o.inner_lr / (1 + o.inner_decay * iteration)
        shared = [self.contents(o.batch) for _ in range(2)] if o.contents == "shared" else None
        logged: dict[str, Tensor] = {}
        total = [torch.zeros_like(p) for p in self.parameters]
        of_style = self._by_graph if o.rule == "second-order" else self._by_steps
        for _ in range(o.styles):
            if shared:
                trains, query = [shared[0]] * o.inner_steps, shared[1]
            else:
                *trains, query = (self.contents(o.batch) for _ in range(o.inner_steps + 1))
            before, after, gradients = of_style(trains, query, self.targets(1), lr)
            for sum_, gradient in zip(total, gradients, strict=True):
                sum_ += gradient / o.styles
            for name, value in _summary(before, after).items():
                share = value / o.styles
                logged[name] = logged[name] + share if name in logged else share
        return logged, total

    def _by_graph(
        self, trains: Sequence[Tensor], query: Tensor, style: StyleTarget, lr: float
    ) -> tuple[Terms, Terms, Sequence[Tensor]]:
        """One style's outer gradient by double backward, as algorithm 1 is written."""
        fast_weights: dict[str, Tensor] = dict(self.moving)
        seen = []
        for train in trains:
            seen.append(self._terms(train, style, fast_weights))
            fast_weights = inner_update(fast_weights, seen[-1].total, lr)
        after = self._terms(query, style, fast_weights)
        return seen[0], after, torch.autograd.grad(after.total, self.parameters)

    def _by_steps(
        self, trains: Sequence[Tensor], query: Tensor, style: StyleTarget, lr: float
    ) -> tuple[Terms, Terms, Sequence[Tensor]]:
        """One style's first-order outer gradient, at the end of the inner steps.

        Reptile's is the way that the inner steps went, reversed.
        """
        o: MetaTrainingOptions = self.options
        moving = list(self.moving.values())
        start = [p.detach().clone() for p in moving]
        inner = adam(moving, lr) if o.inner == "adam" else torch.optim.SGD(moving, lr)
        seen = []
        for train in trains:
            seen.append(self._terms(train, style))
            for parameter, slope in zip(
                moving, torch.autograd.grad(seen[-1].total, moving), strict=True
            ):
                parameter.grad = slope
            inner.step()
        with torch.set_grad_enabled(o.rule == "first-order"):
            after = self._terms(query, style)
        outer: Sequence[Tensor]
        if o.rule == "first-order":
            outer = torch.autograd.grad(after.total, self.parameters)
        else:
            outer = [torch.zeros_like(p) for p in self.parameters]
            for i, old, new in zip(self.where, start, moving, strict=True):
                outer[i].copy_(old - new.detach())
        with torch.no_grad():
            for parameter, value in zip(moving, start, strict=True):
                parameter.copy_(value)
        return seen[0], after, outer

    def _terms(
        self,
        content: Tensor,
        style: StyleTarget,
        parameters: Mapping[str, Tensor] | None = None,
    ) -> Terms:
        twice = SecondDerivatives() if parameters is not None else nullcontext()
        with self.context.autocast(learning=True), twice:
            stylized = functional_call(self.network, dict(parameters or {}), (content,))
            return self.loss.of(stylized, content, style, self.options.shift)

    def targets(self, count: int) -> StyleTarget:
        """What `count` styles ask for."""
        style = self.crops(self.draw(count), self.options.style_size)
        with self.context.autocast(learning=True):
            return self.loss.style_target(style)

    def preview(self) -> Tensor:
        """Two contents, as the initialisation renders them without any adaptation."""
        generator = torch.Generator().manual_seed(0)
        content = self.context.photographs.batch(2, 256, generator).to(self.context.device)
        with torch.inference_mode():
            return torch.cat([content, self.network(content)]).cpu()


def _summary(before: Terms, after: Terms) -> dict[str, Tensor]:
    return {
        "meta/before": before.total.detach(),
        "meta/style_before": before.style.detach(),
        "meta/after": after.total.detach(),
        "meta/style_after": after.style.detach(),
        "meta/content": after.content.detach(),
    }
