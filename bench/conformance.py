"""What every method must keep to, as checks that a plugin's author can run and understand.

A check takes a factory, which makes a fresh, loaded method at each call, and raises
AssertionError with a message that says what is wrong and what to do. The pictures are tiny and
`factory` chooses tiny options, so that the whole suite takes seconds even for methods that train.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import random
import re
from collections.abc import Callable
from typing import Any, get_args

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from bench import options, phases, weights
from bench.contract import Family, Method
from bench.device import Context, Precision

Factory = Callable[[], Method]

SIZE = (48, 48)
TINY = {"steps": 2, "batch": 1, "size": 32}
"""Values for options of these names."""

TOLERANCE = 1e-3
"""A quarter of an 8-bit level: convolutions of a batch and of a single picture round apart."""


def factory(cls: type[Method], context: Context) -> Factory:
    """Makes loaded methods of that class, with as few steps and pixels as its options allow."""
    names = {field.name for field in dataclasses.fields(cls.Options)}
    tiny = {name: value for name, value in TINY.items() if name in names}
    chosen = options.build(cls.Options, tiny, cls.name)

    def make() -> Method:
        method = cls(context, chosen)
        method.load()
        return method

    return make


def describes_itself(make: Factory) -> None:
    """Name, family, citation, docstring, and frozen options with help texts."""
    cls = type(make())
    _require(
        re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", cls.name) is not None,
        f"name = {cls.name!r}: use lower-case letters and digits, with single dashes between",
    )
    families = get_args(Family)
    _require(cls.family in families, f"family = {cls.family!r}: choose one of {families}")
    _require(bool(cls.citation.strip()), "citation is empty: say whose method it is")
    _require(bool((vars(cls)["__doc__"] or "").strip()), "the class has no docstring")
    _require(
        cls.Options.__dataclass_params__.frozen,
        "Options must be a dataclass with frozen=True",
    )
    for row in options.describe(cls.Options):
        _require(bool(row["help"]), f"option {row['name']} has no help: use bench.option(...)")


def has_its_weights(make: Factory) -> None:
    """Declared weights are there and have the declared SHA-256 (else a BenchError says so)."""
    method = make()
    for needed in method.needs(method.options):
        weights.locate(needed, weights.beside(type(method)))


def gives_pictures(make: Factory) -> None:
    """float32 pictures of the content's shape, finite, in [0, 1], on the device, detached."""
    _check_pictures(make())


def runs_in_bfloat16(make: Factory) -> None:
    """The same under bfloat16 autocast and channels_last, as the runner may choose it."""
    plain = make()
    precision = Precision("bfloat16", channels_last=True)
    method = type(plain)(dataclasses.replace(plain.context, precision=precision), plain.options)
    method.load()
    _check_pictures(method)


def takes_odd_sizes(make: Factory) -> None:
    """Sides that no stride divides, of contents and of styles."""
    for size in ((67, 45), (48, 80)):
        _check_pictures(make(), size)


def is_deterministic(make: Factory) -> None:
    """Two fresh objects give the same picture under the same torch seed."""
    first, second = (_transfer(method, _content(method)) for method in (make(), make()))
    _same(
        first,
        second,
        "two runs under one torch seed differ: draw random numbers from torch only, and "
        "depend on nothing outside the inputs",
        tolerance=0 if first.device.type == "cpu" else TOLERANCE,
    )


def leaves_inputs_alone(make: Factory) -> None:
    """Style and content are not changed in place, and the picture is a tensor of its own."""
    method = make()
    inputs = {"style": _style(method), "content": _content(method)}
    before = {name: picture.clone() for name, picture in inputs.items()}
    stylized = _transfer(method, inputs["content"], inputs["style"])
    for name, picture in inputs.items():
        _same(picture, before[name], f"the {name} was changed in place: work on a clone", 0)
        _require(
            stylized.untyped_storage().data_ptr() != picture.untyped_storage().data_ptr(),
            f"the picture shares memory with the {name}: return a clone",
        )


def forgets_styles(make: Factory) -> None:
    """Adapted to A and then to B, it is as if it had never seen A."""
    used, fresh = make(), make()
    content = _content(used)
    _transfer(used, content, _style(used, seed=7))
    _same(
        _transfer(used, content),
        _transfer(fresh, content),
        "a style leaves traces in the next one: adapt must start anew",
    )


def forgets_contents(make: Factory) -> None:
    """A content leaves no traces in the next one."""
    used, fresh = make(), make()
    _transfer(used, _content(used, (40, 56), seed=8))
    _same(
        _stylize(used, _content(used)),
        _transfer(fresh, _content(fresh)),
        "a content leaves traces in the next one: stylize must not change the method",
    )


def stylizes_batches_as_singles(make: Factory) -> None:
    """A batch of two gives what its pictures give one by one."""
    method = make()
    singles = [_content(method, seed=seed) for seed in (0, 9)]
    batch = _transfer(method, torch.cat(singles))
    _same(
        batch,
        torch.cat([_stylize(method, content) for content in singles]),
        "a batch of two differs from its pictures one by one: let no statistic mix pictures",
    )


