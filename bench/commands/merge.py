"""`bench merge`: runs of one specification from several machines as one."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.commands import _shared
from bench.commands._shared import AddCommand

_EXAMPLES = """examples:
  bench merge runs/20261121-101500-1a2b OTHER/20261121-104500-3c4d -o runs/both
  bench merge runs/20261121-101500-1a2b -o public/my-laptop --no-pictures
  bench report --by environment                  what cannot be merged, times, machine by machine
"""


def add(command: AddCommand) -> None:
    """The arguments of `bench merge`."""
    parser = command("put runs of one specification from several machines together", _EXAMPLES)
    parser.add_argument(
        "run",
        nargs="+",
        type=Path,
        metavar="RUN",
        help="run folders; of a cell that several have, the first that is ok is taken",
    )
    parser.add_argument(
        "-o", "--out", type=Path, required=True, metavar="RUN", help="the new run folder"
    )
    parser.add_argument(
        "--any-software",
        action="store_true",
        help="even where versions of bench or of libraries differ; never where options, code of"
        " methods, weights or pictures do",
    )
    parser.add_argument(
        "--no-pictures",
        action="store_true",
        help="leave them out: a folder for a pull request (bench check)",
    )


def execute(args: argparse.Namespace, _: list[str]) -> int:
    """Merge, and say what came from where."""
    from bench.results import merging

    merged = merging.merge(args.run, args.out, args.any_software, not args.no_pictures)
    for note in merged.notes:
        _shared.warn(note)
    for id_, count in merged.cells.items():
        print(f"{count:8,} cells from {id_}")
    if merged.missing:
        print(f"{merged.missing:8,} cells are missing: bench run --resume {args.out}")
    print(args.out)
    return 0
