"""What every encoder must keep to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from bench.conformance import _common, _subject
from bench.conformance._subject import Check, Subject, require, same
from bench.contract import Weights


class EncoderSubject(Subject[nn.Module]):
    """An encoder; a call builds its network, frozen and on the device, as methods get it."""

    def __call__(self) -> nn.Module:
        """A fresh network."""
        network: nn.Module = self.thing.build().eval().requires_grad_(False)
        return self.context.place(network)

    def exercise(self) -> list[Tensor]:
        """Build it and look at a picture."""
        return list(self()(self.picture()))

    def weights(self) -> Sequence[tuple[Weights, Sequence[Path]]]:
        """Its one file."""
        return [(self.thing.weights, self.thing.folders())]

    def picture(self, size: tuple[int, int] = _subject.SIZE, seed: int = 0) -> Tensor:
        """A picture that every tap can take, (1, 3, H, W)."""
        least = self.thing.min_size
        sides = (max(size[0], least), max(size[1], least))
        return _subject.content(self.context.device, sides, seed)


def describes_itself(subject: EncoderSubject) -> None:
    """Citation, docstring, licence, distinct taps."""
    encoder = subject.thing
    require(bool(encoder.citation.strip()), "citation is empty: say whose network it is")
    require(bool((subject.cls.__doc__ or "").strip()), "the class has no docstring")
    require(bool(encoder.weights.licence), "weights have no licence: say what they are under")
    require(len(set(encoder.taps)) == len(encoder.taps), "a tap is named twice")


def gives_one_map_per_tap(subject: EncoderSubject) -> None:
    """A finite float32 map (N, C, h, w) for each tap, of any size from `min_size` on."""
    encoder, network = subject.thing, subject()
    for size in ((64, 64), (67, 45), (encoder.min_size, encoder.min_size)):
        maps = network(subject.picture(size))
        require(
            len(maps) == len(encoder.taps),
            f"it gives {len(maps)} maps for {len(encoder.taps)} taps",
        )
        for tap, value in zip(encoder.taps, maps, strict=True):
            require(
                value.dim() == 4 and value.shape[0] == 1 and min(value.shape[2:]) >= 1,
                f"tap {tap} has shape {tuple(value.shape)} for a picture of {size}",
            )
            require(value.dtype == torch.float32, f"tap {tap} is {value.dtype}: give float32")
            require(bool(value.isfinite().all()), f"tap {tap} has NaN or infinite values")


def is_deterministic(subject: EncoderSubject) -> None:
    """Two networks that were built apart give the same features."""
    once, again = (subject()(subject.picture()) for _ in range(2))
    for tap, first, second in zip(subject.thing.taps, once, again, strict=True):
        same(
            first,
            second,
            f"tap {tap} differs between two builds: let every number come from the weights file",
        )


def leaves_inputs_alone(subject: EncoderSubject) -> None:
    """The picture is not changed in place."""
    picture = subject.picture()
    before = picture.clone()
    subject()(picture)
    require(torch.equal(picture, before), "the picture was changed in place: work on a clone")


def treats_pictures_apart(subject: EncoderSubject) -> None:
    """A batch of two gives what its pictures give one by one."""
    network = subject()
    pictures = [subject.picture(seed=seed) for seed in (0, 9)]
    together = network(torch.cat(pictures))
    for index, picture in enumerate(pictures):
        for tap, both, one in zip(subject.thing.taps, together, network(picture), strict=True):
            # relative, since features have any scale
            scale = float(one.abs().max()) or 1.0
            same(
                both[index, None] / scale,
                one / scale,
                f"tap {tap} of a batch differs from its pictures one by one: let no statistic "
                f"mix pictures",
            )


def passes_gradients(subject: EncoderSubject) -> None:
    """A loss on its features reaches the picture, and its own parameters stay frozen."""
    network, picture = subject(), subject.picture().requires_grad_()
    features = network(picture)
    require(
        all(feature.requires_grad for feature in features),
        "features carry no gradient to the picture: leave no_grad and detach out",
    )
    sum(feature.float().pow(2).sum() for feature in features).backward()
    reached = picture.grad is not None and bool(picture.grad.abs().sum() > 0)
    require(reached, "no gradient reaches the picture: leave no_grad and detach out")
    require(
        all(parameter.grad is None for parameter in network.parameters()),
        "its parameters take gradients: leave them frozen",
    )


CHECKS: tuple[Check, ...] = (
    describes_itself,
    _common.has_its_weights,
    _common.runs,
    gives_one_map_per_tap,
    _common.leaves_global_state_alone,
    is_deterministic,
    leaves_inputs_alone,
    treats_pictures_apart,
    passes_gradients,
    _common.records_what_it_depends_on,
    _common.keeps_to_its_device,
    _common.touches_only_declared_files,
    _common.prints_nothing,
)
