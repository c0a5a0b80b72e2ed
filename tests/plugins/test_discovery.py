"""Where plugins come from: the suite, installed distributions, files and modules."""

import sys
import textwrap

import pytest
from helpers.plugged import MINE, one_broken

from bench.plugins.listing import describe
from bench.plugins.registry import load


def test_a_file_given_by_the_user(plugin, tmp_path):
    path = plugin(MINE.format(name="mine"))
    before = list(sys.path)
    registry = load([path])
    assert registry.method("mine").name == "mine"
    assert registry.origin("methods", "mine").source == f"file {path}"
    assert sys.path == before
    registry.require()


def test_a_module_given_by_the_user(plugin, tmp_path, monkeypatch):
    plugin(MINE.format(name="mine"), "given_module.py")
    monkeypatch.syspath_prepend(tmp_path)
    registry = load(["given_module"])
    assert registry.origin("methods", "mine").source == "module given_module"


def test_a_file_may_hold_dataclasses_with_postponed_annotations(plugin):
    text = MINE.replace("class Mine(Method):", "class Mine(Method):\n    Options = Knobs")
    head = """
    from __future__ import annotations
    from dataclasses import dataclass
    from bench import option

    @dataclass(frozen=True)
    class Knobs:
        steps: int = option(7, "how many")
    """
    registry = load([plugin(textwrap.dedent(head) + text.format(name="mine"))])
    assert "mine.steps" in describe(registry, "options")


def test_the_same_file_is_loaded_once(plugin):
    path = plugin(MINE.format(name="mine"))
    registry = load([path, path])
    assert [info.name for info in registry.plugins].count("mine") == 1
    assert registry.broken == []


def test_a_built_in_file_named_by_the_user_is_the_built_in():
    file = load().origin("methods", "identity").file
    assert load([str(file)]).broken == []


def test_two_files_of_one_name_are_two_plugins(plugin, tmp_path):
    (tmp_path / "other").mkdir()
    paths = [
        plugin(MINE.format(name="first")),
        plugin(MINE.format(name="second"), "other/mine.py"),
    ]
    assert {"first", "second"} <= set(load(paths).methods)


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        ("nowhere/mine.py", "no such file"),
        ("no_such_module", "no module named no_such_module: install it"),
        ("email.no_such_module", "no module named email.no_such_module"),
    ],
)
def test_what_is_not_there(given, cause):
    assert cause in one_broken(load([given])).cause


def test_a_folder_and_a_file_of_another_kind_are_refused(plugin, tmp_path):
    assert "is a folder" in one_broken(load([str(tmp_path)])).cause
    assert "not a Python file" in one_broken(load([plugin("", "mine.txt")])).cause


def test_a_plugin_that_fails_leaves_no_module_behind(plugin):
    load([plugin("raise ValueError\n", "leftover.py")])
    assert not any("leftover" in name for name in sys.modules)


def test_installed_plugins(install):
    install("stranger", {"mine": "stranger_code"}, stranger_code=MINE.format(name="mine"))
    registry = load()
    assert registry.broken == []
    info = registry.origin("methods", "mine")
    assert (info.name, info.source) == ("mine", "entry point stranger 1.2")
    assert info.file.name == "stranger_code.py"


def test_entry_points_are_loaded_one_by_one(install):
    install(
        "stranger",
        {"bad": "bad_code", "gone": "gone_code", "mine": "good_code", "object": "good_code:Mine"},
        bad_code="import no_such_package\n",
        good_code=MINE.format(name="mine"),
    )
    registry = load()
    assert "mine" in registry.methods
    causes = {broken.name: broken.cause for broken in registry.broken}
    assert set(causes) == {"bad", "gone", "object"}
    assert "no_such_package" in causes["bad"]
    assert "gone_code" in causes["gone"]
    assert "has no hook" in causes["object"]
    registry.require()  # nobody asked for these by name


def test_installed_plugins_can_be_switched_off(install, monkeypatch):
    install("stranger", {"mine": "stranger_code"}, stranger_code=MINE.format(name="mine"))
    monkeypatch.setenv("BENCH_PLUGINS", "0")
    assert "mine" not in load().methods


def test_an_installed_plugin_given_again_by_module_or_file_is_the_same(install, tmp_path):
    install("stranger", {"mine": "stranger_code"}, stranger_code=MINE.format(name="mine"))
    registry = load(["stranger_code", str(tmp_path / "stranger_code.py")])
    assert registry.broken == []
    assert registry.origin("methods", "mine").source == "entry point stranger 1.2"
