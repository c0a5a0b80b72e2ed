"""`bench list`: what is there."""

from __future__ import annotations

import argparse

from bench.commands import _shared
from bench.commands._shared import AddCommand


def add(command: AddCommand) -> None:
    """The arguments of `bench list`."""
    parser = command("methods, metrics, datasets, encoders and plugins")
    parser.add_argument("what", nargs="?", help="one of these sections, or broken")
    parser.add_argument("--format", choices=("plain", "json"), default="plain")
    _shared.add_plugins(parser, options=False)


def execute(args: argparse.Namespace, _: list[str]) -> int:
    """Print what was loaded; a broken `--plugin` is an error."""
    from bench.plugins import listing, registry

    loaded = registry.load(args.plugin)
    print(listing.describe(loaded, args.what, args.format))
    loaded.require()
    return 0
