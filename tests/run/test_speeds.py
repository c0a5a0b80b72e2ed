"""What is timed of a method, by its phases."""

import pytest
from helpers.strangers import records, run


def test_scopes_of_a_plain_and_of_an_iterative_method(plugin):
    _, folder = run(plugin, "--method", "fine", "--method", "steps")
    speed = {method: r for (method, _, _), r in records(folder, "speed").items()}
    assert set(speed["fine"]["scopes"]) == {"adapt", "core", "pair", "e2e"}
    assert set(speed["steps"]["scopes"]) == {"core", "pair", "e2e"}
    assert speed["fine"]["scopes"]["core"]["stopped"] in ("precision", "time cap", "samples")
    assert speed["fine"]["iterative"] == {"adapt": False, "stylize": False}
    assert speed["steps"]["iterative"] == {"adapt": True, "stylize": True}
    cell = records(folder, "cells")["steps", "stripes", 64]
    assert cell["adapt"]["steps"] == 3
    assert [step for step, _ in cell["adapt"]["curve"]] == [0, 1, 2, 3]
    core = speed["steps"]["scopes"]["core"]["samples"]
    assert core == [entry["seconds"] for entry in cell["contents"]]
    pair = speed["steps"]["scopes"]["pair"]["samples"]
    assert pair == pytest.approx([cell["adapt"]["seconds"] + core[0]])
    assert speed["steps"]["scopes"]["e2e"]["samples"][0] > core[0]


def test_timings_of_cells_count_styles_as_rounds(plugin):
    _, folder = run(plugin, "--method", "steps", "--styles", "2", "--contents", "2")
    scopes = records(folder, "speed")["steps", None, 64]["scopes"]
    assert scopes["core"]["rounds"] == [0, 0, 1, 1]
    assert scopes["e2e"]["rounds"] == [0, 0, 1, 1]
    assert scopes["pair"]["rounds"] == [0, 1]
