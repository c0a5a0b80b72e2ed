"""`bench check`: what it prints, for people and for CI, and its status."""

import json
import sys

import pytest

from bench import conformance
from bench.cli import main

SHADE = """
from bench import Method, hookimpl

class Shade(Method):
    "Half of everything."
    name, family, citation = "shade", "arbitrary", "nobody"
    def stylize(self, content): return content * 0.5

@hookimpl
def bench_methods(): return [Shade]
"""


@pytest.fixture
def shade(tmp_path):
    file = tmp_path / "shade.py"
    file.write_text(SHADE)
    return file


@pytest.mark.parametrize("as_module", [False, True])
def test_check_a_file_and_a_module(shade, as_module, capsys, monkeypatch):
    monkeypatch.syspath_prepend(shade.parent)
    monkeypatch.delitem(sys.modules, "shade", raising=False)
    assert main(["check", "shade" if as_module else str(shade)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "method shade"
    assert "  ok    gives pictures" in lines
    assert lines[-1] == f"{len(conformance.CHECKS['methods'])} checks: all passed"


def test_check_says_what_is_wrong_and_fails(shade, capsys):
    shade.write_text(SHADE.replace("content * 0.5", "content * 3"))
    assert main(["check", str(shade), "--quick"]) == 1
    out = capsys.readouterr().out
    assert "FAIL  gives pictures: values from" in out
    assert "takes odd sizes" not in out
    assert "1 failed" in out.splitlines()[-1]


def test_check_as_json_for_ci(shade, capsys):
    shade.write_text(SHADE.replace("return content", "print('x'); return content"))
    assert main(["check", str(shade), "--format", "json"]) == 1
    rows = json.loads(capsys.readouterr().out)
    assert [row["check"] for row in rows if row["status"] == "failed"] == ["prints_nothing"]
    assert {row["name"] for row in rows} == {"shade"}


def test_check_built_in_things_by_name(capsys):
    assert (
        main(["check", "identity", "ssim", "synthetic", "methods.style-copy".replace("-", "_")])
        == 0
    )
    out = capsys.readouterr().out
    for heading in ("method identity", "metric ssim/1", "dataset synthetic", "method style-copy"):
        assert heading in out.splitlines()


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("identiy", "unknown plugin 'identiy'; did you mean"),
        ("gone", "(for your own: the path of its .py file)"),
        ("gone.py", "no such file"),
        ("json", "it has no hook"),
    ],
)
def test_check_of_nothing_is_one_line(target, words, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main(["check", target]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line
