"""Whether `bench run` works in processes of their own, and their server."""

from __future__ import annotations

import argparse

from bench.commands._following import profile_name


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
