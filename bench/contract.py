"""What a plugin is: the four classes that methods, metrics, datasets and encoders derive from.

This page imports no torch, so that the command line starts fast; tensors appear in annotations
only. Pictures are float32 tensors of shape (N, 3, H, W), sRGB, values in [0, 1], everywhere.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from bench.options import NoOptions

if TYPE_CHECKING:
    from torch import Tensor, nn

    from bench.device import Context
    from bench.training import Task

Family = Literal["anchor", "optimisation", "per-style", "meta-learned", "multi-style", "arbitrary"]

Budgets = Mapping[str, Mapping[str, Any]]
"""Profile's name to option to value."""


@dataclass(frozen=True)
class Weights:
    """A file of learned numbers that a plugin needs.

    Attributes:
        file: the file's name, in the plugin's own package or in the user's weights folder.
        sha256: the file's SHA-256 in hex, or the leading digits that its name carries, as
            torch.hub's files do; None for a file that the user names, or whose source
            publishes none.
        source: where it comes from, in words a user can act on.
        licence: the licence it is under.
    """

    file: str
    sha256: str | None
    source: str
    licence: str


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
    trains_on: ClassVar[Sequence[str]] = ()
    """Names of the encoders whose features its losses or its network use."""
    budgets: ClassVar[Budgets] = {}
    """Profile (`bench.profiles`) to option to value, where the budget needs another than the
    default; the user's own `--option` goes before."""
    training: ClassVar[type[Task] | None] = None
    """A `bench.training.Task` subclass, where `bench train NAME` can make its weights."""

    mixes: bool = True
    """Whether means of what `adapted` gives are mixtures of styles; `load` may decide."""

    arithmetic: tuple[str, str] | None = None
    """Set by `load` where the method chose how it computes while it stylizes: the precision's label
    for tables, its dtype first, as in `float32/fused`, and why; it may be the context's own."""

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

    def load(self) -> None:
        """Bring networks to `self.context.device`; `self.context.place(module)` does it."""

    def adapt(self, style: Tensor) -> Iterator[None] | None:
        """Take in one style of shape (1, 3, H, W); everything a new style costs happens here.

        Forgets the style before. Either returns None, or is a generator as described above.
        """
        return None

    @abstractmethod
    def stylize(self, content: Tensor) -> Tensor | Iterator[Tensor]:
        """Pictures of shape (N, 3, H, W) in the adapted style: same shape, values in [0, 1]."""

    def adapted(self) -> dict[str, Tensor]:
        """Every tensor that `adapt` may change and `stylize` needs, by name.

        `bench adapt` saves those that an adaptation has changed. By default the states of all
        modules and the tensors that the object has as attributes; a method that keeps a style
        elsewhere writes this and `restore`.
        """
        from torch import Tensor, nn

        kept: dict[str, Tensor] = {}
        for name, value in vars(self).items():
            if isinstance(value, nn.Module):
                kept |= {f"{name}.{key}": part for key, part in value.state_dict().items()}
            elif isinstance(value, Tensor):
                kept[name] = value
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
            getattr(self, owner).load_state_dict(state)

    def networks(self) -> Iterable[nn.Module]:
        """The modules that `stylize` runs, for parameters and memory; by default all it holds."""
        from torch import nn

        return [value for value in vars(self).values() if isinstance(value, nn.Module)]


class Encoder(ABC):
    """A feature network with named taps, for losses and for metrics.

    Attributes:
        taps: the taps' names, shallow to deep.
        content_tap: the tap at which content is compared.
        judge: whether quality is reported on it: by default no built-in method trains on it.
        min_size: the shortest side, in pixels, that every tap can take.
    """

    name: ClassVar[str]
    taps: ClassVar[Sequence[str]]
    content_tap: ClassVar[str]
    weights: ClassVar[Weights]
    judge: ClassVar[bool] = False
    min_size: ClassVar[int] = 32
    citation: ClassVar[str] = ""

    @property
    def content_index(self) -> int:
        """Where the content tap stands among the taps."""
        return list(self.taps).index(self.content_tap)

    def folders(self) -> Sequence[Path]:
        """Where its weights may lie, besides the shipped ones and the user's folder."""
        return ()

    @abstractmethod
    def build(self) -> nn.Module:
        """The loaded network: pictures (N, 3, H, W) in [0, 1] to a list of features in tap order.

        Raises:
            BenchError: its weights are not there, or not the ones declared.
        """


