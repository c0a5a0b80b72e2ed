"""Tests know what a module offers, not what is inside: no test reaches into a private name."""

import ast

from helpers.checkout import ROOT

LEFT = {
    "deployment._probe",  # methods/_deployed.py
    "features._memory",  # metrics/_features.py
    "metric._positions",  # metrics/fid.py
    "metric._positions._network",
    "os._exit",  # how a fork ends
    "parameter._version",  # torch's own count of changes in place
}
"""What is still reached into."""


def private_names(tree):
    """Private attributes of anything but a test's own objects, and private names imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
            own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
            if not own and not node.attr.startswith("__"):
                yield ast.unparse(node)
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names if alias.name.startswith("_"))


def test_private_names_are_found():
    code = "from a import _b, c\nclass D:\n    def e(self): self._f = g._h.i.__doc__"
    assert list(private_names(ast.parse(code))) == ["_b", "g._h"]


def test_no_test_reaches_into_a_private_name():
    files = sorted((ROOT / "tests").rglob("*.py"))
    assert len(files) > 80
    found = {
        f"{file.relative_to(ROOT).as_posix()}: {name}"
        for file in files
        for name in private_names(ast.parse(file.read_text(encoding="utf-8")))
    }
    assert {place for place in found if place.partition(": ")[2] not in LEFT} == set()
