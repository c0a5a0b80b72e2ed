"""`bench check`: whether a plugin keeps to the contract, or a run is fit for a public table."""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from bench.commands import _shared
from bench.commands._shared import AddCommand

Row = dict[str, str]

EXAMPLES = """examples:
  bench check mine.py                                your plugin's file
  bench check my_package.tint                        a module
  bench check tint                                   an installed plugin, method, metric, ...
  bench check wrapped.py --option wrapped.checkpoint=net.pth
  bench check tint --quick --format json             for CI: exit status 1 when a check fails
  bench check public/my-laptop                       a run folder, before it is submitted
"""

_SIGNS = {"passed": "ok", "failed": "FAIL", "not run": "-", "unseen": "?"}


def add(command: AddCommand) -> None:
    """The arguments of `bench check`."""
    parser = command("check a plugin's conformance, or a run that is to be public", EXAMPLES)
    parser.add_argument(
        "target",
        nargs="+",
        help="a file, a module, the name of something installed, or a run folder",
    )
    parser.add_argument("--quick", action="store_true", help="leave the slow checks out")
    parser.add_argument("--format", choices=("plain", "json"), default="plain")
    parser.add_argument("--device", default="cpu", help="cpu (the default), auto, cuda, mps, xpu")
    _shared.add_plugins(parser)


def execute(args: argparse.Namespace, _: list[str]) -> int:
    """Print what came of each check; 1 where one failed."""
    runs = [target for target in args.target if _is_run(Path(target))]
    plugins = [target for target in args.target if target not in runs]
    rows = _of_runs(runs)
    if plugins:
        rows = itertools.chain(rows, _of_plugins(plugins, args))
    if args.format == "json":
        outcomes = list(rows)
        print(json.dumps(outcomes, indent=2, ensure_ascii=False))
        return int(any(row["status"] == "failed" for row in outcomes))
    return _print(rows)


def _is_run(path: Path) -> bool:
    """A name alone may be both a plugin's and a folder's: such a folder has to hold a run."""
    return path.is_dir() and (len(path.parts) > 1 or (path / "run.json").is_file())


def _of_runs(paths: Sequence[str]) -> Iterator[Row]:
    from bench import __version__
    from bench.results import submission
    from bench.weights.files import SHIPPED

    for path in paths:
        for check, found in submission.problems(Path(path), __version__, SHIPPED):
            yield {
                "kind": "run",
                "name": path,
                "check": check.__name__,
                "status": "failed" if found else "passed",
                "message": "; ".join(found),
            }


def _of_plugins(targets: Sequence[str], args: argparse.Namespace) -> Iterator[Row]:
    """All are found before the first is checked."""
    from bench import conformance, options
    from bench.machine.device import choose_device

    todo = conformance.cases(
        *targets,
        plugins=args.plugin,
        given=options.parse_pairs(args.option),
        device=choose_device(args.device),
        quick=args.quick,
    )
    return (
        {
            "kind": outcome.case.kind[:-1],
            "name": outcome.case.name,
            "check": outcome.case.check.__name__,
            "status": outcome.status,
            "message": outcome.message,
        }
        for outcome in conformance.run(todo)
    )


def _print(rows: Iterable[Row]) -> int:
    counts: dict[str, int] = {}
    heading = ""
    for row in rows:
        title = f"{row['kind']} {row['name']}"
        if title != heading:
            print(title if not heading else f"\n{title}")
            heading = title
        text = row["check"].replace("_", " ") + (row["message"] and f": {row['message']}")
        print(f"  {_SIGNS[row['status']]:4}  {text}", flush=True)
        counts[row["status"]] = counts.get(row["status"], 0) + 1
    listed = ", ".join(f"{count} {status}" for status, count in counts.items())
    print(
        f"\n{sum(counts.values())} checks: {'all passed' if set(counts) == {'passed'} else listed}"
    )
    return int("failed" in counts)
