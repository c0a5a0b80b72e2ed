"""`bench train`: a method's weights from two folders of pictures."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from bench.commands import _shared
from bench.commands._shared import AddCommand
from bench.errors import BenchError
from bench.interrupts import Interrupted

if TYPE_CHECKING:
    from bench.contract.task import Recipe, Task

EXAMPLES = """examples:
  bench train metastyle --content PHOTOS/ --style ART/ --minutes 120 --out meta.safetensors
  bench train metastyle --content PHOTOS/ --style ART/ --minutes 240 --out meta.safetensors --resume
  bench train metastyle --recipe paper --content COCO/ --style WIKIART/ --out meta.safetensors
  torchrun --nproc-per-node 4 -m bench train metastyle --content PHOTOS/ --style ART/ \\
    --minutes 120 --out meta.safetensors                    on four devices
  bench run --method metastyle --option metastyle.weights=meta.safetensors
"""


def add(command: AddCommand) -> None:
    """The arguments of `bench train`."""
    parser = command(
        "train a method's weights on two folders of pictures",
        EXAMPLES,
    )
    parser.add_argument("method", help="a method that can be trained")
    parser.add_argument(
        "--content",
        action="append",
        required=True,
        metavar="PATH",
        help="photographs: folder or file; repeatable",
    )
    parser.add_argument(
        "--style",
        action="append",
        required=True,
        metavar="PATH",
        help="styles: folder or file; repeatable",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.safetensors")
    parser.add_argument(
        "--minutes", type=_shared.positive, help="wall time in all, resumed parts included"
    )
    parser.add_argument("--steps", type=_shared.count, help="steps in all")
    parser.add_argument(
        "--recipe",
        choices=("paper",),
        help="options and steps of the method's paper, where nothing else is said: on a GPU, with"
        " its pictures (see docs/gpu.md)",
    )
    parser.add_argument(
        "--save-minutes", type=_shared.positive, default=5.0, help="between two saves"
    )
    parser.add_argument("--resume", action="store_true", help="go on with an unfinished training")
    _shared.add_machine(parser)
    _shared.add_plugins(parser)


def execute(args: argparse.Namespace, arguments: list[str]) -> int:
    """Train until the budget is used up."""
    from bench import distributed, options, training

    registry = _shared.load_registry(args)
    cls = registry.method(args.method)
    task = cls.training
    if task is None:
        able = [name for name, method in registry.methods.items() if method.training]
        raise BenchError(f"{args.method} has nothing to train; these have: {', '.join(able)}")
    if args.out.suffix != ".safetensors":
        raise BenchError(f"--out {args.out}: the file's name must end in .safetensors")
    recipe = _recipe(args, task)
    given = options.parse_pairs(args.option)
    if strangers := set(given) - {args.method}:
        raise BenchError(f"--option {strangers.pop()}: only options of {args.method} apply here")
    values = {**(recipe.options if recipe else {}), **given.get(args.method, {})}
    chosen = options.build(task.Options, values, args.method)
    import torch

    from bench.contract import Context
    from bench.machine import environment

    device, precision = _shared.machine(args)
    device = distributed.own_device(device)
    contents, styles = (_shared.stored(paths, args.quiet) for paths in (args.content, args.style))
    for pictures in (contents, styles):
        pictures.place(device)
    context = Context(device, precision, contents, registry.encoder)
    torch.manual_seed(args.seed)
    budget = training.Budget(args.minutes, args.steps, args.save_minutes)
    about = {
        "command": f"`{shlex.join(['bench', *arguments])}`",
        "machine": environment.device_name(device),
        "method": cls.citation,
    }
    with distributed.joined(device):
        progress = training.train(
            task(context, styles, chosen),
            args.out,
            budget,
            about,
            resume=args.resume,
            quiet=args.quiet,
        )
    if distributed.rank():
        return 0
    print(
        f"{progress.step} steps in {progress.seconds / 60:.1f} minutes\n"
        f"weights     {args.out}\nmodel card  {args.out.with_suffix('.md')}\n"
        f"go on with  the same command, --resume and a larger budget"
    )
    if progress.interrupted:
        args.interrupted = f" before its budget was used up; step {progress.step} is saved"
        raise Interrupted(progress.interrupted)
    return 0


def _recipe(args: argparse.Namespace, task: type[Task]) -> Recipe | None:
    """The paper's recipe where it is asked for, which may give the number of steps.

    Raises:
        BenchError: there is none, or the training has no end.
    """
    recipe = task.paper if args.recipe else None
    if args.recipe and recipe is None:
        raise BenchError(f"{args.method} has no recipe: give its options, and --minutes or --steps")
    if args.minutes is None and args.steps is None and recipe:
        args.steps = recipe.steps
    if args.minutes is None and args.steps is None:
        raise BenchError("training needs an end: give --minutes or --steps")
    return recipe
