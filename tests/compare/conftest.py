"""Folders of a method that sleeps, as versions to compare."""

import random
from pathlib import Path

import pytest
from helpers.gating import RULE, TASK, Simulated

from bench.compare import gate, turns


@pytest.fixture
def simulated(monkeypatch):
    """A function that makes a gate and gives its row."""

    def make(seed=0, slowdown=0.0, bias=(), rule=RULE):
        class Machine(Simulated):
            pass

        Machine.slowdown = {("new", "core"): slowdown}
        Machine.bias, Machine.started, Machine.random = list(bias), [], random.Random(seed)
        monkeypatch.setattr(turns, "WorkerProcess", Machine)
        monkeypatch.setattr(gate, "resolve", lambda text, _: text)
        taken = gate.look_twice(
            TASK,
            [("old", TASK), ("new", TASK)],
            lambda rounds: gate.paired_difference(rounds, rule),
            Path(),
            rule,
            seed,
            True,
        )
        assert len(Machine.started) == 2 * taken.launches
        return taken

    return make
