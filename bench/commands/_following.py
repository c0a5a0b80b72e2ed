"""What `--protocol` makes of the other arguments of `bench run`."""

from __future__ import annotations

import argparse

from bench.protocols import Protocol


def profile_name(args: argparse.Namespace) -> str:
    """The profile that is asked for, else the usual one: a protocol cuts no method's budget."""
    name: str = args.profile or ("standard" if args.protocol else "quick")
    return name


def follow(args: argparse.Namespace, protocol: Protocol) -> list[str]:
    """Let the arguments that were not given be the protocol's; name those that differ from it."""
    differs = []
    paths_given = bool(args.content or args.style)
    dataset = args.dataset or ("folder" if paths_given else protocol.dataset)
    if dataset != protocol.dataset:
        differs.append(f"dataset {dataset} instead of {protocol.dataset}")
    args.dataset = dataset
    if args.size and sorted(set(args.size)) != sorted(protocol.sizes):
        wanted = " and ".join(map(str, protocol.sizes))
        differs.append(f"{' and '.join(map(str, args.size))} px instead of {wanted}")
    args.size = args.size or list(protocol.sizes)
    if args.metric and set(args.metric) != set(protocol.metrics):
        differs.append("other metrics")
    args.metric = args.metric or list(protocol.metrics)
    return differs


def counted(protocol: Protocol | None, contents: int, styles: int) -> list[str]:
    """How many pictures there are, where the protocol has another number of them."""
    if protocol is None:
        return []
    return [
        f"{found} {role} instead of {wanted}"
        for role, found, wanted in (
            ("contents", contents, protocol.contents),
            ("styles", styles, protocol.styles),
        )
        if wanted is not None and found != wanted
    ]
