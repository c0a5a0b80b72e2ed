"""Failures as rows: a status and a reason instead of an exception."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from bench.contract import Context
from bench.errors import BenchError, NeedError, StorageError, first_words, text_of
from bench.machine.clock import synchronize
from bench.results import Status


@dataclass
class Outcome:
    """How a piece of work ended."""

    status: Status = "ok"
    reason: str = ""


@contextmanager
def failures(name: str, context: Context) -> Iterator[Outcome]:
    """Turn an exception of a method's into the outcome's status and reason.

    Raises:
        BenchError: the device itself or (`StorageError`) the disk has failed, and with it all
            that would come after.
    """
    outcome = Outcome()
    try:
        yield outcome
    except StorageError:
        raise
    except Exception as error:
        outcome.status, outcome.reason = describe_failure(error)
        try:
            synchronize(context.device)
        except RuntimeError as dead:
            cause = first_words(str(dead))
            raise BenchError(
                f"{name} left {context.device} unusable ({cause}); go on with bench run --resume"
            ) from None


def describe_failure(error: BaseException) -> tuple[Status, str]:
    """Status and one-line reason of what went wrong."""
    if isinstance(error, BenchError):
        return "skipped" if isinstance(error, NeedError) else "error", str(error)
    text = f"{type(error).__name__}: {first_words(text_of(error))}".rstrip(": ")
    memory = ("out of memory", "can't allocate memory", "not enough memory")
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)) or (
        isinstance(error, RuntimeError) and any(word in text_of(error).lower() for word in memory)
    ):
        return "oom", text
    frames = traceback.extract_tb(error.__traceback__)
    if frames:
        text += f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})"
    return "error", text
