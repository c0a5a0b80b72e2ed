"""What every dataset must keep to."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from PIL import Image

from bench import options
from bench.conformance import _common
from bench.conformance._subject import Check, Subject, require
from bench.contract import Dataset, Picture
from bench.images import MIN_SIDE

LOOKED_AT = 2
"""Pictures of each role that are read: a dataset may have thousands."""


class DatasetSubject(Subject[Dataset]):
    """A dataset's class, with its options."""

    @property
    def chosen(self) -> Any:
        """Its options."""
        return options.build(self.thing.Options, self.given, self.thing.name)

    def __call__(self) -> Dataset:
        """A fresh object."""
        dataset: Dataset = self.thing(self.chosen)
        return dataset

    def exercise(self) -> tuple[()]:
        """List every role and read a few pictures."""
        for pictures in roles(self()).values():
            for picture in pictures[:LOOKED_AT]:
                picture.read()
        return ()


def roles(dataset: Dataset) -> dict[str, Sequence[Picture]]:
    """The pictures by what they are for, of a style all."""
    return {
        "contents": dataset.contents(),
        "styles": [each for style in dataset.styles() for each in style.references],
        "adaptation": dataset.adaptation(),
    }


def describes_itself(subject: DatasetSubject) -> None:
    """A docstring, and frozen options with help texts."""
    cls = subject.thing
    require(bool((vars(cls)["__doc__"] or "").strip()), "the class has no docstring")
    require(cls.Options.__dataclass_params__.frozen, "Options must be a dataclass with frozen=True")
    for row in options.describe(cls.Options):
        require(bool(row["help"]), f"option {row['name']} has no help: use bench.option(...)")


def lists_pictures(subject: DatasetSubject) -> None:
    """There are contents and styles, in a fixed order, under names of their own."""
    first, second = roles(subject()), roles(subject())
    for role, pictures in first.items():
        require(bool(pictures) or role == "adaptation", f"{role}() is empty: give some pictures")
        names = [picture.name for picture in pictures]
        require(
            names == [picture.name for picture in second[role]],
            f"{role}() gives another order at each call: sort it",
        )
        folded = [name.casefold() for name in names]
        twice = sorted({n for n, f in zip(names, folded, strict=True) if folded.count(f) > 1})
        require(
            not twice,
            f"{role}() gives {' and '.join(twice)} more than once (upper and lower case count "
            f"as equal): make names unique",
        )


def reads_pictures(subject: DatasetSubject) -> None:
    """`read` gives an RGB image of a useful size, and the same one each time."""
    for role, pictures in roles(subject()).items():
        for picture in pictures[:LOOKED_AT]:
            image = picture.read()
            where = f"{role} {picture.name}: read"
            require(
                isinstance(image, Image.Image) and image.mode == "RGB",
                f"{where} gives {getattr(image, 'mode', type(image).__name__)}: give an RGB PIL "
                f"image, as bench.images.open_picture does",
            )
            require(
                min(image.size) >= MIN_SIDE,
                f"{where} gives {image.size[0]}×{image.size[1]} px: at least {MIN_SIDE} a side",
            )
            require(
                image.tobytes() == picture.read().tobytes(),
                f"{where} gives another picture at each call",
            )


def fingerprints_pictures(subject: DatasetSubject) -> None:
    """Every picture has a fingerprint of its own, which stays."""
    first, second = roles(subject()), roles(subject())
    for role, pictures in first.items():
        prints = [picture.fingerprint for picture in pictures]
        require(
            all(prints),
            f"a picture of {role}() has no fingerprint: give bench.weights.sha256(path)",
        )
        require(
            prints == [picture.fingerprint for picture in second[role]],
            f"fingerprints of {role}() change from call to call: hash the picture's bytes",
        )
        require(
            len(set(prints)) == len(prints),
            f"two pictures of {role}() have one fingerprint: hash the picture's bytes, and list "
            f"none twice",
        )


def adapts_on_nothing_that_is_evaluated(subject: DatasetSubject) -> None:
    """No content is among the photographs to adapt on."""
    dataset = subject()
    evaluated = {picture.fingerprint for picture in dataset.contents()}
    both = [p.name for p in dataset.adaptation() if p.fingerprint in evaluated]
    require(not both, f"adaptation() has contents in it ({', '.join(both)}): take them out")


def records_its_options(subject: DatasetSubject) -> None:
    """Its options come back as they were stored, and it reads no environment variable."""
    stored = dataclasses.asdict(subject.chosen)
    require(
        options.build(subject.thing.Options, stored, subject.thing.name) == subject.chosen,
        "its options do not come back as they were stored: let Options change no value",
    )
    _common.records_what_it_depends_on(subject)


CHECKS: tuple[Check, ...] = (
    describes_itself,
    _common.runs,
    lists_pictures,
    reads_pictures,
    fingerprints_pictures,
    adapts_on_nothing_that_is_evaluated,
    records_its_options,
    _common.leaves_global_state_alone,
    _common.prints_nothing,
)
