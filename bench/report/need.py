"""What a user of style transfer needs: how much of it, and within which limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

Prefer = Literal["balance", "quality", "time"]
PREFER: Sequence[str] = get_args(Prefer)


@dataclass(frozen=True)
class Need:
    """What a user asks for; None is no limit.

    Attributes:
        styles: how many new styles.
        pictures: how many pictures, in all styles together.
        size: their side in pixels; None for the size that most rows have.
        new_style_in: seconds that a style may cost.
        picture_in: seconds that a picture may take.
        total_in: seconds that all may take.
        memory: bytes that stylizing may take.
        training: whether what the weights' training took is counted, as on another domain.
        barred: a run and a method of it to why its licence does not allow the use.
        prefer: see `bench.report.choice.answer`.
    """

    styles: int = 1
    pictures: int = 1
    size: int | None = None
    new_style_in: float | None = None
    picture_in: float | None = None
    total_in: float | None = None
    memory: float | None = None
    training: bool = False
    barred: Mapping[tuple[str, str], str] = field(default_factory=dict)
    prefer: Prefer = "balance"
