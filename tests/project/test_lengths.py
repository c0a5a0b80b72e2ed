"""No function is longer than 60 lines, and no module longer than 400."""

import ast

from helpers.checkout import ROOT

FUNCTION, MODULE = 60, 400

FILES = [
    path
    for folder in ("bench", "methods", "metrics", "datasets", "docs", "examples", "tools")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "templates" not in path.parts
]


def functions(file):
    name = file.relative_to(ROOT).as_posix()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{name} {node.name}", node.end_lineno - node.lineno + 1


def test_a_function_ends_with_its_last_line():
    own = "tests/project/test_lengths.py"
    assert dict(functions(ROOT / own))[f"{own} functions"] == 5
    assert len(FILES) > 200


def test_what_is_long_is_cut():
    long = {name: length for file in FILES for name, length in functions(file) if length > FUNCTION}
    assert not long, f"functions of more than {FUNCTION} lines"
    lines = {file: len(file.read_text(encoding="utf-8").splitlines()) for file in FILES}
    assert {file: count for file, count in lines.items() if count > MODULE} == {}
