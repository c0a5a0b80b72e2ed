"""The number of threads, and how they wait."""

import os
import subprocess
import sys

import pytest
import torch

from bench.contract import Precision
from bench.machine import threads

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    monkeypatch.setattr(threads, "current_reason", threads.DEFAULT)
    for name in threads.THREADS:
        monkeypatch.delenv(name, raising=False)
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def taking(monkeypatch):
    """Has the workload take so many seconds by a number of threads, or these one after another."""

    def set_seconds(seconds):
        turns = {count: [] for count in seconds}

        def timed(call, device):
            count = torch.get_num_threads()
            turns[count].append(None)
            taken = seconds[count]
            return None, taken[len(turns[count]) - 1] if isinstance(taken, list) else taken

        monkeypatch.setattr(threads, "workload", lambda device, precision: lambda: None)
        monkeypatch.setattr(threads, "timed", timed)
        return turns

    return set_seconds


@pytest.mark.parametrize(
    ("seconds", "chosen"),
    [
        ({1: 0.47, 2: 0.34}, 2),  # idle cores
        ({1: 0.47, 2: 0.83}, 1),  # another process on one of them
        ({1: 0.40, 2: 0.37}, 1),  # a gain too small to keep a core busy for
        ({1: 1.0, 2: 0.5, 4: 0.3, 6: 0.29}, 4),
        ({1: 1.0, 2: 0.5, 4: 0.45, 6: 0.2}, 6),
    ],
)
def test_the_fewest_threads_that_are_about_as_fast_as_any(taking, seconds, chosen):
    turns = taking(seconds)
    assert threads.probe(max(seconds), Precision())[0] == chosen
    assert list(turns) == sorted(seconds)


def test_a_lucky_moment_decides_nothing(taking):
    taking({1: 0.5, 2: [0.3, 0.9, 0.8, 0.3, 0.9]})
    chosen, reason = threads.probe(2, Precision())
    assert chosen == 1
    assert reason == "probe of threads: 1: 500.0 ms, 2: 800.0 ms"


def test_what_is_hopeless_is_not_asked_again(taking):
    turns = taking({1: 0.5, 2: 7.0})
    assert threads.probe(2, Precision())[0] == 1
    assert [len(taken) for taken in turns.values()] == [threads.ROUNDS, 1]


def test_the_probe_leaves_the_number_as_it_was():
    torch.set_num_threads(2)
    chosen, _ = threads.probe(2, Precision("bfloat16", True))
    assert chosen in (1, 2)
    assert torch.get_num_threads() == 2


def test_what_is_found_is_taken_and_said(monkeypatch):
    torch.set_num_threads(2)
    monkeypatch.setattr(threads, "probe", lambda most, precision: (most - 1, "because"))
    threads.ask_threads(None)
    threads.fit_threads(torch.device("cuda"), Precision())
    assert (torch.get_num_threads(), threads.reason()) == (2, threads.DEFAULT)
    threads.fit_threads(CPU, Precision())
    assert (torch.get_num_threads(), threads.reason()) == (1, "because")


@pytest.mark.parametrize("asked", [3, None])
def test_the_users_own_number_stays(monkeypatch, asked):
    monkeypatch.setattr(threads, "probe", lambda *_: pytest.fail("probed"))
    monkeypatch.setenv("MKL_NUM_THREADS", "2")
    torch.set_num_threads(2)
    threads.ask_threads(asked)
    threads.fit_threads(CPU, Precision())
    expected = (3, "asked for") if asked else (2, "MKL_NUM_THREADS")
    assert (torch.get_num_threads(), threads.reason()) == expected


COMMAND = """
import contextlib, os, sys
from bench import cli
with contextlib.suppress(SystemExit):
    cli.main(["--version"])
assert "torch" not in sys.modules
print(os.environ.get("OMP_WAIT_POLICY"))
"""


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "PASSIVE"),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE"),
        ({"GOMP_SPINCOUNT": "100"}, "None"),
        ({"KMP_BLOCKTIME": "1"}, "None"),
    ],
)
def test_threads_wait_passively_unless_the_user_says_otherwise(given, expected):
    names = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
    clean = {name: value for name, value in os.environ.items() if name not in names}
    run = [sys.executable, "-c", COMMAND]
    done = subprocess.run(run, env=clean | given, capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == expected


def test_once_torch_has_read_it_nothing_is_claimed(monkeypatch):
    from bench.machine import openmp

    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"):
        monkeypatch.delenv(name, raising=False)
    openmp.wait_passively()
    assert "OMP_WAIT_POLICY" not in os.environ
