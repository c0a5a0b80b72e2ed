"""`bench study`: a question that several commands answer, run one after the other."""

from __future__ import annotations

import argparse
import itertools
import shlex
from pathlib import Path

from bench.commands import _shared
from bench.commands._shared import AddCommand
from bench.errors import BenchError, unknown
from bench.study.studies import STUDIES, Setting, Step

EXAMPLES = """examples:
  bench study judges --out judges/                        on embedded pictures, half an hour
  bench study judges --out judges/ --metric mine --plugin mine.py
  bench study metastyle-ablations --content PHOTOS/ --style ART/ --out ablations/
  bench study metastyle-ablations --content PHOTOS/ --style ART/ --out ablations/ --dry-run
  bench report --runs ablations/runs --curves

Ended by Ctrl-C, the same command goes on where it was.
"""


def add(command: AddCommand) -> None:
    """The arguments of `bench study`."""
    questions = "; ".join(f"{name}: {study.question}" for name, study in STUDIES.items())
    parser = command("do the runs that a question asks for, and compare", EXAMPLES)
    parser.add_argument("study", metavar="STUDY", help=questions)
    for name, help in (("content", "photographs"), ("style", "styles")):
        parser.add_argument(
            f"--{name}",
            action="append",
            default=[],
            metavar="PATH",
            help=f"{help}: folder or file; repeatable",
        )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where all goes")
    parser.add_argument(
        "--size",
        type=_shared.size,
        metavar="PX",
        help="side of the pictures (judges: 128), of the crops (ablations: 64)",
    )
    parser.add_argument(
        "--budget",
        type=_shared.count,
        metavar="N",
        help="optimisation steps of the best pictures (judges: 300), gradients of two crops per "
        "arm (ablations: 1500)",
    )
    parser.add_argument(
        "--start",
        type=Path,
        metavar="FILE",
        help="weights that all arms start from; by default made first, with one arm's budget",
    )
    _shared.add_metrics(parser)
    _shared.add_plugins(parser, options=False)
    parser.add_argument("--dry-run", action="store_true", help="only show the commands")
    _shared.add_machine(parser)


def execute(args: argparse.Namespace, _: list[str]) -> int:
    """Do the study's commands that are not done yet."""
    from bench.cli import main

    if args.study not in STUDIES:
        raise unknown("study", args.study, STUDIES)
    if args.start is not None and not args.start.is_file():
        raise BenchError(f"--start {args.start}: there is no such file")
    machine = ["--device", args.device, "--precision", args.precision, "--seed", str(args.seed)]
    machine += ["--threads", str(args.threads)] if args.threads else []
    machine += ["--quiet"] if args.quiet else []
    metrics = [word for name in args.metric for word in ("--metric", name)]
    metrics += [word for plugin in args.plugin for word in ("--plugin", plugin)]
    setting = Setting(
        args.out.absolute(), args.content, args.style, args.size, args.budget,
        args.start and args.start.absolute(), machine, metrics,
    )  # fmt: skip
    args.interrupted = "; the same command goes on where it was"
    steps = STUDIES[args.study].steps(setting)
    for number, step in enumerate(steps, 1):
        words = going_on(step)
        print(f"[{number}/{len(steps)}] " + ("done: " if words is None else "") + line(step))
        if words is None or args.dry_run:
            continue
        status = main(words)
        if status:
            return status
    conclude = STUDIES[args.study].conclude
    if conclude is not None and not args.dry_run:
        print("\n" + conclude(setting))
    return 0


def going_on(step: Step) -> list[str] | None:
    """The words that do what is left of a step; None where nothing is."""
    from bench import results

    words = list(step.words)
    if words[0] == "run":
        begun = results.find_runs(step.makes)
        kept = [word for word in words if word == "--quiet"]
        for option, value in itertools.pairwise(words):
            kept += [option, value] if option == "--plugin" else []
        return ["run", "--resume", str(begun[-1]), *kept] if begun else words
    if words[0] == "degrade":
        return None if step.makes.exists() else words
    if words[0] == "score":
        scored = results.find_runs(step.makes)
        kinds = (
            [results.completed(scored[-1], kind) for kind in ("cells", "scores")] if scored else []
        )
        return None if kinds and kinds[0] == kinds[1] else words
    from bench import weights

    if not step.makes.with_suffix(".state").exists():
        return words
    wanted = words[words.index("--steps") + 1]
    done = step.makes.exists() and weights.metadata(step.makes).get("steps") == wanted
    return None if done else [*words, "--resume"]


def line(step: Step) -> str:
    """A step as one would type it."""
    return shlex.join(["bench", *step.words])
