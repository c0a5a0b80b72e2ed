"""What went wrong as a status and one line."""

import pytest
import torch

from bench.contract import Context, Precision
from bench.errors import BenchError, NeedError, StorageError
from bench.run import failures


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (NeedError("get it"), "skipped", "get it"),
        (BenchError("wrong"), "error", "wrong"),
        (MemoryError(), "oom", "MemoryError"),
        (RuntimeError("[enforce fail] can't allocate memory"), "oom", None),
        (ValueError("odd\nmore"), "error", "ValueError: odd"),
        (ValueError("why:\n  a\nb\nc\nd"), "error", "ValueError: why: a b c"),
    ],
)
def test_status_and_reason(error, status, reason):
    found = failures.describe_failure(error)
    assert found[0] == status
    assert reason is None or found[1] == reason


def test_the_place_of_a_failure_is_named():
    def fail():
        raise ZeroDivisionError("by nought")

    context = Context(torch.device("cpu"), Precision(), None, None)
    with failures.failures("x", context) as outcome:
        fail()
    line = fail.__code__.co_firstlineno + 1
    assert (outcome.status, outcome.reason) == (
        "error",
        f"ZeroDivisionError: by nought (test_failures.py:{line})",
    )


def test_a_full_disk_and_a_dead_device_are_no_rows(monkeypatch):
    context = Context(torch.device("cpu"), Precision(), None, None)
    with pytest.raises(StorageError), failures.failures("x", context):
        raise StorageError("full")

    def dead(device):
        raise RuntimeError("launch failure\nmore")

    monkeypatch.setattr(failures, "synchronize", dead)
    with (
        pytest.raises(BenchError, match=r"x left cpu unusable \(launch failure\); go on with"),
        failures.failures("x", context),
    ):
        raise ValueError
