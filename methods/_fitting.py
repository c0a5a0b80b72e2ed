"""Fitting a transformation network to one style: Johnson's training and MetaStyle's adaptation."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn
from torch.autograd.graph import increment_version

from bench.contract import Context, Weights
from bench.errors import BenchError
from bench.options import option
from bench.perceptual import Offset, PerceptualLoss, drawn_offset
from bench.transfers import numbers, on_cuda
from bench.weights import find, metadata

from ._adam import adam
from ._cuda_graph import Capture, GraphedStep, capture_step
from ._deployed import INFERENCE, Inference


@dataclass(frozen=True)
class FitOptions:
    """Options of a per-style fit by Adam."""

    steps: int = option(100, "update steps", low=0)
    lr: float = option(1e-3, "Adam's learning rate", low=0)
    batch: int = option(2, "photographs per step", low=1)
    size: int = option(192, "side of the content crops in pixels", low=32)
    shift: int = option(8, "pixels that the loss's window is shifted by at random", low=0)
    encoder: str = option("vgg19-quarter", "loss network")
    content_weight: float = option(2.0, "weight of the content error", low=0)
    style_weight: float = option(1.0, "weight of the style error", low=0)
    stepping: Literal["auto", "plain", "graph"] = option(
        "auto",
        "launch a step as one CUDA graph, or kernel by kernel; auto: a graph where it can be",
    )
    inference: Inference = option("auto", INFERENCE)  # noqa: RUF009 (it is immutable)


WORTH = 20
"""Steps from which on `auto` has them captured: that takes as long as a few of them."""

SMOKE = {"steps": 2, "batch": 1, "size": 32}
"""The least that a fit can do, for `--profile smoke`."""


def loss_networks(options: FitOptions, start: Weights | None = None) -> Sequence[str]:
    """The encoders behind a fit: that of its start's training, as the file tells, and its own."""
    file = find(start) if start else None
    if file is None:
        return (options.encoder,)
    trained_with = json.loads(metadata(file).get("options", "{}"))
    return tuple(dict.fromkeys((trained_with.get("encoder", FitOptions.encoder), options.encoder)))


class Fitted(Protocol):
    """A method that is fitted: what it computes by, and how its steps are launched."""

    context: Context
    loss: PerceptualLoss
    options: Any
    launched: str | None


def fit(
    method: Fitted,
    network: nn.Module,
    style: Tensor,
    parameters: Iterable[nn.Parameter] | None = None,
    capture: Capture | None = None,
) -> Iterator[None]:
    """Fit the network to one style (R, 3, H, W) on the context's photographs.

    Yields before the first step and after each.

    Args:
        method: whose loss it is; is told how its steps are launched.
        network: contents to stylized pictures.
        style: pictures of the style.
        parameters: those that move: all by default.
        capture: another than CUDA's.
    """
    context, loss, o = method.context, method.loss, method.options
    moving = list(network.parameters() if parameters is None else parameters)
    wanted = loss.style_target(style).mean()
    optimizer = adam(moving, o.lr)

    def step(content: Tensor, offset: Offset | None = None) -> None:
        terms = loss.within(network(content), content, wanted, o.shift, offset)
        gradients = torch.autograd.grad(terms.total, moving)
        for parameter, gradient in zip(moving, gradients, strict=True):
            parameter.grad = gradient
        if launch is not None:
            optimizer.param_groups[0]["capturable"] = capturing(context.device)
        optimizer.step()

    launch = launcher(step, o, context.device, capture)
    yield
    for _ in range(o.steps):
        batch = context.photographs.batch(o.batch, o.size, device=context.device)
        offset = drawn_offset(batch.shape, o.shift)
        content = context.precision.layout(batch)
        if launch is None:
            step(content, offset)
        else:
            launch(content, *(numbers([offset], context.device) if offset else ()))
            increment_version(moving)  # which a launched graph does not
            method.launched = launch.form
        yield


def capturing(device: torch.device) -> bool:
    """Whether what is done on the device goes into a graph now: Adam has to know."""
    return device.type == "cuda" and torch.cuda.is_current_stream_capturing()


def launcher(
    step: Callable[..., None], options: Any, device: torch.device, capture: Capture | None = None
) -> GraphedStep | None:
    """What makes steps by a graph, where that is asked for, or may pay; None: they are made plain.

    They are on a device that is only simulated (`bench check`), too.

    Raises:
        BenchError: a graph is asked for on another device than CUDA.
    """
    able = capture is not None or on_cuda(device)
    asked = options.stepping == "graph"
    if asked and not able:
        raise BenchError(f"stepping=graph is for CUDA, not for {device}: use plain")
    if options.stepping == "plain" or not able or (not asked and options.steps < WORTH):
        return None
    return GraphedStep(step, asked, capture or capture_step)
