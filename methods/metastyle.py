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

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.func import functional_call

from bench.contract import Method, Weights
from bench.hooks import hookimpl
from bench.options import option
from bench.perceptual import Balance, Terms, perceptual_loss
from bench.training import Task
from bench.weights import find, locate, metadata, read

from ._fitting import FitOptions, fit
from ._transform_net import TransformNet, load_weights, norm_parameters

SHIPPED = Weights(
    "metastyle.safetensors",
    "b2320e4806f1705597c859794658409852fa51871c9ff190173483d6f6b4e8d3",
    "bench train metastyle (see the README)",
    "MIT",
)


@dataclass(frozen=True)
class MetaTrainingOptions:
    """Settings of the meta-training; the paper's symbols in brackets."""

    encoder: str = option("efficientnet-lite0", "loss network")
    content_weight: float = option(0.35, "weight of the content error", low=0)
    style_weight: float = option(1.0, "weight of the style error", low=0)
    size: int = option(128, "side of the content crops in pixels", low=32)
    style_size: int = option(256, "side of the style crops in pixels", low=32)
    batch: int = option(2, "contents in the inner and in the outer batch", low=1)
    styles: int = option(2, "styles per outer step", low=1)
    warm_steps: int = option(3000, "steps on all styles at once, before meta-training", low=0)
    warm_lr: float = option(1e-3, "Adam's learning rate in these steps", low=0)
    inner_steps: int = option(1, "inner steps (T)", low=1)
    inner_lr: float = option(2.0, "inner learning rate (delta), SGD on instance norms", low=0)
    outer_lr: float = option(5e-4, "outer learning rate (eta), Adam on everything", low=0)
    decay: float = option(5e-4, "k of lr / (1 + k t), for both learning rates", low=0)
    clip: float = option(1.0, "largest norm of a gradient", low=0)


def inner_update(
    parameters: Mapping[str, Tensor], loss: Tensor, lr: float, *, second_order: bool = True
) -> dict[str, Tensor]:
    """One step of gradient descent that can itself be differentiated (algorithm 1, line 7).

    Args:
        parameters: the parameters that the inner loop changes, by name.
        loss: scalar, made with these parameters.
        lr: the inner learning rate.
        second_order: keep the graph of the gradient, so that the outer step sees through it.

    Returns:
        The updated parameters, as functions of the old ones.
    """
    gradients = torch.autograd.grad(loss, list(parameters.values()), create_graph=second_order)
    return {
        name: value - lr * gradient
        for (name, value), gradient in zip(parameters.items(), gradients, strict=True)
    }


