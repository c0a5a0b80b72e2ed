"""`bench new`: the package of a plugin that works, to be changed into yours."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.commands._shared import AddCommand

EXAMPLES = """examples:
  bench new method tint              writes bench-tint/: plugin, pyproject.toml, test, README
  bench new metric sharpness --folder plugins/sharpness
  bench new dataset museum
  bench new encoder resnet
"""


def add(command: AddCommand) -> None:
    """The arguments of `bench new`."""
    from bench.plugins.scaffold import KINDS

    parser = command("write a small package with a plugin that works", EXAMPLES)
    parser.add_argument("kind", choices=KINDS, help=", ".join(KINDS))
    parser.add_argument("name", help="what it is called on the command line")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="default: bench-NAME here")


def execute(args: argparse.Namespace, _: list[str]) -> int:
    """Write it and say what to do next."""
    from bench.plugins import registry, scaffold

    folder = args.folder or Path(f"bench-{args.name}")
    plugin, *others = scaffold.create(args.kind, args.name, folder, registry.load())
    print(f"{plugin}    the {args.kind}: make it yours")
    for file in others:
        print(file)
    print(
        f'\nnext: cd {folder}, pip install -e ".[test]", pytest, bench check {plugin.parent.name}'
    )
    return 0
