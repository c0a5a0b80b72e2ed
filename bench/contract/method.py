"""What a style-transfer method is: three phases that are timed apart."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from bench.contract.weights import Weights, beside
from bench.options import NoOptions

if TYPE_CHECKING:
    from torch import Tensor, nn

    from bench.contract.context import Context
    from bench.contract.task import Task

Family = Literal["anchor", "optimisation", "per-style", "meta-learned", "multi-style", "arbitrary"]

Budgets = Mapping[str, Mapping[str, Any]]
"""Profile's name to option to value."""


@dataclass(frozen=True)
class Strength:
    """The option by which a method trades content for style.

    `bench run --sweep` makes a row of each value, and `bench report --frontier` a curve of them,
    so that methods are compared at the same loss of content.

    Attributes:
        option: its name among the method's options; a number, whose default is the usual strength.
        values: those worth measuring, the least style first.
        adapts: whether another value needs another adaptation. Where not, `load` and `adapt` do not
            read the option, and the rows of a sweep share what `adapted` gives.
    """

    option: str
    values: Sequence[float]
    adapts: bool = True


class Method(ABC):
    """A style-transfer method, in three phases that are timed apart.

    `load` brings weights to the device (not timed), `adapt` does what a new style costs
    (flexibility), `stylize` makes a picture (speed). The runner builds one object per cell:
    a method keeps its state in `self`, owns no clock, prints nothing, sets no global seed
    (the runner seeds torch before each phase) and touches no file but its declared weights.

    A phase that iterates is a generator. `adapt` then yields once when it is ready to stylize
    (step 0) and once after each step; `stylize` yields the picture so far in the same way, and
    the last one is the result. So quality can be watched over time with the clock stopped.

    Autocast and memory format are the runner's: it calls `adapt` and `stylize` under
    `context.autocast()`. A method that must run in plain float32 sets `autocast = False`.
    """

    name: ClassVar[str]
    family: ClassVar[Family]
    citation: ClassVar[str] = ""
    Options: ClassVar[type[Any]] = NoOptions
    weights: ClassVar[Sequence[Weights]] = ()
    autocast: ClassVar[bool] = True
    several: ClassVar[bool] = False
    """Whether `adapt` takes several pictures of one style, (R, 3, H, W); else it gets the first."""
    trains_on: ClassVar[Sequence[str]] = ()
    """Names of the encoders whose features its losses or its network use."""
    budgets: ClassVar[Budgets] = {}
    """Profile (`bench.run.profiles`) to option to value, where the budget needs another than the
    default; the user's own `--option` goes before."""
    strength: ClassVar[Strength | None] = None
    """The option that trades content for style, where it has one."""
    training: ClassVar[type[Task] | None] = None
    """A `bench.contract.task.Task` subclass, where `bench train NAME` can make its weights."""

    mixes: bool = True
    """Whether means of what `adapted` gives are mixtures of styles; `load` may decide."""

    arithmetic: tuple[str, str] | None = None
    """Set by `load` where the method chose how it computes while it stylizes: the precision's label
    for tables, its dtype first, as in `float32/fused`, and why; it may be the context's own."""

    launched: str | None = None
    """Set by `adapt` where it chose how its steps are launched: for the record, in a few words."""

    def __init__(self, context: Context, options: Any = None) -> None:
        self.context = context
        self.options = options if options is not None else self.Options()

    @classmethod
    def needs(cls, options: Any) -> Sequence[Weights]:
        """The weights that it loads under these options; their SHA-256 goes into the results."""
        return cls.weights

    @classmethod
    def learns_from(cls, options: Any) -> Sequence[str]:
        """The encoders that it, under these options, was or is trained or optimised on."""
        return cls.trains_on

    @classmethod
    def folders(cls) -> Sequence[Path]:
        """Where its weights may lie, besides the shipped ones and the user's folder.

        By default beside its file, and in a folder `weights` there.
        """
        return beside(cls)

    def load(self) -> None:
        """Bring networks to `self.context.device`; `self.context.place(module)` does it.

        Raises:
            NeedError: something has to be installed or downloaded first; its cells are `skipped`.
        """

    def adapt(self, style: Tensor) -> Iterator[None] | None:
        """Take in one style of shape (1, 3, H, W); everything a new style costs happens here.

        With `several` it is of shape (R, 3, H, W), R pictures of the one style.

        Forgets the style before. Either returns None, or is a generator as described above.
        """
        return None

    @abstractmethod
    def stylize(self, content: Tensor) -> Tensor | Iterator[Tensor]:
        """Pictures of shape (N, 3, H, W) in the adapted style: same shape, values in [0, 1]."""

    def adapted(self) -> dict[str, Tensor]:
        """Every tensor that `adapt` may change and `stylize` needs, by name.

        `bench adapt` saves those that an adaptation has changed. By default the states of all
        modules, and the tensors that the object has as attributes or in dictionaries; a method
        that keeps a style elsewhere writes this and `restore`.
        """
        from torch import Tensor, nn

        kept: dict[str, Tensor] = {}
        for name, value in vars(self).items():
            parts = value.state_dict() if isinstance(value, nn.Module) else value
            if isinstance(parts, Tensor):
                kept[name] = parts
            elif isinstance(parts, dict):
                tensors = {key: part for key, part in parts.items() if isinstance(part, Tensor)}
                kept |= {f"{name}.{key}": part for key, part in tensors.items()}
        return kept

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Be, after `load`, as adapted as the object that `adapted` gave these tensors for."""
        states: dict[str, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            owner, dot, key = name.partition(".")
            if dot:
                states.setdefault(owner, {})[key] = tensor
            else:
                setattr(self, name, tensor.to(self.context.device))
        for owner, state in states.items():
            held = getattr(self, owner)
            if isinstance(held, dict):
                held |= {key: tensor.to(self.context.device) for key, tensor in state.items()}
            else:
                held.load_state_dict(state)

    def feed_forward(self) -> nn.Module | None:
        """The network that `stylize` is in the adapted style, for `bench export`; None without one.

        Pictures (N, 3, H, W) in [0, 1] to such pictures, of any size, on the CPU in float32, made
        of torch's ordinary operators.
        """
        return None

    def networks(self) -> Iterable[nn.Module]:
        """The modules that `stylize` runs, for parameters and memory; by default all it holds."""
        from torch import nn

        return [value for value in vars(self).values() if isinstance(value, nn.Module)]
