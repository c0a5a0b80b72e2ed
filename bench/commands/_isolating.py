"""Whether `bench run` works in processes of their own, and their server."""

from __future__ import annotations

import argparse


def isolation_is_cheap(args: argparse.Namespace) -> bool:
    """Whether processes of their own cost a run hardly anything.

    On another device than the CPU each would have to initialise it, and to hold memory there.
    """
    from bench.machine.device import choose_device
    from bench.run import isolation
    from bench.run.profiles import PROFILES

    if not isolation.is_cheap() or args.profile not in PROFILES:
        return False
    return PROFILES[args.profile].isolate and choose_device(args.device).type == "cpu"


def prepare(isolate: bool) -> None:
    """Let the server of processes start, where one is wanted, while the rest is planned."""
    if isolate:
        from bench.run import isolation

        isolation.prepare()
