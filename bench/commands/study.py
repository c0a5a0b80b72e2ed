"""`bench study`: a question that several commands answer, run one after the other."""

from __future__ import annotations

import argparse
import itertools
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.commands import _elsewhere, _shared
from bench.commands._shared import AddCommand
from bench.errors import BenchError, unknown
from bench.study.studies import STUDIES, Setting, Step, waves

if TYPE_CHECKING:
    from bench.run.engines import Engine

LOSSES = 5
"""So often workers of one group of commands may be lost."""

EXAMPLES = """examples:
  bench study judges --out judges/                        on embedded pictures, half an hour
  bench study judges --out judges/ --metric mine --plugin mine.py
  bench study metastyle-ablations --content PHOTOS/ --style ART/ --out ablations/
  bench study metastyle-ablations --content PHOTOS/ --style ART/ --out ablations/ --dry-run
  bench study metastyle-ablations --content PHOTOS/ --style ART/ --out ablations/ --on slurm \\
      --workers 10 --engine partition=gpu --engine gpus=1 --engine minutes=240
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
    _elsewhere.add_engine(parser, "commands that need nothing of each other go there as jobs")
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
    engine = _elsewhere.engine(args)
    steps = STUDIES[args.study].steps(setting)
    for wave in waves(steps) if engine else [[step] for step in steps]:
        for step in wave:
            done = "done: " * (going_on(step) is None)
            print(f"[{steps.index(step) + 1}/{len(steps)}] {done}{line(step)}", flush=True)
        left = [words for words in map(going_on, wave) if words is not None]
        if args.dry_run or not left:
            continue
        if engine is not None and len(left) > 1:
            do_elsewhere(engine, wave, setting.folder)
        elif status := next(filter(None, map(main, left)), 0):
            return status
    conclude = STUDIES[args.study].conclude
    if conclude is not None and not args.dry_run:
        print("\n" + conclude(setting))
    return 0


@dataclass(frozen=True)
class Command:
    """Does a command of bench in a process of its own; it can be pickled.

    Attributes:
        folder: from which the command is typed.
    """

    folder: Path

    def __call__(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """The words, when they are done.

        Raises:
            BenchError: the command has failed.
        """
        command = [sys.executable, "-m", "bench", *words]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise BenchError(f"{shlex.join(['bench', *words])}: {last}")
        return words


def do_elsewhere(engine: Engine, steps: Sequence[Step], folder: Path) -> None:
    """Do steps that need nothing of each other, and go on with those whose workers are lost.

    Raises:
        BenchError: a command fails, or workers are lost again and again.
    """
    from bench.run.engines import WorkersLostError

    for _ in range(LOSSES):
        left = [tuple(words) for words in map(going_on, steps) if words is not None]
        try:
            for words in engine.work(Command(Path.cwd()), left, folder):
                print("finished: " + shlex.join(["bench", *words]), flush=True)
            return
        except WorkersLostError as error:
            _shared.warn(f"workers were lost ({error}): what they had begun goes on elsewhere")
    raise BenchError(f"workers were lost {LOSSES} times: the same command goes on")


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
