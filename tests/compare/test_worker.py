"""What a worker times: a step of what iterates, of its own version or of an older one."""

import subprocess

import pytest
from helpers.checkout import ROOT

from bench.cli import main

FLAT = "7c0bb4f2ddae"
"""A commit of this repository from before `bench` had rooms: everything lay flat."""


@pytest.mark.timeout(300)  # two processes import torch
def test_a_revision_with_other_modules_is_measured_too(monkeypatch, capsys):
    held = subprocess.run(["git", "cat-file", "-e", f"{FLAT}^{{commit}}"], cwd=ROOT)
    if held.returncode:
        pytest.skip(f"needs the repository's history back to {FLAT}: git fetch --unshallow")
    monkeypatch.setenv("BENCH_PLUGINS", "0")
    monkeypatch.chdir(ROOT)
    # since then each call is guarded: microseconds, which are a multiple of doing nothing
    words = ["--method", "identity", "--max-seconds", "0.2", "--threshold", "900", "--size", "32"]
    status = main(["gate", FLAT, *words, "--scope", "core", "--scope", "adapt", "--quiet"])
    printed = capsys.readouterr()
    assert (status, printed.err) == (0, "")
    assert f"base {FLAT} ({FLAT})" in printed.out
    assert printed.out.count("identity") == 2


def test_a_call_is_a_step_of_what_iterates():
    from bench.compare.worker import stepping

    log = []

    def three():
        for step in ("ready", "one", "two"):
            log.append(step)
            yield step

    call = stepping(three)
    calls = [log[:] for _ in range(4) if not log.clear() and not call()]
    assert calls == [["ready", "one"], ["two"], ["ready", "one"], ["two"]]
    whole = stepping(lambda: iter(["all"]))
    assert [whole() for _ in range(2)] == [None, None]
