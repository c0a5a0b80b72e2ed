"""`bench gate`: whether a change makes a method slower, for CI."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.commands import _shared
from bench.commands._shared import AddCommand
from bench.commands.compare import add_json, print_verdicts
from bench.compare import comparison
from bench.compare.tasks import SCOPES, GateRule, TimedTask
from bench.errors import BenchError

_EXAMPLES = """examples:
  bench gate origin/main --method metastyle                 this folder against a git revision
  bench gate v0.1 v0.2 --method metastyle --method johnson
  bench gate ../before/ ../after/ --method metastyle --scope adapt --size 64
  bench gate old/bin/python new/bin/python --method mine    two environments
  bench gate --save-baseline speed.json --method metastyle
  bench gate --baseline speed.json                          units of a reference workload

The exit status is 1 only where something is SLOW, and 2 where the gate cannot be held.
"""

_HERE = "."


def add(command: AddCommand) -> None:
    """The arguments of `bench gate`."""
    parser = command(
        "say whether a change makes a method slower, two versions side by side",
        _EXAMPLES,
        failure=2,
    )
    parser.add_argument(
        "base", nargs="?", metavar="BASE", help="git revision, source folder, or python executable"
    )
    parser.add_argument(
        "new", nargs="?", default=_HERE, metavar="NEW", help="likewise (default: this folder)"
    )
    _add_workload(parser)
    parser.add_argument(
        "--threshold",
        type=_shared.percent,
        metavar="PERCENT",
        help=f"the least difference that counts ({100 * GateRule.threshold:g}; with --baseline"
        f" {100 * comparison.THRESHOLD:g}); a noisier machine raises it",
    )
    parser.add_argument(
        "--max-seconds",
        type=_shared.positive,
        default=GateRule.max_seconds,
        metavar="S",
        help=f"of measuring, for each pair of processes ({GateRule.max_seconds:g})",
    )
    stored = parser.add_mutually_exclusive_group()
    stored.add_argument(
        "--baseline", type=Path, metavar="FILE", help="compare NEW with this instead of BASE"
    )
    stored.add_argument("--save-baseline", type=Path, metavar="FILE", help="measure NEW into it")
    parser.add_argument(
        "--seed", type=_shared.seed, default=0, metavar="N", help="of the turns (0)"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.add_argument(
        "--format", choices=comparison.FORMATS, default="plain", help="github: Markdown"
    )
    add_json(parser)
    _shared.add_out(parser)
    _shared.add_plugins(parser)


def _add_workload(parser: argparse.ArgumentParser) -> None:
    """What is timed, and on what."""
    parser.add_argument(
        "--method", action="append", default=[], metavar="NAME", help="to time; repeatable"
    )
    parser.add_argument(
        "--scope",
        action="append",
        choices=SCOPES,
        help="core (the default) or adapt; of a phase that iterates, one step; repeatable",
    )
    parser.add_argument(
        "--size", type=_shared.size, default=128, metavar="PX", help="of the picture (128)"
    )
    parser.add_argument("--device", default="cpu", help="cpu (the default), cuda, mps, xpu")
    parser.add_argument("--precision", choices=_shared.PRECISIONS[1:], default="float32")
    parser.add_argument(
        "--threads",
        type=_shared.threads,
        default=1,
        metavar="N",
        help="CPU threads (1, which is least disturbed by other processes)",
    )


def execute(args: argparse.Namespace, _: list[str]) -> int:
    """Measure, and print the verdicts; the status is 1 where one is SLOW."""
    from bench.compare.gate import compare_versions

    rule = GateRule(
        threshold=args.threshold or GateRule.threshold,
        max_seconds=args.max_seconds,
        min_seconds=min(GateRule.min_seconds, args.max_seconds),
    )
    if args.baseline or args.save_baseline:
        return _stored(args, rule)
    if args.base is None:
        raise BenchError("nothing to compare with: name a git revision, or give --baseline FILE")
    found = compare_versions(
        args.base, args.new, _tasks(args), rule, seed=args.seed, quiet=args.quiet
    )
    return print_verdicts(args, found)


def _stored(args: argparse.Namespace, rule: GateRule) -> int:
    """Measure in units of the reference workload; then BASE, if anything, is the new version."""
    from bench.compare import baseline

    new = args.base or args.new
    if args.save_baseline:
        baseline.save_baseline(
            new, _tasks(args), args.save_baseline, rule, seed=args.seed, quiet=args.quiet
        )
        print(args.save_baseline)
        return 0
    if args.method or args.scope or args.option:
        raise BenchError("--baseline says what to time: leave out --method, --scope and --option")
    found = baseline.against_baseline(
        args.baseline, new, rule, plugins=args.plugin, seed=args.seed, quiet=args.quiet
    )
    return print_verdicts(args, found)


def _tasks(args: argparse.Namespace) -> list[TimedTask]:
    from bench import options

    if not args.method:
        raise BenchError("no method: give --method NAME; bench list methods shows them")
    given = options.parse_pairs(args.option)
    for owner in given:
        if owner not in args.method:
            raise BenchError(f"--option {owner}.…: {owner} takes no part in this gate")
    return [
        TimedTask(
            method,
            given.get(method, {}),
            scope,
            args.size,
            args.device,
            args.precision,
            args.threads,
            tuple(args.plugin),
        )
        for method in dict.fromkeys(args.method)
        for scope in dict.fromkeys(args.scope or SCOPES[:1])
    ]
