"""`bench report`: the table of the runs so far."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.commands import _shared
from bench.commands._shared import AddCommand
from bench.errors import BenchError


def add(command: AddCommand) -> None:
    """The arguments of `bench report`."""
    made = command(
        "print the three-way table of the runs so far",
        "examples:\n  bench report\n  bench report runs/20261122-101500-1a2b --format latex\n"
        "  bench report --curves --reference johnson@2000\n"
        "  bench report --html page/                   tables, pictures and details in a browser\n",
    )
    made.add_argument("run", nargs="*", type=Path, help="run folders; default: all under --runs")
    made.add_argument("--runs", type=Path, default=_shared.RUNS, metavar="DIR")
    made.add_argument(
        "--format", choices=("plain", "github", "latex", "csv", "json", "html"), default="plain"
    )
    made.add_argument("--all-metrics", action="store_true", help="not just the judges'")
    made.add_argument(
        "--curves",
        action="store_true",
        help="quality over adaptation, of runs with --observe, instead of the table",
    )
    made.add_argument(
        "--reference",
        metavar="METHOD@STEP",
        help="with --curves: the time to be as good as this, e.g. johnson@2000",
    )
    made.add_argument("--html", type=Path, metavar="DIR", help="write a page into this folder")
    made.add_argument("-o", "--out", type=Path, metavar="FILE", help="instead of the terminal")


def execute(args: argparse.Namespace, _: list[str]) -> int:
    """Print the table, or write it to a file."""
    from bench import curves, preference, report, results

    runs = args.run or results.find_runs(args.runs)
    if not runs:
        results.latest(args.runs)  # says that there is none
    if args.reference and not args.curves:
        raise BenchError("--reference goes with --curves")
    frames = results.load(runs)
    if args.html:
        from bench import page

        print(page.write(frames, args.html, all_metrics=args.all_metrics))
        return 0
    if args.curves:
        text = curves.render(
            frames, args.format, reference=args.reference, all_metrics=args.all_metrics
        )
    else:
        text = report.render(frames, args.format, all_metrics=args.all_metrics)
    if args.format in ("plain", "github") and not args.curves:
        blind_tests = (preference.render(Path(run), args.format) for run in frames.runs["path"])
        text = "\n".join([text, *filter(None, blind_tests)])
    if args.out is None:
        print(text)
        return 0
    try:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise BenchError(f"--out {args.out} cannot be written: {error.strerror}") from None
    return 0
