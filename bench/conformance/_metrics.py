"""What every metric must keep to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from bench import weights
from bench.conformance import _common, _subject
from bench.conformance._subject import Check, Subject, require
from bench.contract import Frame, Metric, SetMetric, TemporalMetric, Triple, View, Weights


class MetricSubject(Subject[Metric]):
    """A metric; there is one object of it, which is loaded anew."""

    def __call__(self) -> Metric:
        """The object, loaded."""
        metric: Metric = self.thing
        metric.load(self.context)
        return metric

    def exercise(self) -> list[Tensor]:
        """Load and score; a number lies on no device."""
        score(self(), self.pictures())
        return []

    def weights(self) -> Sequence[tuple[Weights, Sequence[Path]]]:
        """Its encoder's, and its own."""
        own = [(needed, weights.beside(self.cls)) for needed in self.thing.weights]
        encoders = [self.context.find_encoder(name) for name in self.thing.encoders]
        return [*((encoder.weights, encoder.folders()) for encoder in encoders), *own]

    def pictures(self, size: tuple[int, int] = _subject.SIZE, seed: int = 0) -> list[Tensor]:
        """A stylized picture, its content and a style of another shape, at least as it needs."""
        device = self.context.device
        grown = max(0, self.thing.min_size - min(size))
        size = (size[0] + grown, size[1] + grown)
        content = _subject.content(device, size, seed)
        style = _subject.style(device, (size[0] + 8, size[1] + 4), seed + 3)
        return [(content + _subject.style(device, size, seed + 3)) / 2, content, style]


_STILL: View = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
_PANNED: View = (1.0, 0.0, -0.2, 0.0, 1.0, 0.0)


def score(metric: Metric, pictures: Sequence[Tensor]) -> float:
    """The metric's number; one of sets gets the pictures in four orientations, one of time pans."""
    if isinstance(metric, TemporalMetric):
        stylized, content, _ = pictures
        before = Frame(stylized.roll(4, 3), content.roll(4, 3), _PANNED)
        return metric.score_frames(Frame(stylized, content, _STILL), before)
    if not isinstance(metric, SetMetric):
        return metric.score(*pictures)
    sides = ((), (2,), (3,), (2, 3))
    return metric.score_set(Triple(*(p.flip(side) for p in pictures)) for side in sides).value


def describes_itself(subject: MetricSubject) -> None:
    """Unit, citation and docstring."""
    require(bool(subject.thing.unit), 'unit is empty: "1" says that there is none')
    require(bool(subject.thing.citation.strip()), "citation is empty: say whose measure it is")
    require(bool((subject.cls.__doc__ or "").strip()), "the class has no docstring")


def gives_numbers(subject: MetricSubject) -> None:
    """A finite Python float, also of pictures with odd sides."""
    metric = subject()
    for size in (_subject.SIZE, (67, 45)):
        value = score(metric, subject.pictures(size))
        require(
            type(value) is float,
            f"score gave a {type(value).__name__}: return a float, of a tensor by .item()",
        )
        require(math.isfinite(value), f"score gave {value}: return a finite number")


def is_deterministic(subject: MetricSubject) -> None:
    """The same pictures have the same score, and other pictures in between change nothing."""
    metric = subject()
    first = score(metric, subject.pictures())
    again = score(metric, subject.pictures())
    require(first == again, f"two scores of the same pictures differ: {first!r} and {again!r}")
    for seed in (11, 12):
        score(metric, subject.pictures(seed=seed))
    later = score(metric, subject.pictures())
    require(
        first == later,
        f"other pictures leave traces in a score: {first!r}, and {later!r} after them",
    )


def leaves_inputs_alone(subject: MetricSubject) -> None:
    """No picture is changed in place."""
    pictures = subject.pictures()
    before = [picture.clone() for picture in pictures]
    score(subject(), pictures)
    names = ("stylized picture", "content", "style")
    for name, picture, was in zip(names, pictures, before, strict=True):
        require(torch.equal(picture, was), f"the {name} was changed in place: work on a clone")


def tells_the_anchors_apart(subject: MetricSubject) -> None:
    """On its axis the style's copy, or the content unchanged, is better than the other one."""
    metric = subject()
    if metric.axis == "both":
        return
    _, content, _ = subject.pictures()
    height, width = content.shape[2:]
    style = _subject.style(content.device, (height, width), seed=5) ** 2
    unchanged, copied = (score(metric, [p, content, style]) for p in (content, style))
    good, bad = (copied, unchanged) if metric.axis == "style" else (unchanged, copied)
    better = good < bad if metric.direction == "lower" else good > bad
    best = "the style's copy" if metric.axis == "style" else "the content unchanged"
    require(
        better,
        f"{best} has {good:.4g} and the opposite {bad:.4g}, though it speaks about "
        f"{metric.axis} and {metric.direction} is better: set axis and direction right",
    )


def is_the_same_under_autocast(subject: MetricSubject) -> None:
    """It is computed in float32, whatever precision methods run in."""
    metric = subject()
    plain = score(metric, subject.pictures())
    with torch.autocast(subject.context.device.type, torch.bfloat16):
        half = score(metric, subject.pictures())
    require(
        math.isclose(plain, half, rel_tol=1e-4, abs_tol=1e-6),
        f"under bfloat16 autocast its score is {half:.6g} instead of {plain:.6g}: disable "
        f"autocast in score",
    )


CHECKS: tuple[Check, ...] = (
    describes_itself,
    _common.has_its_weights,
    _common.runs,
    gives_numbers,
    _common.leaves_global_state_alone,
    is_deterministic,
    leaves_inputs_alone,
    tells_the_anchors_apart,
    is_the_same_under_autocast,
    _common.records_what_it_depends_on,
    _common.keeps_to_its_device,
    _common.touches_only_declared_files,
    _common.prints_nothing,
)
