"""Whether `bench run` works in processes of their own, and their server."""

from __future__ import annotations

import argparse

from bench.commands import _shared
from bench.commands._following import profile_name


def add(parser: argparse.ArgumentParser) -> None:
    """`--isolate` and `--hang-seconds`."""
    parser.add_argument(
        "--isolate",
        action=argparse.BooleanOptionalAction,
        help="work in processes of their own, one for each method's pictures: what crashes or hangs"
        " is a row; by default on Linux and a CPU, where that is cheap, but for short profiles",
    )
    parser.add_argument(
        "--hang-seconds",
        type=_shared.seconds,
        default=3600.0,
        metavar="S",
        help="end such a process in which nothing has happened for so long (3600)",
    )


def isolation_is_cheap(args: argparse.Namespace) -> bool:
    """Whether processes of their own cost a run hardly anything.

    On another device than the CPU each would have to initialise it, and to hold memory there.
    """
    from bench.machine.device import choose_device
    from bench.run import isolation
    from bench.run.profiles import PROFILES

    profile = PROFILES.get(profile_name(args))
    if profile is None or not isolation.is_cheap():
        return False
    return profile.isolate and choose_device(args.device).type == "cpu"


def prepare(isolate: bool) -> None:
    """Let the server of processes start, where one is wanted, while the rest is planned."""
    if isolate:
        from bench.run import isolation

        isolation.prepare()
