"""`bench check`: whether a plugin keeps to the contract, and what to do where it does not."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from bench.commands import _shared
from bench.commands._shared import AddCommand

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.conformance import Outcome

EXAMPLES = """examples:
  bench check mine.py                                your plugin's file
  bench check my_package.tint                        a module
  bench check tint                                   an installed plugin, method, metric, ...
  bench check wrapped.py --option wrapped.checkpoint=net.pth
  bench check tint --quick --format json             for CI: exit status 1 when a check fails
"""

_SIGNS = {"passed": "ok", "failed": "FAIL", "not run": "-", "unseen": "?"}


def add(command: AddCommand) -> None:
    """The arguments of `bench check`."""
    parser = command("run the conformance suite on a plugin", EXAMPLES)
    parser.add_argument(
        "target", nargs="+", help="a file, a module, or the name of something installed"
    )
    parser.add_argument("--quick", action="store_true", help="leave the slow checks out")
    parser.add_argument("--format", choices=("plain", "json"), default="plain")
    parser.add_argument("--device", default="cpu", help="cpu (the default), auto, cuda, mps, xpu")
    _shared.add_plugins(parser)


def execute(args: argparse.Namespace, _: list[str]) -> int:
    """Print what came of each check; 1 where one failed."""
    from bench import conformance, options
    from bench.machine.device import choose_device

    todo = conformance.cases(
        *args.target,
        plugins=args.plugin,
        given=options.parse_pairs(args.option),
        device=choose_device(args.device),
        quick=args.quick,
    )
    outcomes = conformance.run(todo)
    if args.format == "json":
        rows = [_row(outcome) for outcome in outcomes]
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return int(any(row["status"] == "failed" for row in rows))
    return _print(outcomes)


def _row(outcome: Outcome) -> dict[str, Any]:
    case = outcome.case
    return {
        "kind": case.kind[:-1],
        "name": case.name,
        "check": case.check.__name__,
        "status": outcome.status,
        "message": outcome.message,
    }


def _print(outcomes: Iterable[Outcome]) -> int:
    from bench.conformance import words

    counts: dict[str, int] = {}
    heading = ""
    for outcome in outcomes:
        case = outcome.case
        title = f"{case.kind[:-1]} {case.name}"
        if title != heading:
            print(title if not heading else f"\n{title}")
            heading = title
        text = f"{words(case.check)}: {outcome.message}" if outcome.message else words(case.check)
        print(f"  {_SIGNS[outcome.status]:4}  {text}", flush=True)
        counts[outcome.status] = counts.get(outcome.status, 0) + 1
    listed = ", ".join(f"{count} {status}" for status, count in counts.items())
    print(
        f"\n{sum(counts.values())} checks: {'all passed' if set(counts) == {'passed'} else listed}"
    )
    return int("failed" in counts)
