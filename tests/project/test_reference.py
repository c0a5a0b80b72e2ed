"""The reference of Python names: all that plugins import, and nothing of what is inside."""

import ast
import importlib
import re

from helpers.doc_blocks import ROOT

import bench
from bench import contract

PAGE = (ROOT / "docs/reference/python.md").read_text(encoding="utf-8")
DIRECTIVES = re.findall(r"^\.\. auto(\w+):: ([\w.]+)(\n   :no-members:)?", PAGE, re.MULTILINE)
MODULES = {name for kind, name, _ in DIRECTIVES if kind == "module"}
INSIDE = ("commands", "compare", "machine", "run", "study", "stylize", "tables", "templates")


def members(module):
    """What `automodule` lists: all that `__all__` has, else what is defined there."""
    there = importlib.import_module(module)
    own = (n for n, v in vars(there).items() if getattr(v, "__module__", None) == module)
    return {id(getattr(there, name)) for name in getattr(there, "__all__", own)}


def documented():
    """The things that the page lists, by identity: some have several addresses."""
    found = set()
    for kind, name, bare in DIRECTIVES:
        if kind == "module":
            found |= set() if bare else members(name)
        else:
            module, _, last = name.rpartition(".")
            found.add(id(getattr(importlib.import_module(module), last)))
    return found


def test_all_exports_are_there():
    listed = documented()
    exported = {(bench, name) for name in bench.__all__ if name != "__version__"}
    exported |= {(contract, name) for name in contract.__all__}
    assert {name for there, name in exported if id(getattr(there, name)) not in listed} == set()


def test_the_names_of_bench_itself_are_told():
    listed = re.findall(r"`(\w+)`", PAGE.partition("from `bench` itself: ")[2].split("\n\n")[0])
    assert sorted(listed) == sorted(set(bench.__all__) - {"__version__"})


def test_nothing_internal_is_there():
    for _, name, _ in DIRECTIVES:
        parts = name.split(".")
        assert not any(part.startswith("_") for part in parts), name
        assert parts[1] not in INSIDE, name


def test_what_examples_import_is_there():
    """An example is what a plugin's author begins with."""
    files = sorted((ROOT / "examples").rglob("*.py"))
    nodes = (node for file in files for node in ast.walk(ast.parse(file.read_text("utf-8"))))
    imported = {
        node.module
        for node in nodes
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bench.")
    }
    assert imported
    assert imported <= MODULES
