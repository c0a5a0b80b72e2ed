"""`bench study`: a question that several commands answer, run one after the other."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from bench.commands import _shared
from bench.commands._shared import AddCommand
from bench.errors import BenchError, unknown
from bench.studies import STUDIES, Setting, Step

EXAMPLES = """examples:
  bench study metastyle-ablations --content PHOTOS/ --style ART/ --out ablations/
  bench study metastyle-ablations --content PHOTOS/ --style ART/ --out ablations/ --dry-run
  bench report --runs ablations/runs --curves

Ended by Ctrl-C, the same command goes on where it was.
"""


def add(command: AddCommand) -> None:
    """The arguments of `bench study`."""
    questions = "; ".join(f"{name}: {study.question}" for name, study in STUDIES.items())
    made = command("train and compare what a study asks for", EXAMPLES)
    made.add_argument("study", metavar="STUDY", help=questions)
    for name, help in (("content", "training photographs"), ("style", "training styles")):
        made.add_argument(
            f"--{name}",
            action="append",
            required=True,
            metavar="PATH",
            help=f"{help}: folder or file; repeatable",
        )
    made.add_argument("--out", type=Path, required=True, metavar="DIR", help="where all goes")
    made.add_argument(
        "--size", type=_shared.size, default=64, metavar="PX", help="side of the crops (64)"
    )
    made.add_argument(
        "--budget",
        type=_shared.count,
        default=1500,
        metavar="N",
        help="gradients of two crops per arm (1500)",
    )
    made.add_argument(
        "--start",
        type=Path,
        metavar="FILE",
        help="weights that all arms start from; by default made first, with one arm's budget",
    )
    made.add_argument("--dry-run", action="store_true", help="only show the commands")
    _shared.add_machine(made)


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
    setting = Setting(
        args.out.absolute(), args.content, args.style, args.size, args.budget,
        args.start and args.start.absolute(), machine,
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
    return 0


def going_on(step: Step) -> list[str] | None:
    """The words that do what is left of a step; None where nothing is."""
    words = list(step.words)
    if words[0] == "run":
        from bench import results

        begun = results.find_runs(step.makes)
        quiet = [word for word in words if word == "--quiet"]
        return ["run", "--resume", str(begun[-1]), *quiet] if begun else words
    from bench import weights

    if not step.makes.with_suffix(".state").exists():
        return words
    wanted = words[words.index("--steps") + 1]
    done = step.makes.exists() and weights.metadata(step.makes).get("steps") == wanted
    return None if done else [*words, "--resume"]


def line(step: Step) -> str:
    """A step as one would type it."""
    return shlex.join(["bench", *step.words])
