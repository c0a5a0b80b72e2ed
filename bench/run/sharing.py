"""Rows of a run that differ in a strength alone, where that needs no adaptation of its own.

They share one: the first of a family that is made adapts, and each of the others takes up, in an
object of its own, the tensors that the first one had then. All are seeded as the family's first row
is, so that pictures do not depend on which of them adapts, and whether it is one.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from torch import Tensor

from bench.contract import Method
from bench.contract.guard import Guard
from bench.results import AdaptRecord
from bench.run.blocks import Place
from bench.run.plan import Chosen, Plan


def families(plan: Plan) -> list[list[str]]:
    """All rows in order, those that share their adaptations together."""
    found: dict[Hashable, list[str]] = {}
    for name, chosen in plan.methods.items():
        found.setdefault(_shared(name, chosen), []).append(name)
    return list(found.values())


def family(plan: Plan, name: str) -> list[str]:
    """The rows that one shares its adaptations with, itself among them."""
    return next(names for names in families(plan) if name in names)


def _shared(name: str, chosen: Chosen) -> Hashable:
    """What is the same of all rows of a family."""
    strength = chosen.cls.strength
    if strength is None or strength.adapts:
        return name
    options = {k: v for k, v in asdict(chosen.options).items() if k != strength.option}
    return chosen.cls, repr(options)


@dataclass(frozen=True)
class Adaptation:
    """What a row has made of a style, for the others of its family.

    Attributes:
        place: size, style and row of the cell that has adapted.
        record: what it cost.
        per_style: how many numbers the style keeps for itself.
        tensors: copies of those of `Method.adapted`.
    """

    place: Place
    record: AdaptRecord
    per_style: int
    tensors: Mapping[str, Tensor]

    @classmethod
    def of(cls, method: Method, place: Place, record: AdaptRecord, per_style: int) -> Adaptation:
        """That of a method which has just adapted."""
        with Guard():
            tensors = method.adapted()
        return cls(place, record, per_style, _copies(tensors))

    def serves(self, place: Place, names: Sequence[str]) -> bool:
        """Whether it is of this cell's style and size, and of a row of its family."""
        return self.place[:2] == place[:2] and self.place[2] in names

    def give(self, method: Method) -> AdaptRecord:
        """Bring a loaded method where the first one was; the record says whose adaptation it is."""
        with Guard():
            method.restore(_copies(self.tensors))
        return replace(self.record, shared_with=self.place[2])


def _copies(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same numbers where nobody else writes."""
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}
