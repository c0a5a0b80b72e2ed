"""How much a run does: named budgets, from a smoke test to a published table.

What a method's own options are under a budget says the method (`Method.budgets`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Profile:
    """A budget.

    Attributes:
        name: what `--profile` takes.
        help: one line for `--help`.
        contents: how many of the dataset's contents, from the first on; None is all.
        styles: likewise.
        sizes: sides of the pictures in pixels.
        observe: the steps of an adaptation at which every content is stylized.
        isolate: whether it is long enough for processes of their own, which take seconds.
        sampling: fields of `bench.run.sampling.SamplingRule` that differ from its defaults.
    """

    name: str
    help: str
    contents: int | None
    styles: int | None
    sizes: tuple[int, ...]
    observe: tuple[int, ...] = ()
    isolate: bool = True
    sampling: Mapping[str, Any] = field(default_factory=dict)


PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            "smoke",
            "does it run at all: seconds",
            contents=1,
            styles=1,
            sizes=(64,),
            isolate=False,
            sampling={
                "min_samples": 3,
                "min_seconds": 0.0,
                "max_seconds": 0.2,
                "warmup_seconds": 0.1,
                "window_seconds": 0.02,
            },
        ),
        Profile(
            "demo",
            "a first look, with pictures: a minute",
            contents=2,
            styles=1,
            sizes=(256,),
            isolate=False,
            sampling={
                "min_samples": 5,
                "min_seconds": 0.2,
                "max_seconds": 1.0,
                "warmup_seconds": 0.5,
                "window_seconds": 0.05,
            },
        ),
        Profile(
            "quick",
            "a first look on a laptop: minutes",
            contents=3,
            styles=3,
            sizes=(256,),
            sampling={
                "min_samples": 10,
                "min_seconds": 1.0,
                "max_seconds": 5.0,
                "warmup_seconds": 2.0,
            },
        ),
        Profile(
            "standard",
            "every embedded picture with each method's own settings: an hour or more on a CPU",
            contents=None,
            styles=8,
            sizes=(256, 512),
        ),
        Profile(
            "gpu",
            "a graphics card in minutes: three sizes, short samples",
            contents=3,
            styles=3,
            sizes=(256, 512, 1024),
            sampling={
                "min_samples": 10,
                "min_seconds": 0.2,
                "max_seconds": 1.0,
                "warmup_seconds": 0.5,
                "window_seconds": 0.05,
            },
        ),
        Profile(
            "full",
            "for publication: all pictures, three sizes; wants a GPU",
            contents=None,
            styles=None,
            sizes=(256, 512, 1024),
            sampling={
                "min_samples": 50,
                "min_seconds": 5.0,
                "precision": 0.01,
                "max_seconds": 60.0,
            },
        ),
    )
}
