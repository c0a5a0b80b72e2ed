"""What every method must keep to."""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench import options
from bench.conformance import _common, _subject
from bench.conformance._subject import SIZE, TOLERANCE, Check, Subject, require, same
from bench.contract import Context, Method, Precision, Weights, phases

TINY = {"steps": 2, "batch": 1, "size": 32}
"""Values for options of these names, or the least allowed: methods that train take seconds too."""


class MethodSubject(Subject[Method]):
    """A method's class; its objects have as few steps and pixels as its options allow."""

    @property
    def chosen(self) -> Any:
        """Its options."""
        tiny = {
            field.name: max(TINY[field.name], field.metadata.get("low") or 0)
            for field in dataclasses.fields(self.thing.Options)
            if field.name in TINY and isinstance(field.default, int)
        }
        return options.build(self.thing.Options, {**tiny, **self.given}, self.thing.name)

    def __call__(self) -> Method:
        """A fresh, loaded object."""
        method: Method = self.thing(self.context, self.chosen)
        method.load()
        return method

    def exercise(self) -> list[Tensor]:
        """Load, adapt to a style and stylize a content."""
        method = self()
        phases.adapt(method, _style(method))
        return [phases.stylize(method, _content(method))]

    def weights(self) -> Sequence[tuple[Weights, Sequence[Path]]]:
        """What it needs under these options."""
        folders = self.thing.folders()
        return [(needed, folders) for needed in self.thing.needs(self.chosen)]


def describes_itself(subject: MethodSubject) -> None:
    """Citation, docstring, and frozen options with help texts."""
    cls = subject.thing
    require(bool(cls.citation.strip()), "citation is empty: say whose method it is")
    require(bool((vars(cls)["__doc__"] or "").strip()), "the class has no docstring")
    require(cls.Options.__dataclass_params__.frozen, "Options must be a dataclass with frozen=True")
    for row in options.describe(cls.Options):
        require(bool(row["help"]), f"option {row['name']} has no help: use bench.option(...)")


def records_its_options(subject: MethodSubject) -> None:
    """All that it can be given is in `Options`, which a run records, and stays as recorded."""
    taken = list(inspect.signature(subject.thing.__init__).parameters.values())[1:]
    strangers = [p.name for p in taken if p.name not in ("context", "options")]
    require(
        not strangers,
        f"__init__ takes {', '.join(strangers)}, which no run records: make it an option",
    )
    chosen = subject.chosen
    stored = json.loads(json.dumps(dataclasses.asdict(chosen)))
    require(
        options.build(subject.thing.Options, stored, subject.thing.name) == chosen,
        "its options do not come back as they were stored: let Options change no value",
    )
    method = subject()
    method.options = given = subject.chosen
    _transfer(method, _content(method))
    require(method.options is given and given == chosen, "it changes its options: leave them")
    _common.records_what_it_depends_on(subject)


def gives_pictures(subject: MethodSubject) -> None:
    """float32 pictures of the content's shape, finite, in [0, 1], on the device, detached."""
    _check_pictures(subject())


def runs_in_bfloat16(subject: MethodSubject) -> None:
    """The same under bfloat16 autocast and channels_last, as the runner may choose it."""
    precision = Precision("bfloat16", channels_last=True)
    half = subject.within(dataclasses.replace(subject.context, precision=precision))
    _check_pictures(half())


def takes_odd_sizes(subject: MethodSubject) -> None:
    """Sides that no stride divides, of contents and of styles."""
    for size in ((67, 45), (48, 80)):
        _check_pictures(subject(), size)


def is_deterministic(subject: MethodSubject) -> None:
    """Two fresh objects give the same picture under the same torch seed."""
    first, second = (_transfer(method, _content(method)) for method in (subject(), subject()))
    same(
        first,
        second,
        "two runs under one torch seed differ: draw random numbers from torch only, and "
        "depend on nothing outside the inputs",
        tolerance=0 if first.device.type == "cpu" else TOLERANCE,
    )


def leaves_inputs_alone(subject: MethodSubject) -> None:
    """Style and content are not changed in place, and the picture is a tensor of its own."""
    method = subject()
    inputs = {"style": _style(method), "content": _content(method)}
    before = {name: picture.clone() for name, picture in inputs.items()}
    stylized = _transfer(method, inputs["content"], inputs["style"])
    for name, picture in inputs.items():
        same(picture, before[name], f"the {name} was changed in place: work on a clone", 0)
        require(
            stylized.untyped_storage().data_ptr() != picture.untyped_storage().data_ptr(),
            f"the picture shares memory with the {name}: return a clone",
        )


def forgets_styles(subject: MethodSubject) -> None:
    """Adapted to A and then to B, it is as if it had never seen A."""
    used, fresh = subject(), subject()
    content = _content(used)
    _transfer(used, content, _style(used, seed=7))
    same(
        _transfer(used, content),
        _transfer(fresh, content),
        "a style leaves traces in the next one: adapt must start anew",
    )


def forgets_contents(subject: MethodSubject) -> None:
    """A content leaves no traces in the next one."""
    used, fresh = subject(), subject()
    _transfer(used, _content(used, (40, 56), seed=8))
    same(
        _stylize(used, _content(used)),
        _transfer(fresh, _content(fresh)),
        "a content leaves traces in the next one: stylize must not change the method",
    )


