"""What `adapt` and `stylize` share: a method with its options, and one style taken in."""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.commands import _shared
from bench.errors import BenchError

if TYPE_CHECKING:
    from torch import Tensor

    from bench.contract import Context, Method
    from bench.plugins.registry import Registry

DEFAULT = "metastyle"


def add_adaptation(parser: argparse.ArgumentParser) -> None:
    """`--style-size` and `--adapt-content`."""
    parser.add_argument(
        "--style-size",
        type=_shared.size,
        default=512,
        metavar="PX",
        help="shorter side at which the style is seen (512)",
    )
    parser.add_argument(
        "--adapt-content",
        action="append",
        default=[],
        metavar="PATH",
        help="photographs to adapt on; the embedded ones by default",
    )


def choose(
    args: argparse.Namespace,
    registry: Registry,
    name: str,
    saved: Mapping[str, Any] | None = None,
) -> tuple[type[Method], Any]:
    """The named method and its options: those of `--option`, over those of a saved style."""
    from bench import options

    cls = registry.method(name)
    given = _shared.given_options(args, registry)
    if strangers := set(given) - {name}:
        raise BenchError(f"--option {strangers.pop()}.…: only options of {name} apply here")
    return cls, options.build(cls.Options, {**(saved or {}), **given.get(name, {})}, name)


def load(cls: type[Method], context: Context, options: Any) -> Method:
    """The method, loaded; always alike, so that a style saved today fits it tomorrow."""
    from bench.contract.phases import loaded
    from bench.run.seeds import seed

    seed(0, "load")
    return loaded(cls, context, options)


def check_folder(out: Path) -> None:
    """Check that the file can be written before the work, not after it."""
    there = next(folder for folder in out.absolute().parents if folder.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise BenchError(f"-o {out}: {there} is no folder that can be written to; name another")


def taken_up(args: argparse.Namespace, registry: Registry, texts: Sequence[str]) -> Method:
    """The method of saved styles, `FILE[:SHARE]` each, adapted as they are, or as their mixture."""
    from bench.stylize import style_files

    files, shares = zip(*style_files.parse_shares(texts), strict=True)
    styles = [style_files.read(file) for file in files]
    name = styles[0].method
    cls, options = choose(args, registry, name, styles[0].options)
    context = _shared.context(args, registry, _shared.adaptation(args, registry))
    with failures(name):
        method = load(cls, context, options)
        style_files.take_up(method, styles, shares)
    return method


def read_style(args: argparse.Namespace) -> Tensor:
    """The picture of `--style`, (1, 3, H, W)."""
    from bench import images

    return images.load(Path(args.style), args.style_size, crop=False)


def adapt(args: argparse.Namespace, method: Method, style: Tensor) -> int:
    """Adapt to the style under a progress bar; the number of steps made."""
    from bench import progress
    from bench.contract import phases
    from bench.run.seeds import seed

    seed(args.seed, "adapt")
    placed = method.context.precision.layout(style.to(method.context.device))
    total = getattr(method.options, "steps", None)
    step = 0
    with progress.bar(
        total=total,
        desc=f"adapting to {Path(args.style).name}",
        unit="step",
        disable=args.quiet,
    ) as bar:
        for step in phases.adapting(method, placed):
            bar.update(step - bar.n)
    return step


@contextlib.contextmanager
def failures(name: str) -> Iterator[None]:
    """What goes wrong inside a method, as one line.

    Raises:
        BenchError: for every exception that is raised inside.
    """
    from bench.run.failures import describe_failure

    try:
        yield
    except BenchError:
        raise
    except Exception as error:
        raise BenchError(f"{name}: {describe_failure(error)[1]}") from error
