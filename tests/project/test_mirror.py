"""Tests mirror the source: `tests/<room>/test_<module>.py` is where a module's tests are."""

import re

from helpers.checkout import ROOT

PLAIN = """
    anchors hooks compare/tasks contract/task report/model report/need report/page/runs
    report/plots/style report/plots/strengths results/values run/inputs run/plan run/profiles
""".split()  # noqa: SIM905
"""Names, classes without behaviour, or the look of things: nothing to work out by hand."""

ELSEWHERE = {
    "commands/_adapting": "commands/test_adapt.py",
    "commands/_shared": "test_cli.py",
    "compare/comparison": "compare/test_runs.py",
    "conformance/_common": "conformance/test_methods.py",
    "conformance/_subject": "conformance/test_methods.py",
    "encoders/vgg19_head": "encoders/test_vgg19_quarter.py",
    "encoders/vgg_normalised": "project/test_published.py",
    "machine/clock": "machine/test_timing.py",
    "plugins/provenance": "plugins/test_registry.py",
    "report/hardware": "results/test_merging.py",
    "report/index": "report/test_assembly.py",
    "report/quality": "report/test_assembly.py",
    "results/ingredients": "run/test_distribution.py",
    "results/provenance": "run/test_distribution.py",
    "run/execution": "run/test_runner.py",
    "run/forecast": "run/test_blocks.py",
    "run/recording": "run/test_runner.py",
    "run/resuming": "run/test_runner.py",
    "run/sampling": "machine/test_timing.py",
    "run/scores": "run/test_runner.py",
    "run/speeds": "run/test_runner.py",
    "run/worker": "run/test_distribution.py",
    "stylize/exported": "commands/test_export.py",
    "vote/votes": "vote/test_ballot.py",
}
"""What is tried together with something else, and where."""


def modules():
    for path in sorted((ROOT / "bench").rglob("*.py")):
        if not path.name.startswith("__") and "templates" not in path.parts:
            yield path.relative_to(ROOT / "bench").with_suffix("")


def own_tests(module):
    return ROOT / "tests" / module.parent / f"test_{module.name.lstrip('_')}.py"


def test_every_module_has_its_tests_where_its_name_says():
    found = list(modules())
    assert len(found) > 150
    commands = {module for module in found if module.parent.name == "commands"}
    lack = {module.as_posix() for module in set(found) - commands if not own_tests(module).exists()}
    assert lack == {name for name in (*PLAIN, *ELSEWHERE) if not name.startswith("commands/")}
    for name, tests in ELSEWHERE.items():
        assert (ROOT / "bench" / f"{name}.py").exists(), name
        assert (ROOT / "tests" / tests).exists(), tests


def test_every_command_is_run_by_a_test():
    """A command is one call: the tests of what it calls go through it, wherever they lie."""
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py"))
    run = set(re.findall(r"""[=(]\s*\[\s*"(\w+)\"""", text))  # a list, and no name's subscript
    commands = {module.name for module in modules() if module.parent.name == "commands"}
    without = {
        name
        for name in commands
        if not name.startswith("_")
        and name not in run
        and not (ROOT / "tests/commands" / f"test_{name}.py").exists()
    }
    assert without == set()
