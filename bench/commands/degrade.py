"""`bench degrade`: known degradations of a run's pictures, to try metrics on."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.commands import _shared
from bench.commands._shared import AddCommand

EXAMPLES = """examples:
  bench degrade --method gatys --out degraded/            of the newest run
  bench degrade runs/RUN --method gatys --out degraded/
  bench score degraded/shuffled degraded/colors-only --metric mine --plugin mine.py
"""


def add(command: AddCommand) -> None:
    """The arguments of `bench degrade`."""
    parser = command("write known degradations of a run's pictures, to try metrics on", EXAMPLES)
    parser.add_argument("run", nargs="?", metavar="RUN", help="a run folder (default: the newest)")
    parser.add_argument("--method", required=True, metavar="NAME", help="whose pictures are good")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder")
    parser.add_argument(
        "--runs", type=Path, default=_shared.RUNS, metavar="DIR", help="where run folders are"
    )


def execute(args: argparse.Namespace, _: list[str]) -> int:
    """Write the pictures and name the folders."""
    from bench import results
    from bench.study import degradations

    run = Path(args.run) if args.run else results.latest(args.runs)
    for folder in degradations.write(run, args.method, args.out):
        print(folder)
    return 0
