"""`bench choose`: which method for my pictures, my styles and this machine."""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.commands import _shared
from bench.commands._shared import AddCommand
from bench.errors import BenchError
from bench.report.need import PREFER, Need

if TYPE_CHECKING:
    from bench.report.choice import Answer
    from bench.report.model import Group

EXAMPLES = """examples:
  bench choose --styles 3 --pictures 500
  bench choose --styles 10 --pictures 10 --new-style-in 5s --memory 2GB
  bench choose --pictures 10000 --size 512 --commercial
  bench choose --pictures 1500 --picture-in 40ms              video at 25 frames a second
  bench choose --prefer quality                               whatever it takes
  bench choose --measure --size 512       where nothing was measured: measure first, then answer
  bench choose --format json

It answers from what was measured: bench run --all makes a run of every method. By default the
quickest is taken of those whose pictures are not clearly worse than the best ones.
"""

MEASURED = ("--all", "--profile", "quick", "--styles", "2", "--contents", "2")
"""The smallest run that answers, as words of `bench run`: two styles, lest chance decide alone."""

_UNITS: Mapping[str, Mapping[str, float]] = {
    "time": {"ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0},
    "memory": {"kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12},
}


def _quantity(kind: str, text: str) -> float:
    """A number with its unit, in seconds or bytes."""
    units = _UNITS[kind]
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*([A-Za-z]+)", text, re.ASCII)
    scale = None if found is None else units.get(found[2])
    if found is None or scale is None or float(found[1]) <= 0:
        raise argparse.ArgumentTypeError(
            f"'{text}' is no {kind}: write a number and one of {', '.join(units)}, as in 5"
            f"{list(units)[1]}"
        )
    return float(found[1]) * scale


def _time(text: str) -> float:
    return _quantity("time", text)


def _memory(text: str) -> float:
    return _quantity("memory", text)


def add(command: AddCommand) -> None:
    """The arguments of `bench choose`."""
    parser = command("say which method to take for so many pictures in so many styles", EXAMPLES)
    parser.add_argument("run", nargs="*", type=Path, help="run folders; default: all under --runs")
    parser.add_argument("--runs", type=Path, default=_shared.RUNS, metavar="DIR")
    parser.add_argument(
        "--styles", type=_shared.count, default=1, metavar="S", help="new styles (1)"
    )
    parser.add_argument(
        "--pictures", type=_shared.count, default=1, metavar="K", help="in all styles together (1)"
    )
    parser.add_argument("--size", type=_shared.size, metavar="PX", help="side of the pictures")
    parser.add_argument("--device", metavar="NAME", help="cpu, cuda, mps, xpu: of the measured run")
    parser.add_argument(
        "--new-style-in", type=_time, metavar="TIME", help="a new style takes no longer, e.g. 5s"
    )
    parser.add_argument(
        "--picture-in", type=_time, metavar="TIME", help="a picture takes no longer, e.g. 40ms"
    )
    parser.add_argument("--within", type=_time, metavar="TIME", help="all takes no longer, e.g. 2h")
    parser.add_argument("--memory", type=_memory, metavar="SIZE", help="no more of it, e.g. 2GB")
    parser.add_argument(
        "--with-training",
        action="store_true",
        help="count the training of a method's weights, as on a domain of your own",
    )
    parser.add_argument(
        "--commercial", action="store_true", help="only weights whose licence allows it"
    )
    parser.add_argument(
        "--prefer",
        choices=PREFER,
        default=PREFER[0],
        help="balance: the quickest of those not clearly worse than the best; quality: the best;"
        " time: the quickest (balance)",
    )
    parser.add_argument(
        "--measure",
        action="store_true",
        help="make the smallest run that answers first: every method, a quarter of an hour or less",
    )
    parser.add_argument("--format", choices=("plain", "json"), default="plain")


def execute(args: argparse.Namespace, _: list[str]) -> int:
    """Print the answer; 1 where nothing meets the limits."""
    from bench.report import choice_text

    if args.measure:
        measure(args)
    found, folders = answered(args)
    if args.format == "json":
        print(json.dumps(choice_text.data(found), indent=2))
    else:
        print(choice_text.text(found, folders), end="")
    return int(found.recommended is None)


def measure(args: argparse.Namespace) -> None:
    """Make the run that answers, of the size and on the device that are asked for.

    What it prints goes to standard error: standard output is the answer's.

    Raises:
        BenchError: runs to answer from were named as well.
    """
    from bench.cli import parser
    from bench.commands import run

    if args.run:
        raise BenchError("--measure makes a run; without it the named ones are answered from")
    asked = ["run", *MEASURED, "--runs", str(args.runs)]
    asked += [] if args.size is None else ["--size", str(args.size)]
    asked += [] if args.device is None else ["--device", args.device]
    args.interrupted = "; what is finished is kept: go on with bench run --resume"
    with contextlib.redirect_stdout(sys.stderr):
        run.execute(parser("run").parse_args(asked), asked)


def answered(args: argparse.Namespace) -> tuple[Answer, Mapping[str, Path]]:
    """The answer to what the command was asked, and where the runs are, by their ids.

    Raises:
        BenchError: there is no run, or none that answers.
    """
    from bench import results
    from bench.report import choice, licences, rows

    runs = args.run or results.find_runs(args.runs)
    if not runs:
        raise BenchError(
            f"there is no run in {args.runs} to answer from: bench run --all --profile quick makes"
            " one, in about twenty minutes on two cores; with --measure the smallest one is made"
        )
    frames = results.load(runs)
    group = _group(rows.groups(frames), args.device)
    need = Need(
        args.styles,
        args.pictures,
        args.size,
        args.new_style_in,
        args.picture_in,
        args.within,
        args.memory,
        args.with_training,
        licences.barred(frames.records, group.rows) if args.commercial else {},
        args.prefer,
    )
    folders = dict(zip(frames.runs["run"], map(Path, frames.runs["path"]), strict=True))
    return choice.answer(group, need), folders


def _group(groups: Sequence[Group], device: str | None) -> Group:
    """That of this machine and device with the most rows, of these the newest; else another's.

    Raises:
        BenchError: nothing was measured on the device.
    """
    from bench.machine.processor import cpu

    kinds = {str(group.environment.device_type) for group in groups}
    if device is not None and device.partition(":")[0] not in kinds:
        raise BenchError(
            f"--device {device}: nothing was measured on it, but on {', '.join(sorted(kinds))}"
        )
    here = cpu()["cpu"]

    def merit(group: Group) -> tuple[bool, int, str]:
        newest = max((row.run for row in group.rows), default="")
        return group.environment.cpu == here, len(group.rows), newest

    kind = None if device is None else device.partition(":")[0]
    return max((g for g in groups if kind in (None, g.environment.device_type)), key=merit)
