"""`bench report`: the table of the runs so far."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import files, report
from bench.commands import _shared
from bench.commands._shared import AddCommand
from bench.errors import BenchError
from bench.report import columns, rows
from bench.results import Frames
from bench.tables import formats, terminal
from bench.tables.model import WIDTH

_EXAMPLES = """examples:
  bench report
  bench report runs/20261122-101500-1a2b --format latex -o table.tex
  bench report --columns adapt,core,gram,params --sort core
  bench report --by style                        every style a row of its own
  bench report --by environment                  times, with a column for every machine
  bench report --format parquet -o numbers.parquet
  bench report --amortised                       the cost of K pictures, and break-even points
  bench report --curves --reference johnson@2000
  bench report --frontier                        every strength, of a run with --sweep
  bench report --at-equal-content --at 0.5       methods where they keep as much of the content
  bench report --plots figures/                  SVG and PNG
  bench report --html page/                      tables, pictures and details in a browser
  bench report runs/* --site site/ --no-pictures  many runs, by method and machine, to host
"""


_DEFAULTS: Mapping[str, Any] = {
    "format": "plain",
    "columns": list(columns.DEFAULT),
    "sort": None,
    "by": "size",
    "all_metrics": False,
    "out": None,
}

_HARDWARE = "environment"
_OF_TABLE = ("columns", "sort", "by")
_NOT_WITH: Mapping[str, Sequence[str]] = {
    "amortised": (*_OF_TABLE, "all_metrics"),
    "curves": _OF_TABLE,
    "frontier": (*_OF_TABLE, "all_metrics"),
    "at_equal_content": (*_OF_TABLE, "all_metrics"),
    "plots": (*_OF_TABLE, "format", "out"),
    "html": (*_OF_TABLE, "format", "out"),
    "site": (*_OF_TABLE, "format", "out", "all_metrics"),
}
"""What is not the table, to the options that say nothing about it."""


def add(command: AddCommand) -> None:
    """The arguments of `bench report`."""
    parser = command("print the three-way table of the runs so far", _EXAMPLES)
    parser.add_argument("run", nargs="*", type=Path, help="run folders; default: all under --runs")
    parser.add_argument("--runs", type=Path, default=_shared.RUNS, metavar="DIR")
    parser.add_argument(
        "--format",
        choices=report.FORMATS,
        help="csv, json and parquet hold long data: a row for every number",
    )
    parser.add_argument(
        "--columns",
        type=lambda text: [name for name in text.split(",") if name],
        metavar="NAME,...",
        help=f"default: {','.join(columns.DEFAULT)}; names: {', '.join(columns.FIXED)}, any"
        f" metric, and for several at once {', '.join(columns.SETS)}",
    )
    parser.add_argument("--sort", metavar="COLUMN", help="the best first; default: by name")
    parser.add_argument(
        "--by",
        choices=(*rows.BY, _HARDWARE),
        help="order of the rows; style: with a row for every style; environment: times alone, a"
        " column for every machine (default: size)",
    )
    parser.add_argument("--all-metrics", action="store_true", help="not just the judges'")
    _add_instead(parser)
    parser.add_argument(
        "--at", type=float, metavar="ERROR", help="with --at-equal-content: where; 0 to 1"
    )
    parser.add_argument(
        "--reference",
        metavar="METHOD@STEP",
        help="with --curves: the time to be as good as this, e.g. johnson@2000",
    )
    _shared.add_out(parser)
    parser.set_defaults(**_DEFAULTS)


def _add_instead(parser: argparse.ArgumentParser) -> None:
    """What is made instead of the table."""
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument(
        "--amortised",
        action="store_true",
        help="seconds for K pictures in a new style, and from when a method pays, instead of the"
        " table",
    )
    instead.add_argument(
        "--curves",
        action="store_true",
        help="quality over adaptation, of runs with --observe, instead of the table",
    )
    instead.add_argument(
        "--frontier",
        action="store_true",
        help="style error over content error, of runs with --sweep, instead of the table",
    )
    instead.add_argument(
        "--at-equal-content",
        action="store_true",
        help="style error of each method at one content error, of runs with --sweep, instead of the"
        " table",
    )
    instead.add_argument("--plots", type=Path, metavar="DIR", help="write plots into this folder")
    instead.add_argument("--html", type=Path, metavar="DIR", help="write a page into this folder")
    instead.add_argument(
        "--site", type=Path, metavar="DIR", help="write a site of all runs into this folder"
    )
    parser.add_argument(
        "--no-pictures",
        action="store_true",
        help="with --html and --site: numbers alone, which is small",
    )


def execute(args: argparse.Namespace, _: list[str]) -> int:
    """Print the table, or write it to a file."""
    from bench import results

    runs = args.run or results.find_runs(args.runs)
    if not runs:
        results.latest(args.runs)  # says that there is none
    _check_together(args)
    frames = results.load(runs)
    if args.html or args.site or args.plots:
        print(*_written(frames, args), sep="\n")
        return 0
    rendered = _rendered(frames, args)
    if args.out is None:
        sys.stdout.write(str(rendered))
        return 0
    files.write(args.out, rendered)
    return 0


def _check_together(args: argparse.Namespace) -> None:
    """Refuse options that would say nothing beside the others."""
    if args.reference and not args.curves:
        raise BenchError("--reference goes with --curves")
    if args.at is not None and not args.at_equal_content:
        raise BenchError("--at goes with --at-equal-content")
    if args.no_pictures and not (args.html or args.site):
        raise BenchError("--no-pictures goes with --html or --site")
    for instead, options in _NOT_WITH.items():
        for option in options:
            if getattr(args, instead) and getattr(args, option) != _DEFAULTS[option]:
                name = option.replace("_", "-")
                other = instead.replace("_", "-")
                raise BenchError(f"--{name} does not go with --{other}: leave one of them out")
    if args.format == "parquet" and args.out is None:
        raise BenchError("--format parquet is no text: name a file with --out FILE.parquet")


def _written(frames: Frames, args: argparse.Namespace) -> Sequence[Path]:
    """The files of what is no text."""
    with_pictures = not args.no_pictures
    if args.site:
        from bench.report import site

        return [site.write(frames, args.site, with_pictures=with_pictures)]
    if args.html:
        from bench.report import page

        options = {"all_metrics": args.all_metrics, "with_pictures": with_pictures}
        return [page.write(frames, args.html, **options)]
    from bench.report import plots

    return plots.write(plots.figures(frames, all_metrics=args.all_metrics), args.plots)


def _rendered(frames: Frames, args: argparse.Namespace) -> str | bytes:
    width, color = terminal.of_terminal() if args.out is None else (WIDTH, False)
    if args.frontier:
        from bench.report import frontier

        return frontier.render(frames, args.format, width=width, color=color)
    if args.at_equal_content:
        from bench.report import equal_content

        return equal_content.render(frames, args.format, at=args.at, width=width, color=color)
    if args.amortised:
        from bench.report import amortised

        return amortised.render(frames, args.format, width=width, color=color)
    if args.curves:
        from bench.report import curve_tables

        if args.format not in curve_tables.FORMATS:
            raise BenchError(f"--curves goes with --format {', '.join(curve_tables.FORMATS)}")
        return curve_tables.render(
            frames, args.format, reference=args.reference, all_metrics=args.all_metrics
        )
    if args.by == _HARDWARE:
        from bench.report import hardware

        if args.sort or args.columns != _DEFAULTS["columns"]:
            raise BenchError("--by environment has columns and order of its own: leave out --sort")
        return hardware.render(frames, args.format, width=width, color=color)
    rendered = report.render(
        frames,
        args.format,
        columns_=args.columns,
        by=args.by,
        sort=args.sort,
        all_metrics=args.all_metrics,
        width=width,
        color=color,
    )
    if isinstance(rendered, str) and args.format in formats.TEXT:
        from bench.vote import bradley_terry

        voted = filter(None, (bradley_terry.section(Path(run)) for run in frames.runs["path"]))
        if blind_tests := list(voted):
            rendered += "\n" + formats.write(blind_tests, [], args.format, width, color)
    return rendered
