"""Checks that every kind of plugin which runs code on pictures must pass."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import random
from typing import Any

import numpy as np
import torch

from bench import weights
from bench.conformance._simulation import DEVICE, Simulation
from bench.conformance._subject import Subject, Unseen, describe_error, require
from bench.conformance._watch import Kind, Seen, Watch


def has_its_weights(subject: Subject[Any]) -> None:
    """Declared weights are there and have the declared SHA-256 (else a BenchError says so)."""
    for needed, folders in subject.weights():
        weights.locate(needed, folders)


def runs(subject: Subject[Any]) -> None:
    """Does its work once without an error."""
    subject.exercise()


def prints_nothing(subject: Subject[Any]) -> None:
    """Neither standard output nor standard error is written to."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        subject.exercise()
    text = printed.getvalue()
    require(not text, f"it printed {text[:60]!r}: take that out, progress is the runner's to show")


def leaves_global_state_alone(subject: Subject[Any]) -> None:
    """No global seed is set, no random state outside torch is used, no global mode is changed."""
    torch.manual_seed(1234)
    before = _global_state()
    seeds = _seen(subject, "seed")
    require(
        not seeds,
        f"it sets a global seed: {_list(seeds)}; take that out, the runner seeds torch before "
        f"each phase",
    )
    for name, value in _global_state().items():
        if name.startswith("the state of"):
            remedy = "random numbers come from torch, which the runner seeds"
        else:
            remedy = "that is the runner's, leave it"
        require(value == before[name], f"{name} was changed: {remedy}")


def owns_no_clock(subject: Subject[Any]) -> None:
    """Its code reads no clock, does not sleep and does not synchronise the device."""
    clocks = _seen(subject, "clock")
    require(
        not clocks,
        f"it uses a clock: {_list(clocks)}; take that out, the runner times each phase and "
        f"synchronises the device",
    )


def touches_only_declared_files(subject: Subject[Any]) -> None:
    """It opens no file but declared weights and paths among its options, and no connection."""
    files = _seen(subject, "file", "network")
    require(
        not files,
        f"it opens what it does not declare: {_list(files)}; name weights in `weights` or "
        f"`needs`, other files in an option with path=True",
    )


def records_what_it_depends_on(subject: Subject[Any]) -> None:
    """It reads no environment variable: no run would record that."""
    read = _seen(subject, "environment")
    require(
        not read,
        f"it reads {_list(read)}, which no run records: make it an option",
    )


def keeps_to_its_device(subject: Subject[Any]) -> None:
    """All its tensors are made on, or moved to, the context's device.

    On a machine without an accelerator one is simulated.
    """
    if subject.context.device.type != "cpu":
        return  # `runs` has shown it
    context = dataclasses.replace(subject.context, device=DEVICE, _encoders={})
    simulation = Simulation()
    try:
        with simulation:
            outputs = subject.within(context).exercise()
    except AssertionError as error:
        raise AssertionError(describe_error(error, subject.cls, always_where=True)) from error
    except Exception as error:
        cause = describe_error(error, subject.cls)
        raise Unseen(
            f"an accelerator cannot be simulated for it ({cause}): check on a machine that has "
            f"one, with --device"
        ) from error
    for tensor in outputs:
        require(
            simulation.is_there(tensor),
            "what it gives lies on the host, not on the device: leave it on self.context.device",
        )


def _seen(subject: Subject[Any], *kinds: Kind) -> list[Seen]:
    with Watch(subject.cls, subject.files()) as watch:
        subject.exercise()
    return [seen for seen in watch.seen if seen.kind in kinds]


def _list(seen: list[Seen]) -> str:
    return ", ".join(map(str, seen))


def _global_state() -> dict[str, Any]:
    numpy_state: Any = np.random.get_state()
    return {
        "torch's seed": torch.initial_seed(),
        "the state of random": random.getstate(),
        "the state of numpy.random": (numpy_state[1].tobytes(), *numpy_state[2:]),
        "torch's gradient mode": torch.is_grad_enabled(),
        "torch's default dtype": torch.get_default_dtype(),
        "torch's number of threads": torch.get_num_threads(),
        "torch's deterministic mode": torch.are_deterministic_algorithms_enabled(),
    }
