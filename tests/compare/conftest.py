"""Folders of a method that sleeps, as versions to compare."""

import random
from pathlib import Path

import pytest
from helpers.checkout import ROOT
from helpers.gating import PLUGIN, RULE, TASK, Simulated

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


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Two versions of the package, made of links; a method sleeps longer in the new one."""
    monkeypatch.setenv("BENCH_PLUGINS", "0")

    def make(name, seconds):
        folder = tmp_path / name
        (folder / "methods").mkdir(parents=True)
        (folder / "bench").symlink_to(ROOT / "bench")
        (folder / "methods" / "__init__.py").touch()
        (folder / "methods" / "sleeper.py").write_text(PLUGIN.format(seconds=seconds))
        for part in ("metrics", "datasets"):
            (folder / part).mkdir()
            (folder / part / "__init__.py").touch()
        return str(folder)

    return make("before", 0.010), make("after", 0.013)