class Metric(ABC):
    """A number for one stylized picture.

    Attributes:
        name: the family's name, and `version`, bumped when its numbers change.
        axis: what it speaks about: style, content, or both.
        direction: whether "lower" or "higher" is better.
        training_loss_of: methods that are trained on this very number, or on one of its terms.
        weights: files that it needs besides its encoder's.
        min_size: the shortest side, in pixels, that it can take.
        by_default: whether a run that names no metrics computes it.
        caveat: what it was seen to get wrong; `bench study judges` finds out.
    """

    name: str
    version: int = 1
    unit: str = "1"
    axis: Literal["style", "content", "both"]
    direction: Literal["lower", "higher"] = "lower"
    encoder: str | None = None
    citation: str = ""
    training_loss_of: Sequence[str] = ()
    weights: Sequence[Weights] = ()
    min_size: int = 32
    by_default: bool = True
    caveat: str = ""

    @property
    def id(self) -> str:
        """Name, version and network: numbers with different ids never share a column."""
        return f"{self.name}/{self.version}" + (f"@{self.encoder}" if self.encoder else "")

    @property
    def encoders(self) -> Sequence[str]:
        """The feature networks that it reads; `encoder` is the one that its id names."""
        return [self.encoder] if self.encoder else []

    def load(self, context: Context) -> None:
        """Bring networks to the device.

        Raises:
            BenchError: it needs something that is not there; its rows become `skipped`.
        """

    @abstractmethod
    def score(self, stylized: Tensor, content: Tensor, style: Tensor) -> float:
        """The number for one picture; all three are (1, 3, H, W) in [0, 1]."""


class Triple(NamedTuple):
    """What a metric is given of one picture: each is (1, 3, H, W) in [0, 1]."""

    stylized: Tensor
    content: Tensor
    style: Tensor


class SetScore(NamedTuple):
    """A number for a set of pictures, and by name the numbers that it is made of."""

    value: float
    parts: Mapping[str, float] = MappingProxyType({})


class SetMetric(Metric):
    """A number for all the pictures that a method made at one size, not for one of them."""

    @abstractmethod
    def score_set(self, pictures: Iterable[Triple]) -> SetScore:
        """The number for the set, whose pictures come one by one, style by style.

        Raises:
            BenchError: the set is too small for it.
        """

    def score(self, stylized: Tensor, content: Tensor, style: Tensor) -> float:
        """The number for this one picture as a set."""
        return self.score_set([Triple(stylized, content, style)]).value


@dataclass(frozen=True)
class Picture:
    """One picture of a dataset: a name unique in its role, and how to read it.

    `read` gives a uint8 RGB PIL image, whole and upright.

    Raises (from `read`):
        BenchError: the file cannot be used; the message names it and says why.
    """

    name: str
    read: Callable[[], Any]
    path: Path | None = None
    title: str = ""
    licence: str = ""
    fingerprint: str = ""


class Dataset(ABC):
    """A source of contents and styles.

    `adaptation()` gives the photographs that a method may learn from while it adapts; none of
    them is ever evaluated. An empty answer means the embedded set's.
    """

    name: ClassVar[str]
    Options: ClassVar[type[Any]] = NoOptions
    citation: ClassVar[str] = ""

    def __init__(self, options: Any = None) -> None:
        self.options = options if options is not None else self.Options()

    @abstractmethod
    def contents(self) -> Sequence[Picture]:
        """The photographs to stylize, in a fixed order.

        Raises:
            BenchError: the source is not there or holds no picture.
        """

    @abstractmethod
    def styles(self) -> Sequence[Picture]:
        """The styles, in a fixed order; raises as `contents`."""

    def adaptation(self) -> Sequence[Picture]:
        """Photographs to adapt on, disjoint from `contents`."""
        return ()

    def fingerprint(self) -> str:
        """A short hash over every picture's role, name and bytes."""
        digest = hashlib.sha256()
        roles = (self.contents(), self.styles(), self.adaptation())
        for role, pictures in zip(("content", "style", "adaptation"), roles, strict=True):
            for picture in pictures:
                digest.update(f"{role}\0{picture.name}\0{picture.fingerprint}\n".encode())
        return digest.hexdigest()[:16]