def stylizes_batches_as_singles(subject: MethodSubject) -> None:
    """A batch of two gives what its pictures give one by one."""
    method = subject()
    singles = [_content(method, seed=seed) for seed in (0, 9)]
    batch = _transfer(method, torch.cat(singles))
    same(
        batch,
        torch.cat([_stylize(method, content) for content in singles]),
        "a batch of two differs from its pictures one by one: let no statistic mix pictures",
    )


def iterates_from_step_zero(subject: MethodSubject) -> None:
    """A phase that iterates is ready before its first step, and yields after each step."""
    method = subject()
    content, style = _content(method), _style(method)
    next(phases.adapting(method, style))
    try:
        _stylize(method, content)
    except Exception as error:
        cause = _subject.describe_error(error, subject.cls)
        raise AssertionError(
            f"after adapt's first yield it cannot stylize yet ({cause}): get ready before it"
        ) from error
    taken = phases.adapt(method, style), sum(1 for _ in phases.stylizing(method, content)) - 1
    steps = getattr(method.options, "steps", None)
    require(
        steps is None or not any(taken) or steps in taken,
        f"with steps={steps} adapt made {taken[0]} and stylize {taken[1]} steps: yield once when "
        f"ready and once after each step",
    )


def shares_its_adaptation(subject: MethodSubject) -> None:
    """With a strength that needs no adaptation, one strength's adaptation serves another."""
    strength = subject.thing.strength
    if strength is None or strength.adapts:
        return
    weak, strong, fresh = (
        dataclasses.replace(subject, given={**subject.given, strength.option: value})()
        for value in (strength.values[0], strength.values[-1], strength.values[-1])
    )
    content = _content(weak)
    torch.manual_seed(1)
    phases.adapt(weak, _style(weak))
    tensors = {name: tensor.detach().clone() for name, tensor in weak.adapted().items()}
    strong.restore(tensors)
    same(
        _stylize(strong, content),
        _transfer(fresh, content),
        f"another {strength.option} takes another adaptation: give adapted and restore all that "
        "adapt keeps, or let Strength say adapts=True",
        tolerance=0 if content.device.type == "cpu" else TOLERANCE,
    )


def takes_several_pictures(subject: MethodSubject) -> None:
    """One that takes several pictures of a style makes something of each, and of two alike one."""
    if not subject.thing.several:
        return
    first, second = _style(subject()), _style(subject(), seed=7)
    content = _content(subject())
    alone, twice, both = (
        _transfer(subject(), content, torch.cat(pictures))
        for pictures in ([first], [first, first], [first, second])
    )
    same(twice, alone, "a style given twice over is another one: take the mean of its pictures")
    require(
        not torch.equal(both, alone),
        "the second picture of a style changes nothing: several should be False",
    )


CHECKS: tuple[Check, ...] = (
    describes_itself,
    _common.has_its_weights,
    _common.runs,
    iterates_from_step_zero,
    gives_pictures,
    _common.leaves_global_state_alone,
    is_deterministic,
    leaves_inputs_alone,
    forgets_styles,
    forgets_contents,
    stylizes_batches_as_singles,
    takes_odd_sizes,
    takes_several_pictures,
    shares_its_adaptation,
    runs_in_bfloat16,
    records_its_options,
    _common.keeps_to_its_device,
    _common.owns_no_clock,
    _common.touches_only_declared_files,
    _common.prints_nothing,
)


def factory(cls: type[Method], context: Context) -> MethodSubject:
    """The subject of that class."""
    return MethodSubject(cls, context)


def _check_pictures(method: Method, size: tuple[int, int] = SIZE) -> None:
    layout = method.context.precision.layout
    content, style = layout(_content(method, size)), layout(_style(method, size[::-1]))
    phases.adapt(method, style)
    for picture in phases.stylizing(method, content):
        _check_picture(picture, content)


def _check_picture(picture: Tensor, content: Tensor) -> None:
    shape, wanted = tuple(picture.shape), tuple(content.shape)
    require(shape == wanted, f"the picture has shape {shape} for a content of {wanted}")
    require(picture.dtype == torch.float32, f"the picture is {picture.dtype}: return float32")
    require(
        picture.device == content.device,
        f"the picture is on {picture.device}, the content on {content.device}",
    )
    require(not picture.requires_grad, "the picture carries a graph: detach it or use no_grad")
    require(bool(picture.isfinite().all()), "the picture has NaN or infinite values")
    low, high = (float(end) for end in picture.aminmax())
    require(low >= 0 and high <= 1, f"values from {low:.4g} to {high:.4g}: clamp them to [0, 1]")


def _transfer(method: Method, content: Tensor, style: Tensor | None = None) -> Tensor:
    torch.manual_seed(1)
    phases.adapt(method, _style(method) if style is None else style)
    return _stylize(method, content)


def _stylize(method: Method, content: Tensor) -> Tensor:
    torch.manual_seed(2)
    return phases.stylize(method, content)


def _content(method: Method, size: tuple[int, int] = SIZE, seed: int = 0) -> Tensor:
    return _subject.content(method.context.device, size, seed)


def _style(method: Method, size: tuple[int, int] = SIZE, seed: int = 3) -> Tensor:
    return _subject.style(method.context.device, size, seed)
