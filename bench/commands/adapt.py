"""`bench adapt`: a method adapted to a style, as a file that `bench stylize` takes."""

from __future__ import annotations

import argparse
import shlex
import time
from pathlib import Path

from bench.commands import _adapting, _shared
from bench.commands._shared import AddCommand
from bench.errors import BenchError

EXAMPLES = """examples:
  bench adapt --style painting.jpg -o painting.safetensors
  bench adapt --style painting.jpg -o painting.safetensors --option metastyle.steps=200
  bench adapt --style painting.jpg -o tiny.safetensors --option metastyle.update=norm
  bench adapt --style painting.jpg -o johnson.safetensors --method johnson
  bench stylize --weights painting.safetensors photo.jpg -o out.png
  bench stylize --weights painting.safetensors:0.3 --weights tiny.safetensors:0.7 photo.jpg -o out.png
"""  # noqa: E501


def add(command: AddCommand) -> None:
    """The arguments of `bench adapt`."""
    parser = command(
        "adapt a method to a style and save it for bench stylize",
        EXAMPLES,
        interrupted="; nothing was written",
    )
    parser.add_argument("--style", required=True, metavar="PICTURE")
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        required=True,
        metavar="FILE.safetensors",
        help="what stylizing needs, in half precision",
    )
    parser.add_argument(
        "--method", default=_adapting.DEFAULT, metavar="NAME", help=f"({_adapting.DEFAULT})"
    )
    _adapting.add_adaptation(parser)
    _shared.add_machine(parser)
    _shared.add_plugins(parser)


def execute(args: argparse.Namespace, _: list[str]) -> int:
    """Adapt, check that the file will stylize alike, and write it."""
    if args.out.suffix != ".safetensors" or args.out.is_dir():
        raise BenchError(f"-o {args.out}: the file's name must end in .safetensors")
    _adapting.check_folder(args.out)
    registry = _shared.load_registry(args)
    cls, options = _adapting.choose(args, registry, args.method)
    style = _adapting.read_style(args)
    context = _shared.context(args, registry, _shared.adaptation(args, registry))
    from bench.stylize import style_files

    with _adapting.failures(args.method):
        method = _adapting.load(cls, context, options)
        before = style_files.state(method)
        begun = time.perf_counter()
        steps = _adapting.adapt(args, method, style)
        seconds = time.perf_counter() - begun
        saved = style_files.taken(method, before, Path(args.style).stem)
        style_files.check_round_trip(method, _adapting.load(cls, context, options), saved)
    style_files.write(args.out, saved)
    numbers = sum(tensor.numel() for tensor in saved.tensors.values())
    plugins = [word for plugin in args.plugin for word in ("--plugin", plugin)]
    words = ["bench", "stylize", *plugins, "--weights", str(args.out)]
    print(
        f"{args.method} in the style of {args.style}: {steps} steps in {seconds:.1f} s\n"
        f"weights     {args.out}: {numbers:,} numbers, {args.out.stat().st_size:,} bytes\n"
        f"go on with  {shlex.join(words)} PHOTO.jpg -o out.png"
    )
    return 0
