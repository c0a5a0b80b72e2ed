"""`bench stylize`: a method on your own pictures."""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path

from bench.commands import _shared
from bench.commands._shared import AddCommand
from bench.errors import BenchError

EXAMPLES = """examples:
  bench stylize --method metastyle --style starry.jpg photo.jpg -o out.png
  bench stylize --method gatys --style starry.jpg --size 384 photo.jpg -o out.png
  bench stylize --method metastyle --style starry.jpg one.jpg two.jpg -o OUT_FOLDER/
"""


def add(command: AddCommand) -> None:
    """The arguments of `bench stylize`."""
    made = command("use a method on your own pictures", EXAMPLES)
    made.add_argument("photo", nargs="+", help="pictures to stylize, or folders of them")
    made.add_argument("--method", required=True, metavar="NAME")
    made.add_argument("--style", required=True, metavar="PICTURE")
    made.add_argument("-o", "--out", type=Path, required=True, help="a picture, or a folder")
    made.add_argument(
        "--size",
        type=_shared.size,
        metavar="PX",
        help="shorter side of the results; by default as they are",
    )
    made.add_argument(
        "--style-size",
        type=_shared.size,
        default=512,
        metavar="PX",
        help="shorter side at which the style is seen (512)",
    )
    made.add_argument(
        "--adapt-content",
        action="append",
        default=[],
        metavar="PATH",
        help="photographs to adapt on; the embedded ones by default",
    )
    _shared.add_machine(made)
    _shared.add_plugins(made)


def execute(args: argparse.Namespace, _: list[str]) -> int:
    """Adapt to the style once and stylize each picture."""
    from tqdm import tqdm

    from bench import images, options, phases, runner

    registry = _shared.load_registry(args)
    cls = registry.method(args.method)
    given = _shared.given_options(args, registry)
    chosen = options.build(cls.Options, given.get(args.method, {}), args.method)
    photos, outs = _photos(args)
    style = images.load(Path(args.style), args.style_size, crop=False)
    pictures = _shared.adaptation(args, registry)
    context = _shared.context(args, registry, pictures)
    place = context.precision.layout
    try:
        runner.seed(args.seed, "load")
        method = cls(context, chosen)
        method.load()
        runner.seed(args.seed, "adapt")
        adapting = phases.adapting(method, place(style.to(context.device)))
        label = f"adapting to {Path(args.style).name}"
        for _step in tqdm(adapting, desc=label, unit="step", disable=args.quiet):
            pass
        for photo, out in tqdm(
            list(zip(photos, outs, strict=True)), "stylizing", unit="picture", disable=args.quiet
        ):
            content = place(images.load(photo, args.size, crop=False).to(context.device))
            runner.seed(args.seed, "stylize")
            made = phases.stylize(method, content)
            runner.check_picture(made, content)
            images.save(made, out)
            tqdm.write(str(out))
    except BenchError:
        raise
    except Exception as error:
        raise BenchError(f"{args.method}: {runner.describe_failure(error)[1]}") from error
    return 0


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
