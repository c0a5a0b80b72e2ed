"""A name says what it holds: words that would fit any value are not used as names."""

import ast

from helpers.checkout import ROOT

VAGUE = {"made", "told"}

FILES = [
    path
    for folder in ["bench", "methods", "metrics", "datasets", "docs", "examples", "tools", "tests"]
    for path in sorted((ROOT / folder).rglob("*.py"))
]


def names(tree):
    """Each name that the code gives to something, with its line."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield node.lineno, name
            case ast.arg(arg=name) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name
            case ast.alias(asname=str(name)):
                yield node.lineno, name


def test_every_way_to_give_a_name_is_found():
    code = (
        "import a as b\n"
        "class C:\n"
        "    def d(self, e, *f): self.g = h.i\n"
        "for j in k: l: int = m\n"
        "n = lambda o: (p := q)\n"
        "with r as (s, t[u]): [v for w in x]"
    )
    assert "".join(sorted(name for _, name in names(ast.parse(code)) if name != "self")) == (
        "Cbdefgjlnopsw"
    )


def test_no_name_is_vague():
    assert len(FILES) > 300
    assert {
        f"{file.relative_to(ROOT).as_posix()}:{line} {name}"
        for file in FILES
        for line, name in names(ast.parse(file.read_text(encoding="utf-8")))
        if name in VAGUE
    } == set()
