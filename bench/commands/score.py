"""`bench score`: judge pictures that somebody else's method made, beside the anchors."""

from __future__ import annotations

import argparse
import dataclasses
import shlex
import string
from pathlib import Path

from bench.commands import _shared
from bench.commands._shared import AddCommand
from bench.errors import BenchError

PATTERN = "{content}_stylized_{style}"

EXAMPLES = """examples:
  bench score OUTPUTS/ --content PHOTOS/ --style PAINTINGS/
  bench score styleid=OUTPUTS/ ours=MINE/ --content PHOTOS/ --style PAINTINGS/ --size 512
  bench score OUTPUTS/ --content PHOTOS/ --style PAINTINGS/ --pattern '{style}/{content}.jpg'
  bench score table.csv --content PHOTOS/ --style PAINTINGS/ --metric artfid --metric cfsd
  bench report                            with the rows of other runs on the same pictures

A CSV file has the columns content, style and output; outputs lie relative to it.
"""


def add(command: AddCommand) -> None:
    """The arguments of `bench score`."""
    made = command(
        "judge pictures that another program's method made",
        EXAMPLES,
        interrupted="; do it again",
    )
    made.add_argument(
        "pictures",
        nargs="+",
        metavar="[NAME=]PATH",
        help="a folder of pictures or a CSV file, and the name of its row; several are compared",
    )
    made.add_argument(
        "--pattern",
        type=_pattern,
        default=PATTERN,
        metavar="TEXT",
        help=f"how files are named, with a suffix or without (default: {PATTERN})",
    )
    made.add_argument(
        "--size",
        type=_shared.size,
        metavar="PX",
        help="side to which all pictures are brought; by default their own, if they are squares",
    )
    made.add_argument(
        "--trains-on",
        action="append",
        default=[],
        metavar="ENCODER",
        help="a network that the method was trained on; its judgements are marked; repeatable",
    )
    _shared.add_metrics(made)
    for role in ("content", "style"):
        made.add_argument(
            f"--{role}",
            action="append",
            default=[],
            metavar="PATH",
            help=f"the {role}s that the pictures were made from: folder or file; repeatable",
        )
    _shared.add_dataset(made)
    made.add_argument(
        "--runs", type=Path, default=_shared.RUNS, metavar="DIR", help="where run folders go"
    )
    _shared.add_machine(made)
    _shared.add_plugins(made)


def _pattern(text: str) -> str:
    """A text with {content} and {style}, once each, and no other field."""
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError:
        parts = []
    fields = sorted(field for _, field, _, _ in parts if field is not None)
    if fields != ["content", "style"] or any(form or kind for _, _, form, kind in parts):
        raise argparse.ArgumentTypeError(
            f"{text}: write {{content}} and {{style}} once each, as in {PATTERN}"
        )
    return text


def execute(args: argparse.Namespace, arguments: list[str]) -> int:
    """Find the pictures, make a run of them, compute the metrics, print the table."""
    from bench import store
    from bench.commands.run import ANCHORS, measure
    from bench.contract import Context
    from bench.plugins.validation import NAME, NAME_RULE
    from bench.run import external
    from bench.run.plan import Chosen, Plan
    from bench.run.profiles import PROFILES

    registry = _shared.load_registry(args)
    dataset = _shared.dataset(args, registry, _shared.given_options(args, registry))
    contents = dataset.contents()[: args.contents]
    styles = dataset.styles()[: args.styles]
    for encoder in args.trains_on:
        registry.encoder(encoder)
    given: dict[str, external.Given] = {}
    for name, path in external.row_names(args.pictures):
        if not NAME.fullmatch(name) or name in registry.methods or name in given:
            raise BenchError(
                f"{path}: its row cannot be called {name or 'nothing'}; give another name as "
                f"NAME={path}: {NAME_RULE}, and no method's"
            )
        names = ([picture.name for picture in role] for role in (contents, styles))
        found = external.find(path, args.pattern, *names)
        given[name] = dataclasses.replace(found, trains_on=args.trains_on)
    anchors = {name: registry.method(name) for name in ANCHORS}
    plan = Plan(
        methods={name: Chosen(cls, cls.Options()) for name, cls in anchors.items()},
        metrics=_shared.metrics(args, registry),
        dataset=dataset,
        profile=dataclasses.replace(PROFILES["smoke"], name="score"),
        contents=contents,
        styles=styles,
        sizes=(args.size or external.common_size(given),),
        seed=args.seed,
        adapt_seconds=None,
        command=shlex.join(["bench", *arguments]),
    )
    device, precision = _shared.machine(args)
    context = Context(device, precision, store.collect([]), registry.encoder)
    run = external.start(given, plan, args.runs, context, registry, args.quiet)
    return measure(run, plan, context, args.quiet)
