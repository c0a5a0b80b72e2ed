"""Fitting a transformation network to one style: Johnson's training and MetaStyle's adaptation."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from bench.contract import Context, Weights
from bench.options import option
from bench.perceptual import PerceptualLoss
from bench.weights import find, metadata

from ._adam import adam
from ._deployed import INFERENCE, Inference


@dataclass(frozen=True)
class FitOptions:
    """Options of a per-style fit by Adam."""

    steps: int = option(100, "update steps", low=0)
    lr: float = option(1e-3, "Adam's learning rate", low=0)
    batch: int = option(4, "photographs per step", low=1)
    size: int = option(128, "side of the content crops in pixels", low=32)
    shift: int = option(8, "pixels that the loss's window is shifted by at random", low=0)
    encoder: str = option("vgg19-quarter", "loss network")
    content_weight: float = option(2.0, "weight of the content error", low=0)
    style_weight: float = option(1.0, "weight of the style error", low=0)
    inference: Inference = option("auto", INFERENCE)  # noqa: RUF009 (it is immutable)


SMOKE = {"steps": 2, "batch": 1, "size": 32}
"""The least that a fit can do, for `--profile smoke`."""


def loss_networks(options: FitOptions, start: Weights | None = None) -> Sequence[str]:
    """The encoders behind a fit: that of its start's training, as the file tells, and its own."""
    file = find(start) if start else None
    if file is None:
        return (options.encoder,)
    trained_with = json.loads(metadata(file).get("options", "{}"))
    return tuple(dict.fromkeys((trained_with.get("encoder", FitOptions.encoder), options.encoder)))


def fit(
    context: Context,
    network: nn.Module,
    loss: PerceptualLoss,
    style: Tensor,
    options: Any,
    parameters: Iterable[nn.Parameter] | None = None,
) -> Iterator[None]:
    """Fit the network to one style (R, 3, H, W) on the context's photographs.

    Yields before the first step and after each. `parameters` are those that move: all by default.
    """
    moving = list(network.parameters() if parameters is None else parameters)
    wanted = loss.style_target(style).mean()
    optimizer = adam(moving, options.lr)
    yield
    for _ in range(options.steps):
        batch = context.photographs.batch(options.batch, options.size, device=context.device)
        content = context.precision.layout(batch)
        terms = loss.of(network(content), content, wanted, options.shift)
        gradients = torch.autograd.grad(terms.total, moving)
        for parameter, gradient in zip(moving, gradients, strict=True):
            parameter.grad = gradient
        optimizer.step()
        yield
