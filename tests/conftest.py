"""What all tests share: haste, and a run folder made by hand."""

import gc
import os
import signal
from dataclasses import replace
from pathlib import Path

# Before torch is loaded: what tests compute is tiny, and two threads that wait for each other by
# spinning take ten times as long wherever something else runs on the machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as commands have it that tests start

import pytest
import torch
from helpers.made_run import make_run
from helpers.whole import is_whole

from bench.run import profiles

# As in a terminal: who starts tests in the background has them ignore Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser):
    parser.addoption("--fast", action="store_true", help="unit tests alone, in less than a minute")


def pytest_xdist_auto_num_workers(config):
    """A process a core and one more for folders, none for files: each has to load torch first.

    One more, since a sixth of the tests' time is spent waiting for processes that they start.
    """
    if all(Path(arg.partition("::")[0]).is_file() for arg in config.args):
        return 0
    return len(os.sched_getaffinity(0)) + 1 if hasattr(os, "sched_getaffinity") else None


def pytest_configure():
    """An accelerator that is not there keeps a stack for each seed, of all of pytest's frames."""
    for backend in (torch.cuda, torch.xpu, torch.mtia):
        if not backend.is_available():
            backend.manual_seed_all = lambda seed: None


def pytest_ignore_collect(collection_path, config):
    return True if config.getoption("--fast") and is_whole(collection_path) else None


def pytest_runtest_setup(item):
    if item.get_closest_marker("gpu") and not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")


def pytest_collection_finish():
    gc.callbacks.append(_settle)
    gc.collect()


def _settle(phase, info):
    """What a full collection leaves is not looked through again: torch, and networks of tests.

    `peak_memory` collects for every cell, of which there are thousands here: a third of all time.
    """
    if phase == "stop" and info["generation"] == 2:
        gc.freeze()


def pytest_sessionfinish():
    if _settle in gc.callbacks:
        gc.callbacks.remove(_settle)
    gc.unfreeze()


@pytest.fixture(autouse=True)
def _hasty(monkeypatch):
    """A smoke test's timings, of which there are dozens here, are shorter still."""
    smoke = profiles.PROFILES["smoke"]
    hasty = {"max_seconds": 0.02, "warmup_seconds": 0.01, "slice_seconds": 0.005}
    sampling = {**smoke.sampling, **hasty}
    monkeypatch.setitem(profiles.PROFILES, "smoke", replace(smoke, sampling=sampling))


@pytest.fixture
def fake_run(tmp_path, monkeypatch):
    """A function that writes a run under `tmp_path / "runs"` and returns its folder."""
    monkeypatch.setattr("os.fsync", lambda _: None)  # no test here cuts the power

    def make(*args, **changes):
        return make_run(tmp_path / "runs", *args, **changes)

    return make
