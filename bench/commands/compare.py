"""`bench compare`: what has become slower from one run to another."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench import files
from bench.commands import _shared
from bench.commands._shared import AddCommand
from bench.compare import comparison
from bench.tables import terminal
from bench.tables.model import WIDTH

_EXAMPLES = """examples:
  bench compare runs/20261121-101500-1a2b runs/20261122-101500-3c4d
  bench compare BASE/ NEW/ --format github -o comment.md      for a pull request
  bench compare BASE/ NEW/ --threshold 10                     percent

The exit status is 1 only where something is SLOW, and 2 where the runs cannot be compared.
"""


def add(command: AddCommand) -> None:
    """The arguments of `bench compare`."""
    parser = command("say what has become slower from one run to another", _EXAMPLES, failure=2)
    parser.add_argument("base", type=Path, metavar="BASE", help="run folder to compare with")
    parser.add_argument("new", type=Path, metavar="NEW", help="run folder to judge")
    parser.add_argument(
        "--threshold",
        type=_shared.percent,
        default=comparison.THRESHOLD,
        metavar="PERCENT",
        help="the least difference that counts, on a quiet machine; a noisier one raises it"
        f" (default: {100 * comparison.THRESHOLD:g})",
    )
    parser.add_argument(
        "--any-environment",
        action="store_true",
        help="compare runs of different machines or libraries too",
    )
    parser.add_argument(
        "--format", choices=comparison.FORMATS, default="plain", help="github: Markdown"
    )
    add_json(parser)
    _shared.add_out(parser)


def add_json(command: argparse.ArgumentParser) -> None:
    """`--json`."""
    command.add_argument(
        "--json", type=Path, metavar="FILE", help="the verdicts for programs too, beside the text"
    )


def execute(args: argparse.Namespace, _: list[str]) -> int:
    """Print the verdicts; the status is 1 where one is SLOW."""
    from bench.compare import runs

    found = runs.compare(
        args.base, args.new, threshold=args.threshold, any_environment=args.any_environment
    )
    return print_verdicts(args, found)


def print_verdicts(args: argparse.Namespace, found: comparison.Comparison) -> int:
    """Write a comparison where and as the arguments say; 1 where something is SLOW."""
    width, color = terminal.of_terminal() if args.out is None else (WIDTH, False)
    text = comparison.render(found, args.format, width=width, color=color)
    if args.out is None:
        sys.stdout.write(text)
    else:
        files.write(args.out, text)
    if args.json is not None:
        files.write(args.json, comparison.numbers(found))
    return int(found.slow)
