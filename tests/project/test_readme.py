"""What the README says is so: its method works as a file and as an installed plugin."""

import re
from pathlib import Path

import pytest
from helpers.doc_blocks import ROOT, blocks, commands

from bench import results
from bench.cli import main
from bench.plugins import registry

README = ROOT / "README.md"
TEXT = README.read_text(encoding="utf-8")
BLOCKS = blocks(README)


@pytest.fixture
def method(tmp_path, monkeypatch):
    """The README's method as a file."""
    monkeypatch.chdir(tmp_path)
    (code,) = (block for language, block in BLOCKS if language == "python")
    assert len([line for line in code.splitlines() if line.strip()]) <= 18
    file = tmp_path / "tint.py"
    file.write_text(code)
    return file


def test_there_are_commands_for_everything():
    """That each is understood, and names what there is, is tested with those of docs/."""
    used = {words[1] for words in commands(README) if words[0] == "bench"}
    assert used >= {"run", "report", "stylize", "gate", "check"}


def run_and_report(capsys, *words):
    smoke = ["--profile", "smoke", "--dataset", "synthetic", "--quiet", "--device", "cpu"]
    assert main(["run", "--method", "tint", *smoke, *words]) == 0
    assert main(["report"]) == 0
    assert "tint" in capsys.readouterr().out
    run = results.latest(Path("runs"))
    cell = results.read_json(results.record_path(run, "cells", "tint", "stripes", 64))
    assert cell["status"] == "ok"
    return results.read_run(run).methods["tint"].plugin


def test_the_method_works_as_a_file(method, capsys, monkeypatch):
    monkeypatch.setenv("BENCH_PLUGINS", "0")
    assert main(["list", "methods", "--plugin", "tint.py"]) == 0
    assert "tint" in capsys.readouterr().out
    assert run_and_report(capsys, "--plugin", "tint.py") == f"file {method.resolve()}"


def test_the_method_works_as_an_installed_plugin(method, tmp_path, capsys, monkeypatch):
    """A distribution as pip leaves it: the module, and metadata with the README's entry point."""
    (toml,) = (block for language, block in BLOCKS if language == "toml")
    module = re.search(r'"(.*)"', toml)[1]
    site = tmp_path / "site"
    package = site / module.partition(".")[0]
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    method.rename(package / "tint.py")
    info = site / "tint_bench-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tint-bench\nVersion: 1.2\n")
    entry = re.search(r"\[project\.entry-points\.(\w+)\]\n(\w+) = ", toml)
    (info / "entry_points.txt").write_text(f"[{entry[1]}]\n{entry[2]} = {module}\n")
    monkeypatch.syspath_prepend(site)
    monkeypatch.delenv("BENCH_PLUGINS", raising=False)
    assert run_and_report(capsys) == "entry point tint-bench 1.2"


def test_the_method_passes_the_conformance_suite(method):
    from bench import conformance

    for case in conformance.cases(str(method)):
        case()


@pytest.mark.parametrize(
    ("kind", "page"), [("methods", README), ("encoders", ROOT / "docs" / "encoders.md")]
)
def test_what_is_built_in_is_named(kind, page):
    text = page.read_text(encoding="utf-8")
    for name in getattr(registry.load(), kind):
        assert f"`{name}`" in text, f"{page.name} does not name the {kind[:-1]} {name}"


def test_what_came_out_is_what_the_results_say():
    """Method, adapt, core, gram and content of the printed table, to the digit."""
    results_page = (ROOT / "docs/results.md").read_text(encoding="utf-8")
    row = r"^([a-z][\w-]+)(?: [†‡§])?(?: \[[\d,–]+\])? {2,}(\S.*)$"
    printed = re.findall(row, results_page, re.MULTILINE)
    methods = registry.load().methods
    wanted = {
        method: [number.strip("*") for number in numbers.split()[:4]]
        for method, numbers in printed
        if method in methods
    }
    rows = re.findall(r"^\| `([\w-]+)` \|(.*)\|$", TEXT, re.MULTILINE)
    table = {method: [cell.strip() for cell in cells.split("|")] for method, cells in rows}
    assert {method: cells[-4:] for method, cells in table.items()} == wanted
    assert set(wanted) == set(methods)


def test_its_tables_have_few_columns():
    assert max(line.count("|") - 1 for line in TEXT.splitlines() if line[:1] == "|") <= 8


def test_it_fits_in_two_minutes():
    """Some 240 words a minute are read; code and tables are looked at."""
    prose = re.sub(r"```.*?```", "", TEXT[: TEXT.index("## Development")], flags=re.DOTALL)
    prose = re.sub(r"^\|.*$", "", prose, flags=re.MULTILINE)
    assert len(re.sub(r"\]\([^)]*\)", "]", prose).split()) < 2 * 240


def test_the_papers_table_has_the_methods_of_the_paper():
    """Each row is a method of the registry, and its citation has the row's year."""
    methods = registry.load().methods
    table = (ROOT / "docs" / "paper.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (.*?) \|$", table, re.MULTILINE))
    assert len(rows) == 10
    for name, cited in rows.items():
        year = re.findall(r"\d{4}", cited)[-1]
        assert year in methods[name].citation, name
