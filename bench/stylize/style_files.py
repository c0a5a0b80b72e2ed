"""Adapted styles as files: what an adaptation changed, saved, taken up again, and mixed.

A file holds the tensors that adapting changed, in half precision, and in its metadata the method,
its options, the style's name and the SHA-256 of the weights that the adaptation started from. What
it lacks is theirs: with `metastyle.update=norm` 3,200 numbers are a style.

Networks adapted from one start can be averaged: MetaStyle (Zhang, Zhu, Zhu, AAAI 2019) interpolates
between styles by convex combinations of the adapted parameters.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import bench
from bench import weights
from bench.contract import Method, phases
from bench.errors import BenchError

CLOSE = 1e-3
"""The largest mean squared difference (30 dB) between pictures before and after a round trip."""


@dataclass(frozen=True)
class Style:
    """An adapted style.

    Attributes:
        name: the style picture's name.
        method: the method's name.
        options: the method's options while it adapted.
        base: file name to SHA-256 of the weights that the method loads.
        tensors: what the adaptation changed, by `Method.adapted`'s names.
        file: where it was read from.
    """

    name: str
    method: str
    options: Mapping[str, Any]
    base: Mapping[str, str]
    tensors: Mapping[str, Tensor]
    file: Path = Path()


def state(method: Method) -> dict[str, Tensor]:
    """A copy of all that may keep a style, in host memory."""
    return {name: part.detach().cpu().clone() for name, part in method.adapted().items()}


def taken(method: Method, before: Mapping[str, Tensor], name: str) -> Style:
    """The style that the method has adapted to, given its `state` after `load`.

    Raises:
        BenchError: the method keeps no style in tensors, or they are not finite.
    """
    changed = {
        key: part
        for key, part in state(method).items()
        if key not in before or not _same(part, before[key])
    }
    if not changed:
        raise BenchError(
            f"{method.name} keeps no style in parameters, so there is nothing to save: use "
            f"bench stylize --method {method.name} --style PICTURE"
        )
    for key, part in changed.items():
        if part.is_floating_point() and not part.half().isfinite().all():
            raise BenchError(f"{method.name} diverged: {key} is not finite in half precision")
    options = asdict(method.options)
    return Style(name, method.name, options, base(method), changed)


def base(method: Method) -> dict[str, str]:
    """File name to SHA-256 of the weights that the method loads."""
    cls = type(method)
    return weights.fingerprints(cls.needs(method.options), cls.folders())


def _same(one: Tensor, other: Tensor) -> bool:
    return one.dtype == other.dtype and torch.equal(one, other)


def write(path: Path, style: Style) -> None:
    """Save a style, whole or not at all.

    Raises:
        StorageError: the file cannot be written.
    """
    about = {
        "format": "bench adapted style",
        "bench": bench.__version__,
        "style": style.name,
        "method": style.method,
        "options": json.dumps(dict(style.options)),
        "base": json.dumps(dict(style.base)),
    }
    weights.write(path, dict(style.tensors), about)


def read(path: Path) -> Style:
    """A saved style.

    Raises:
        BenchError: the file is not there, damaged, or holds something else.
    """
    if not path.is_file():
        raise BenchError(f"{path} is not there: make it with bench adapt --style PICTURE -o {path}")
    about = weights.metadata(path)
    try:
        options, started = json.loads(about["options"]), json.loads(about["base"])
        name, method = about["style"], about["method"]
    except (KeyError, ValueError):
        raise BenchError(
            f"{path} holds no adapted style: make one with bench adapt --style PICTURE"
        ) from None
    return Style(name, method, options, started, weights.read(path), path)


def parse_shares(texts: Sequence[str]) -> list[tuple[Path, float]]:
    """`["a.safetensors:0.3", "b.safetensors:0.7"]` to files and shares; without numbers, equal.

    Raises:
        BenchError: a share that is no number from 0 to 1, shares for some files only, or a sum
            that is not 1 within the rounding of two digits.
    """
    parsed = [_parse_share(text) for text in texts]
    given = [share for _, share in parsed if share is not None]
    if not given:
        return [(path, 1 / len(parsed)) for path, _ in parsed]
    if len(given) < len(parsed):
        bare = next(path for path, share in parsed if share is None)
        raise BenchError(f"--weights {bare} has no share: give every file one, or none")
    total = math.fsum(given)
    if abs(total - 1) > 0.005 * len(given) + 1e-9:
        terms = " + ".join(f"{share:g}" for share in given)
        sum_ = f"{terms} = {total:g}" if len(given) > 1 else f"{total:g}"
        raise BenchError(f"the shares of --weights must sum to 1, not to {sum_}")
    return [(path, share / total) for path, share in parsed if share is not None]


def _parse_share(text: str) -> tuple[Path, float | None]:
    head, colon, tail = text.rpartition(":")
    if not colon or Path(text).is_file() or tail.endswith(".safetensors"):
        return Path(text), None
    try:
        share = float(tail)
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise BenchError(f"--weights {text}: the share {tail} is not a number from 0 to 1")
    return Path(head), share


def take_up(method: Method, styles: Sequence[Style], shares: Sequence[float]) -> None:
    """Make a loaded method stylize as adapted, or in a convex combination of styles.

    Args:
        method: after `load`, never adapted.
        styles: of this method, adapted from one start.
        shares: not negative, summing to 1, one per style.

    Raises:
        BenchError: the styles are of different methods, starts or shapes, do not fit the
            method or cannot be mixed; one whose file lacks what the method's weights have must
            have started from them.
    """
    first, loaded = styles[0], state(method)
    if len(styles) > 1 and not method.mixes:
        raise BenchError(f"{method.name} keeps styles that have no mean: give one --weights")
    for style in styles:
        _check_pair(first, style)
        if loaded.keys() - style.tensors.keys() and not _alike(style.base, base(method)):
            raise BenchError(
                f"{style.file} belongs to {_digests(style.base)}, here is {_digests(base(method))}:"
                f" adapt again, or name those with --option {style.method}.weights=FILE"
            )
    whole = [{**loaded, **style.tensors} for style in styles]
    for style, tensors in zip(styles, whole, strict=True):
        for name in {**whole[0], **tensors}:
            shapes = [tuple(t[name].shape) if name in t else None for t in (whole[0], tensors)]
            if shapes[0] != shapes[1]:
                raise BenchError(
                    f"{first.file} and {style.file} cannot be mixed: {name} has the shapes "
                    f"{shapes[0]} and {shapes[1]}"
                )
    try:
        method.restore({name: _mean([t[name] for t in whole], shares) for name in whole[0]})
    except (AttributeError, RuntimeError) as error:  # no such module, or another's state
        reason = " ".join(str(error).split())
        raise BenchError(f"{first.file} does not fit {method.name}: {reason}") from None


def _check_pair(first: Style, style: Style) -> None:
    both = f"{first.file} and {style.file}"
    if style.method != first.method:
        raise BenchError(f"{both} cannot be mixed: they are of {first.method} and {style.method}")
    if not _alike(style.base, first.base):
        raise BenchError(
            f"{both} cannot be mixed: they started from different weights, "
            f"{_digests(first.base)} and {_digests(style.base)}"
        )


def _alike(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether the same weights are meant, whatever their files are called."""
    return sorted(one.values()) == sorted(other.values())


