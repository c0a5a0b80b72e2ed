"""`bench vote`: the blind test on a local page."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.commands import _shared
from bench.commands._shared import AddCommand


def add(command: AddCommand) -> None:
    """The arguments of `bench vote`."""
    parser = command(
        "judge pairs of pictures without knowing the methods, on a local page",
        "examples:\n"
        "  bench vote                                  the newest run\n"
        "  bench vote runs/20261122-101500-1a2b --voter ann --open\n"
        "  bench report                                the scores, beside the metrics\n",
    )
    parser.add_argument("run", nargs="?", type=Path, help="run folder; default: the newest")
    parser.add_argument("--runs", type=Path, default=_shared.RUNS, metavar="DIR")
    parser.add_argument(
        "--size", type=_shared.size, metavar="PX", help="which pictures; default: the largest"
    )
    parser.add_argument("--voter", default="", metavar="NAME", help="recorded with the votes")
    parser.add_argument(
        "--port", type=_port, default=0, metavar="N", help="default: one that is free"
    )
    parser.add_argument("--open", action="store_true", help="open the page in the browser")
    parser.add_argument(
        "--seed", type=_shared.seed, metavar="N", help="of what is drawn; default: random"
    )


def _port(text: str) -> int:
    return _shared.whole(text, 0, 65535, "port")


def execute(args: argparse.Namespace, _: list[str]) -> int:
    """Serve the page until Ctrl-C."""
    from bench import results
    from bench.vote.ballot import Ballot, material
    from bench.vote.server import serve
    from bench.vote.votes import FILE

    run = args.run or results.latest(args.runs)
    ballot = Ballot(material(run, args.size), args.voter, args.seed)
    count = len(ballot.votes())  # a damaged file is told now
    server, address = serve(ballot, args.port)
    print(f"{address}\nvotes so far: {count}; Ctrl-C ends it, nothing is lost", flush=True)
    if args.open:
        import webbrowser

        webbrowser.open(address)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print(f"\nvotes in {run / FILE}: {len(ballot.votes())}")
    finally:
        server.server_close()
    return 0
