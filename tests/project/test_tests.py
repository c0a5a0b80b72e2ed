"""Tests know what a module offers, not what is inside: no test reaches into a private name."""

import ast

from helpers.checkout import ROOT

OTHERS = {
    "os._exit",  # how a fork ends
    "parameter._version",  # torch's own count of changes in place
}
"""Names of other libraries that are documented though they begin so."""


def private_names(tree):
    """Private attributes of other than a test's own objects; private names imported or patched."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
            own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
            if not own and not node.attr.startswith("__"):
                yield ast.unparse(node)
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names if alias.name.startswith("_"))
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("setattr"):
            strings = (each.value for each in node.args[:2] if isinstance(each, ast.Constant))
            for name in (str(string).rpartition(".")[2] for string in strings):
                if name.startswith("_") and not name.startswith("__"):
                    yield f"setattr {name}"


def test_private_names_are_found():
    code = "from a import _b, c\nclass D:\n    def e(self): self._f = g._h.i.__doc__\n"
    assert list(private_names(ast.parse(code))) == ["_b", "g._h"]
    code = "patch.setattr(a, '_b', 1); patch.setattr('c._d.e', 1); patch.setattr('c._d._e', 1)"
    assert list(private_names(ast.parse(code))) == ["setattr _b", "setattr _e"]


def test_no_test_reaches_into_a_private_name():
    files = sorted((ROOT / "tests").rglob("*.py"))
    assert len(files) > 80
    found = {
        f"{file.relative_to(ROOT).as_posix()}: {name}"
        for file in files
        for name in private_names(ast.parse(file.read_text(encoding="utf-8")))
    }
    assert {place for place in found if place.partition(": ")[2] not in OTHERS} == set()