class MetaTraining(Task):
    """Bilevel training (paper, eq. 4 and algorithm 1): an outer Adam over an inner SGD.

    In the inner loop only the affine parameters of the instance normalisations move; the outer
    step moves everything, through the inner step's second derivatives. All styles of one outer
    step share the inner content batch, and share the outer one (supplement).
    """

    Options = MetaTrainingOptions

    def __init__(self, context: Any, styles: Any, options: Any) -> None:
        super().__init__(context, styles, options)
        o: MetaTrainingOptions = options
        self.network = context.place(TransformNet())
        self.norms = norm_parameters(self.network)
        self.loss = perceptual_loss(context, o.encoder, Balance(o.content_weight, o.style_weight))
        self.optimizer = torch.optim.Adam(self.network.parameters(), o.warm_lr)
        self.share = source_shares(styles.names)

    def step(self, index: int) -> dict[str, float]:
        """A warm-up step on all styles at once, or a meta-training step."""
        o: MetaTrainingOptions = self.options
        iteration = index - o.warm_steps
        rate = o.warm_lr * min(1.0, (index + 1) / 50)
        if iteration >= 0:
            rate = o.outer_lr / (1 + o.decay * iteration)
            if iteration == 0:  # the moments of the warm-up belong to another loss
                self.optimizer.state.clear()
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        logged = self._warm() if iteration < 0 else self._meta(iteration)
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), o.clip)
        self.optimizer.step()
        return {**logged, "gradient": float(norm)}

    def _warm(self) -> dict[str, float]:
        o: MetaTrainingOptions = self.options
        count = o.batch * 2
        content, target = self._contents(count)
        grams = self._grams(count)
        with self.context.autocast():
            terms = self.loss(self.network(content), content, target, grams)
        torch.autograd.backward(terms.total)
        return {"warm/content": terms.content.item(), "warm/style": terms.style.item()}

    def _meta(self, iteration: int) -> dict[str, float]:
        o: MetaTrainingOptions = self.options
        train, query = self._contents(o.batch), self._contents(o.batch)
        lr = o.inner_lr / (1 + o.decay * iteration)
        logged = dict.fromkeys(("before", "style_before", "after", "style_after", "content"), 0.0)
        for _ in range(o.styles):
            grams = self._grams(1)
            adapted: Mapping[str, Tensor] = self.norms
            for inner in range(o.inner_steps):
                terms = self._terms(adapted, train, grams)
                adapted = inner_update(adapted, terms.total, lr)
                if inner == 0:
                    logged["before"] += terms.total.item() / o.styles
                    logged["style_before"] += terms.style.item() / o.styles
            terms = self._terms(adapted, query, grams)
            torch.autograd.backward(terms.total / o.styles)
            logged["after"] += terms.total.item() / o.styles
            logged["style_after"] += terms.style.item() / o.styles
            logged["content"] += terms.content.item() / o.styles
        return {f"meta/{name}": value for name, value in logged.items()}

    def _terms(
        self, norms: Mapping[str, Tensor], batch: tuple[Tensor, Tensor], grams: list[Tensor]
    ) -> Terms:
        content, target = batch
        with self.context.autocast():
            stylized = functional_call(self.network, dict(norms), (content,))
            return self.loss(stylized, content, target, grams)

    def _contents(self, count: int) -> tuple[Tensor, Tensor]:
        """A batch of contents and their features."""
        batch = self.context.photographs.batch(count, self.options.size)
        content = self.context.precision.layout(batch.to(self.context.device))
        with self.context.autocast():
            return content, self.loss.content_target(content)

    def _grams(self, count: int) -> list[Tensor]:
        """Gram matrices of `count` styles, drawn by source."""
        drawn = torch.multinomial(self.share, count).tolist()
        side = self.options.style_size
        batch = self.styles.batch(count, side, indices=drawn, scale=(0.7, 1.0))
        style = self.context.precision.layout(batch.to(self.context.device))
        with self.context.autocast():
            return self.loss.style_target(style)

    def state(self) -> dict[str, Any]:
        """Network and optimiser."""
        return {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Network and optimiser."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])

    def export(self) -> dict[str, Tensor]:
        """The initialisation that adapts."""
        return dict(self.network.state_dict())

    def preview(self) -> Tensor:
        """Two contents, as the initialisation renders them without any adaptation."""
        generator = torch.Generator().manual_seed(0)
        content = self.context.photographs.batch(2, 256, generator).to(self.context.device)
        with torch.inference_mode():
            return torch.cat([content, self.network(content)]).cpu()


def source_shares(names: Sequence[str]) -> Tensor:
    """How often to draw each style: by the square root of its source's size, (M,).

    The source is the file name up to the last underscore, so that one large collection does not
    crowd out the small ones.
    """
    sources = [Path(name).stem.rpartition("_")[0] for name in names]
    counts = {source: sources.count(source) for source in set(sources)}
    return torch.tensor([counts[source] ** -0.5 for source in sources])


@dataclass(frozen=True)
class MetaStyleOptions(FitOptions):
    """Options of the adaptation; the paper's are 200 steps at 256 pixels."""

    update: Literal["all", "norm"] = option("all", "which parameters adapt: all, or instance norms")
    weights: str | None = option(None, "a weights file, instead of the shipped one", path=True)


class MetaStyle(Method):
    """Meta-learned initialisation, adapted to each style by Adam (paper, §3)."""

    name = "metastyle"
    family = "meta-learned"
    citation = "Zhang, Zhu, Zhu, AAAI 2019"
    Options = MetaStyleOptions
    trains_on = ("efficientnet-lite0",)
    training = MetaTraining
    weights = (SHIPPED,)

    @classmethod
    def needs(cls, options: MetaStyleOptions) -> Sequence[Weights]:
        """The shipped weights, or the file that the user names."""
        if options.weights is None:
            return cls.weights
        file = str(Path(options.weights).expanduser().absolute())
        return (Weights(file, None, "the user", "unknown"),)

    @classmethod
    def learns_from(cls, options: MetaStyleOptions) -> Sequence[str]:
        """The loss network of the meta-training, as the weights tell, and of the adaptation."""
        file = find(cls.needs(options)[0])
        told = json.loads(metadata(file).get("options", "{}")) if file else {}
        return tuple(dict.fromkeys((told.get("encoder", cls.trains_on[0]), options.encoder)))

    def load(self) -> None:
        """Read the meta-trained weights."""
        o: MetaStyleOptions = self.options
        file = locate(self.needs(o)[0])
        self.initial = read(file)
        self.network = self.context.place(TransformNet())
        load_weights(self.network, self.initial, file)
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
        with torch.inference_mode():
            stylized: Tensor = self.network(content)
            return stylized.float()


@hookimpl
def bench_methods() -> Sequence[type[Method]]:
    """MetaStyle."""
    return [MetaStyle]
