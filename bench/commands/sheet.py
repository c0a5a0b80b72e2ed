"""`bench sheet`: a run's pictures side by side, in one file."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.commands import _shared
from bench.commands._shared import AddCommand

EXAMPLES = """examples:
  bench sheet                                       all pictures of the newest run, in sheet.png
  bench sheet --pairs --show                        each style with one content, in the terminal
  bench sheet runs/20261122-101500-1a2b --style starry --method metastyle -o starry.jpg
  bench sheet --method metastyle@0 --method metastyle@10     of a run with --observe

Every picture stands pixel by pixel, as the method made it.
"""


def add(command: AddCommand) -> None:
    """The arguments of `bench sheet`."""
    parser = command("put a run's pictures side by side, in one file", EXAMPLES)
    parser.add_argument("run", nargs="?", type=Path, help="run folder; default: the newest")
    parser.add_argument("--runs", type=Path, default=_shared.RUNS, metavar="DIR")
    parser.add_argument(
        "--method",
        action="append",
        default=[],
        metavar="NAME[@STEP]",
        help="a row of the run, or what it was after so many steps; repeatable (default: all)",
    )
    for role in ("style", "content"):
        parser.add_argument(
            f"--{role}", action="append", default=[], metavar="NAME", help="repeatable"
        )
    parser.add_argument("--size", type=_shared.size, metavar="PX", help="default: the run's last")
    parser.add_argument(
        "--pairs", action="store_true", help="each style with one content, not with every one"
    )
    parser.add_argument(
        "--columns", type=_shared.count, default=7, metavar="N", help="in a row at most (7)"
    )
    _shared.add_show(parser)
    parser.add_argument(
        "-o", "--out", type=Path, default=Path("sheet.png"), metavar="FILE", help="PNG, JPEG, WebP"
    )


def execute(args: argparse.Namespace, _: list[str]) -> int:
    """Write the sheet."""
    from bench import results
    from bench.report import sheet, terminal_pictures

    run = args.run or results.latest(args.runs)
    chosen = sheet.Selection(args.method, args.style, args.content, args.size, args.pairs)
    picture = sheet.sheet(list(sheet.blocks(run, chosen)), args.columns)
    print(f"{sheet.write(picture, args.out)}  {picture.width} × {picture.height} px")
    terminal_pictures.show(args.out, args.show)
    return 0
