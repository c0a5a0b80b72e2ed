"""`bench stylize`: a method, or a saved style, on your own pictures."""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path
from typing import TYPE_CHECKING

from bench.commands import _adapting, _shared
from bench.commands._shared import AddCommand
from bench.errors import BenchError

if TYPE_CHECKING:
    from torch import Tensor

    from bench.contract import Method
    from bench.registry import Registry

EXAMPLES = """examples:
  bench stylize --style starry.jpg photo.jpg -o out.png
  bench stylize --method gatys --style starry.jpg --size 384 photo.jpg -o out.png
  bench stylize --style starry.jpg one.jpg two.jpg FRAMES/ -o OUT_FOLDER/
  bench stylize --weights starry.safetensors photo.jpg -o out.png     after bench adapt
  bench stylize --weights starry.safetensors:0.3 --weights wave.safetensors:0.7 photo.jpg -o out.png
"""


def add(command: AddCommand) -> None:
    """The arguments of `bench stylize`."""
    made = command("use a method, or a saved style, on your own pictures", EXAMPLES)
    made.add_argument("photo", nargs="+", help="pictures to stylize, or folders of them")
    made.add_argument("--method", metavar="NAME", help=f"({_adapting.DEFAULT})")
    made.add_argument("--style", metavar="PICTURE", help="adapt to it first")
    made.add_argument(
        "--weights",
        action="append",
        default=[],
        metavar="FILE[:SHARE]",
        help="instead of --style: what bench adapt wrote; several are mixed, in equal shares or "
        "in those given, which sum to 1",
    )
    made.add_argument("-o", "--out", type=Path, required=True, help="a picture, or a folder")
    made.add_argument(
        "--size",
        type=_shared.size,
        metavar="PX",
        help="shorter side of the results; by default as they are",
    )
    _adapting.add_adaptation(made)
    _shared.add_machine(made)
    _shared.add_plugins(made)


def execute(args: argparse.Namespace, _: list[str]) -> int:
    """Adapt to the style once, or take up saved ones, and stylize each picture."""
    registry = _shared.load_registry(args)
    photos, outs = _photos(args)
    method = _saved(args, registry) if args.weights else _fresh(args, registry)
    from tqdm import tqdm

    from bench import images

    with tqdm(total=len(photos), desc="stylizing", unit="picture", disable=args.quiet) as bar:
        for photo, out in zip(photos, outs, strict=True):
            args.interrupted = f"; {bar.n} of {len(photos)} pictures are finished in {out.parent}"
            images.save(_stylize(args, method, images.load(photo, args.size, crop=False)), out)
            bar.update()
            tqdm.write(str(out))
    return 0


def _saved(args: argparse.Namespace, registry: Registry) -> Method:
    """The method of the saved styles, as adapted as they are, or as their mixture is."""
    from bench import adapted

    for name in ("method", "style", "adapt_content"):
        if getattr(args, name):
            raise BenchError(
                f"--weights holds an adapted style: leave out --{name.replace('_', '-')}"
            )
    files, shares = zip(*adapted.parse_shares(args.weights), strict=True)
    styles = [adapted.read(file) for file in files]
    name = styles[0].method
    cls, options = _adapting.choose(args, registry, name, styles[0].options)
    context = _shared.context(args, registry, _shared.adaptation(args, registry))
    with _adapting.failures(name):
        method = _adapting.load(cls, context, options)
        adapted.take_up(method, styles, shares)
    return method


def _fresh(args: argparse.Namespace, registry: Registry) -> Method:
    """The method, adapted to the picture of `--style`."""
    if args.style is None:
        raise BenchError("give --style PICTURE, or --weights with what bench adapt wrote")
    name = args.method or _adapting.DEFAULT
    cls, options = _adapting.choose(args, registry, name)
    style = _adapting.read_style(args)
    context = _shared.context(args, registry, _shared.adaptation(args, registry))
    with _adapting.failures(name):
        method = _adapting.load(cls, context, options)
        _adapting.adapt(args, method, style)
    return method


def _stylize(args: argparse.Namespace, method: Method, picture: Tensor) -> Tensor:
    """One picture (1, 3, H, W) in the style that the method is adapted to."""
    from bench import phases, runner

    content = method.context.precision.layout(picture.to(method.context.device))
    with _adapting.failures(method.name):
        runner.seed(args.seed, "stylize")
        made = phases.stylize(method, content)
        runner.check_picture(made, content)
    return made


def _photos(args: argparse.Namespace) -> tuple[list[Path], list[Path]]:
    """The photos to stylize, all readable, and where each result goes, no two to one place."""
    from bench import images

    files = images.find(args.photo)
    for file in files:
        images.open_picture(file)
    if len(files) == 1 and args.out.suffix and not args.out.is_dir():
        images.picture_format(args.out)
        return files, [args.out]
    if args.out.suffix.lower() in images.SUFFIXES:
        raise BenchError(f"-o {args.out}: name a folder for {len(files)} pictures")
    outs: list[Path] = []
    for file in files:
        stems = (file.stem if n == 1 else f"{file.stem}-{n}" for n in itertools.count(1))
        outs.append(next(o for o in (args.out / f"{s}.png" for s in stems) if o not in outs))
    return files, outs
