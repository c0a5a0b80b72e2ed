"""Several devices: a run for each, looked for before the first."""

from pathlib import Path

import pytest
from helpers import strangers
from helpers.strangers import BASE, records, run

from bench import results
from bench.cli import main
from bench.errors import BenchError
from bench.machine import environment
from bench.run import execution


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    return strangers.written(tmp_path, monkeypatch)


def card_of_its_own(monkeypatch, alike=False):
    """A CPU named cpu:0 stands in for another device."""
    capture = environment.capture

    def captured(device, *given):
        name = "a card" if alike else f"card {device}"
        return {**capture(device, *given), "device_name": name}

    monkeypatch.setattr(environment, "capture", captured)


def test_two_devices_are_two_environments_in_one_report(plugin, monkeypatch, capsys):
    card_of_its_own(monkeypatch)
    words = ["--method", "fine", "--contents", "1", "--styles", "1", "--device", "cpu:0"]
    status, second = run(plugin, *words)
    assert status == 0
    first = results.find_runs(Path("runs"))[0]
    assert [results.read_run(folder).specification.device for folder in (first, second)] == [
        "cpu", "cpu:0",
    ]  # fmt: skip
    last = capsys.readouterr().out.rpartition("pictures    ")[0].rpartition("page    ")[2]
    heads = [line for line in last.splitlines() if line.startswith("environment ")]
    assert ["card cpu ·" in heads[0], "card cpu:0 ·" in heads[1]] == [True, True]
    assert last.count("\nfine") == 2
    assert main(["run", "--resume", str(first), "--plugin", plugin, "--quiet"]) == 0


def test_devices_that_are_alike_are_shown_by_themselves(plugin, monkeypatch, capsys):
    card_of_its_own(monkeypatch, alike=True)
    run(plugin, "--method", "fine", "--contents", "1", "--styles", "1", "--device", "cpu:0")
    said = capsys.readouterr()
    assert "cpu:0 is like another device: shown by itself" in said.err
    assert said.out.count("\nfine") == 2


def test_a_device_on_which_all_fails_leaves_the_others_their_run(plugin, monkeypatch, capsys):
    card_of_its_own(monkeypatch)
    execute = execution.execute

    def broken(folder, plan, context, *given):
        if context.device.index is None:
            raise BenchError("fine left cpu unusable")
        execute(folder, plan, context, *given)

    monkeypatch.setattr("bench.run.execution.execute", broken)
    status, folder = run(plugin, "--method", "fine", "--contents", "1", "--styles", "1",
                         "--device", "cpu:0")  # fmt: skip
    assert status == 1
    assert "bench: cpu: fine left cpu unusable" in capsys.readouterr().err
    assert ("fine", "stripes", 64) in records(folder, "cells")


@pytest.mark.parametrize(
    ("more", "cause"),
    [("cpu", "--device cpu --device cpu: name each device once"), ("fake", "cannot be used here")],
)
def test_devices_are_looked_for_before_the_first_run(plugin, more, cause, capsys):
    assert main(["run", "--plugin", plugin, *BASE, "--method", "fine", "--device", more]) == 1
    assert cause in capsys.readouterr().err
    assert not Path("runs").exists()
