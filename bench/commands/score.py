"""`bench score`: judge pictures that somebody else's method made, beside the anchors."""

from __future__ import annotations

import argparse
import dataclasses
import shlex
import string
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.anchors import ANCHORS
from bench.commands import _shared
from bench.commands._shared import AddCommand
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.contract import Dataset, Picture
    from bench.plugins.registry import Registry
    from bench.run.external import Given
    from bench.run.layouts import Layout

PATTERN = "{content}_stylized_{style}"

EXAMPLES = """examples:
  bench score OUTPUTS/ --content PHOTOS/ --style PAINTINGS/
  bench score styleid=OUTPUTS/ ours=MINE/ --content PHOTOS/ --style PAINTINGS/ --size 512
  bench score OUTPUTS/ --content PHOTOS/ --style PAINTINGS/ --pattern '{style}/{content}.jpg'
  bench score styleid=StyleID/ --layout styleid        the folder in which the script was run
  bench score OUTPUTS/ --layout artfid --content CNT_EVAL/ --style STY_EVAL/
  bench score table.csv --content PHOTOS/ --style PAINTINGS/ --metric artfid --metric cfsd
  bench report                            with the rows of other runs on the same pictures

A CSV file has the columns content, style and output; outputs lie relative to it.
"""


def add(command: AddCommand) -> None:
    """The arguments of `bench score`."""
    parser = command(
        "judge pictures that another program's method made",
        EXAMPLES,
        interrupted="; do it again",
    )
    parser.add_argument(
        "pictures",
        nargs="+",
        metavar="[NAME=]PATH",
        help="a folder of pictures or a CSV file, and the name of its row; several are compared",
    )
    named = parser.add_mutually_exclusive_group()
    named.add_argument(
        "--pattern",
        type=_pattern,
        default=PATTERN,
        metavar="TEXT",
        help=f"how files are named, with a suffix or without (default: {PATTERN})",
    )
    named.add_argument(
        "--layout",
        metavar="NAME",
        help="files as a script of the field writes them: adain, stytr2, styleid or artfid",
    )
    parser.add_argument(
        "--size",
        type=_shared.size,
        metavar="PX",
        help="side to which all pictures are brought; by default their own, if they are squares",
    )
    parser.add_argument(
        "--trains-on",
        action="append",
        default=[],
        metavar="ENCODER",
        help="a network that the method was trained on; its judgements are marked; repeatable",
    )
    _shared.add_metrics(parser)
    for role in ("content", "style"):
        parser.add_argument(
            f"--{role}",
            action="append",
            default=[],
            metavar="PATH",
            help=f"the {role}s that the pictures were made from: folder or file; repeatable",
        )
    _shared.add_dataset(parser)
    parser.add_argument(
        "--runs", type=Path, default=_shared.RUNS, metavar="DIR", help="where run folders go"
    )
    _shared.add_machine(parser)
    _shared.add_plugins(parser)


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
    from bench.commands.run import finish
    from bench.contract import Context
    from bench.run import external, layouts
    from bench.run.plan import Chosen, Plan
    from bench.run.profiles import PROFILES

    registry = _shared.load_registry(args)
    sources = dict(_rows(args, registry))
    layout = layouts.named(args.layout) if args.layout else None
    if layout is not None and not (args.content or args.style or args.dataset):
        for content, style in [*filter(None, map(layout.inputs, sources.values()))][:1]:
            args.content, args.style = [str(content)], [str(style)]
    dataset = _shared.dataset(args, registry, _shared.given_options(args, registry))
    for encoder in args.trains_on:
        registry.encoder(encoder)
    _shared.note_left_out([*args.content, *args.style])
    contents, styles, given = _given(args, layout, sources, dataset)
    anchors = {name: registry.method(name) for name in ANCHORS}
    plan = Plan(
        methods={name: Chosen(cls, cls.Options()) for name, cls in anchors.items()},
        metrics=_shared.metrics(args, registry, dataset.moves),
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
    return finish(run, plan, context, args.quiet)


def _rows(args: argparse.Namespace, registry: Registry) -> Iterator[tuple[str, Path]]:
    """Each row's name, and where its pictures are.

    Raises:
        BenchError: a row cannot be called that, or two are called alike.
    """
    from bench.plugins.validation import NAME, NAME_RULE
    from bench.run import external

    taken = set(registry.methods)
    for name, path in external.row_names(args.pictures):
        if not NAME.fullmatch(name) or name in taken:
            raise BenchError(
                f"{path}: its row cannot be called {name or 'nothing'}; give another name as "
                f"NAME={path}: {NAME_RULE}, and no method's"
            )
        taken.add(name)
        yield name, path


def _given(
    args: argparse.Namespace, layout: Layout | None, sources: Mapping[str, Path], dataset: Dataset
) -> tuple[Sequence[Picture], Sequence[Picture], dict[str, Given]]:
    """The contents and styles that are to be judged, and every row's pictures of them."""
    from bench.run import external, layouts

    contents, styles = dataset.contents(), dataset.styles()
    copies = None
    if layout is not None and layout.copies:
        copies = layouts.originals(contents, 0), layouts.originals(styles, 1)
        contents, styles = (role.originals for role in copies)
    contents, styles = contents[: args.contents], styles[: args.styles]
    given = {}
    for name, path in sources.items():
        if layout is None:
            names = ([picture.name for picture in role] for role in (contents, styles))
            found = external.find(path, args.pattern, *names)
        elif copies is None:
            found = layouts.find_in(layout, path, contents, styles)
        else:
            wanted = [(style.name, content.name) for style in styles for content in contents]
            found = layouts.find_copies(layout, path, *copies, wanted)
        given[name] = dataclasses.replace(found, trains_on=args.trains_on)
    return contents, styles, given