def _digests(base: Mapping[str, str]) -> str:
    return ", ".join(f"{file} {sha256[:12]}" for file, sha256 in base.items()) or "no weights"


def _mean(tensors: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
    """The convex combination; counters and the like, which have none, are the first's."""
    if not tensors[0].is_floating_point():
        return tensors[0]
    weighted = [share * tensor.float() for tensor, share in zip(tensors, shares, strict=True)]
    return torch.stack(weighted).sum(0)


def check_round_trip(adapted: Method, fresh: Method, style: Style) -> None:
    """See that a loaded method that takes the style up stylizes as the one that adapted.

    Raises:
        BenchError: it does not: the method keeps more of a style than `adapted` gives.
    """
    half = {n: t.half().float() if t.is_floating_point() else t for n, t in style.tensors.items()}
    advice = "its author should write adapted and restore (bench.contract)"
    generator = torch.Generator().manual_seed(0)
    photo = adapted.context.photographs.batch(1, 64, generator).to(adapted.context.device)
    content = adapted.context.precision.layout(photo)
    try:
        take_up(fresh, [Style(style.name, style.method, style.options, style.base, half)], [1.0])
        pictures = []
        for method in (adapted, fresh):
            torch.manual_seed(0)
            pictures.append(phases.stylize(method, content).float())
        error = float((pictures[0] - pictures[1]).square().mean())
    except Exception as cause:
        raise BenchError(
            f"{style.method} cannot take up a saved style ({type(cause).__name__}: "
            f"{' '.join(str(cause).split())}): {advice}"
        ) from cause
    if not error <= CLOSE:
        raise BenchError(f"{style.method} loses its style when it is saved: {advice}")