def iterates_from_step_zero(make: Factory) -> None:
    """A phase that iterates is ready before its first step, and yields after each step."""
    method = make()
    content, style = _content(method), _style(method)
    next(phases.adapting(method, style))
    _check_picture(phases.stylize(method, content), content)
    made = phases.adapt(method, style), sum(1 for _ in phases.stylizing(method, content)) - 1
    steps = getattr(method.options, "steps", None)
    _require(
        steps is None or not any(made) or steps in made,
        f"with steps={steps} adapt made {made[0]} and stylize {made[1]} steps: yield once when "
        f"ready and once after each step",
    )


def leaves_global_state_alone(make: Factory) -> None:
    """No global seed is set, no random state outside torch is used, no global mode is changed."""
    torch.manual_seed(1234)
    before = _global_state()
    method = make()
    phases.adapt(method, _style(method))
    phases.stylize(method, _content(method))
    for name, value in _global_state().items():
        _require(value == before[name], f"{name} was changed: that is the runner's, leave it")


def prints_nothing(make: Factory) -> None:
    """Neither standard output nor standard error is written to."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        method = make()
        _transfer(method, _content(method))
    text = printed.getvalue()
    _require(not text, f"it printed {text[:60]!r}: progress is the runner's to show")


CHECKS: tuple[Callable[[Factory], None], ...] = (
    describes_itself,
    has_its_weights,
    gives_pictures,
    runs_in_bfloat16,
    takes_odd_sizes,
    is_deterministic,
    leaves_inputs_alone,
    forgets_styles,
    forgets_contents,
    stylizes_batches_as_singles,
    iterates_from_step_zero,
    leaves_global_state_alone,
    prints_nothing,
)
"""All checks, in the order in which a failure is easiest to understand."""


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def _same(value: Tensor, wanted: Tensor, message: str, tolerance: float = TOLERANCE) -> None:
    difference = float((value - wanted).abs().max())
    _require(difference <= tolerance, f"{message} (largest difference {difference:.3g})")


def _check_pictures(method: Method, size: tuple[int, int] = SIZE) -> None:
    layout = method.context.precision.layout
    content, style = layout(_content(method, size)), layout(_style(method, size[::-1]))
    phases.adapt(method, style)
    for picture in phases.stylizing(method, content):
        _check_picture(picture, content)


def _check_picture(picture: Tensor, content: Tensor) -> None:
    shape, wanted = tuple(picture.shape), tuple(content.shape)
    _require(shape == wanted, f"the picture has shape {shape} for a content of {wanted}")
    _require(picture.dtype == torch.float32, f"the picture is {picture.dtype}: return float32")
    _require(
        picture.device == content.device,
        f"the picture is on {picture.device}, the content on {content.device}",
    )
    _require(not picture.requires_grad, "the picture carries a graph: detach it or use no_grad")
    _require(bool(picture.isfinite().all()), "the picture has NaN or infinite values")
    low, high = (float(end) for end in picture.aminmax())
    _require(low >= 0 and high <= 1, f"values from {low:.4g} to {high:.4g}: clamp them to [0, 1]")


def _transfer(method: Method, content: Tensor, style: Tensor | None = None) -> Tensor:
    torch.manual_seed(1)
    phases.adapt(method, _style(method) if style is None else style)
    return _stylize(method, content)


def _stylize(method: Method, content: Tensor) -> Tensor:
    torch.manual_seed(2)
    return phases.stylize(method, content)


def _content(method: Method, size: tuple[int, int] = SIZE, seed: int = 0) -> Tensor:
    """Soft random blobs on a slope of brightness, (1, 3, H, W), on the method's device."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 6, 6, generator=generator)
    blobs = F.interpolate(coarse, size, mode="bicubic").clamp(0, 1)
    return (0.7 * blobs + 0.3 * torch.linspace(0, 1, size[1])).to(method.context.device)


def _style(method: Method, size: tuple[int, int] = SIZE, seed: int = 3) -> Tensor:
    """Blobs and stripes, (1, 3, H, W), on the method's device."""
    blobs = _content(method, size, seed)
    stripes = torch.arange(size[0], device=blobs.device).view(1, 1, -1, 1) % 5 < 2
    return blobs * 0.5 + stripes * 0.5


def _global_state() -> dict[str, Any]:
    numpy_state: Any = np.random.get_state()
    return {
        "torch's seed": torch.initial_seed(),
        "the state of random": random.getstate(),
        "the state of numpy.random": (numpy_state[1].tobytes(), *numpy_state[2:]),
        "torch's gradient mode": torch.is_grad_enabled(),
        "torch's default dtype": torch.get_default_dtype(),
        "torch's number of threads": torch.get_num_threads(),
        "torch's deterministic mode": torch.are_deterministic_algorithms_enabled(),
    }
