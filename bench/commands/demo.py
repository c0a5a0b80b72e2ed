"""`bench demo`: the first look, which is a small run."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.commands import _shared
from bench.commands._shared import AddCommand

METHODS = ("metastyle", "ghiasi", "adain")
"""One that adapts and two that do not."""

OPTIONS = ("metastyle.steps=50",)

EXAMPLES = """examples:
  bench demo
  bench demo --show        with the pictures in the terminal, however coarse
"""


def add(command: AddCommand) -> None:
    """The arguments of `bench demo`."""
    parser = command(
        "measure three methods in about a minute, as a first look",
        EXAMPLES,
        interrupted="; what is finished is kept: go on with bench run --resume",
    )
    parser.add_argument(
        "--runs", type=Path, default=_shared.RUNS, metavar="DIR", help="where run folders go"
    )
    _shared.add_show(parser)
    _shared.add_machine(parser, several=True)


def execute(args: argparse.Namespace, words: list[str]) -> int:
    """Begin the run that it is."""
    from bench.cli import parser
    from bench.commands import run

    asked = ["run", "--profile", "demo"]
    asked += [word for name in METHODS for word in ("--method", name)]
    asked += [word for option in OPTIONS for word in ("--option", option)]
    if not args.quiet:
        print(
            f"A first look: {', '.join(METHODS[:-1])} and {METHODS[-1]}, two photographs in one "
            f"style, in about a minute.\nIt is too little to judge by; the same at length is\n\n"
            f"    bench run --method {' --method '.join(METHODS)}\n",
            flush=True,
        )
    whole = parser("run").parse_args(asked)
    vars(whole).update({name: value for name, value in vars(args).items() if name != "run_command"})
    return run.execute(whole, words)
