"""Tests mirror the source: `tests/<room>/test_<module>.py` is where a module's tests are.

Methods, metrics and datasets are rooms too; tests leave out the underscore of a module's name.
"""

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
    "datasets/_files": "datasets/test_folder.py",
    "encoders/vgg19_head": "encoders/test_vgg19_quarter.py",
    "encoders/vgg_normalised": "project/test_published.py",
    "methods/_fitting": "methods/test_metastyle.py",
    "methods/_fused_layers": "methods/test_fused.py",
    "methods/ghiasi": "methods/test_generated.py",
    "metrics/content": "metrics/test_gram.py",
    "metrics/perceptual": "test_perceptual.py",
    "plugins/provenance": "plugins/test_registry.py",
    "report/hardware": "results/test_merging.py",
    "report/index": "report/test_assembly.py",
    "report/quality": "report/test_assembly.py",
    "results/ingredients": "run/test_distribution.py",
    "results/provenance": "run/test_distribution.py",
    "run/forecast": "run/test_blocks.py",
    "run/worker": "run/test_distribution.py",
    "stylize/exported": "commands/test_export.py",
    "vote/votes": "vote/test_ballot.py",
}
"""What is tried together with something else, and where."""

WHOLE = """
    compare/test_two_folders.py datasets/test_datasets.py machine/test_cuda.py
    methods/test_methods.py metrics/test_metrics.py plugins/test_plugins.py
    report/page/test_page.py report/plots/test_plots.py report/test_browser.py
    run/test_runtime_rows.py run/test_sweep.py test_traffic.py
""".split()  # noqa: SIM905
"""Tests of what several modules do together."""


def modules():
    """Each module's path in `tests/`: those of `bench/` lie there without its name."""
    for folder in ("bench", "methods", "metrics", "datasets"):
        parent = ROOT / "bench" if folder == "bench" else ROOT
        for path in sorted((ROOT / folder).rglob("*.py")):
            if not path.name.startswith("__") and "templates" not in path.parts:
                yield path.relative_to(parent).with_suffix("")


def own_tests(module):
    return ROOT / "tests" / module.parent / f"test_{module.name.lstrip('_')}.py"


def test_every_module_has_its_tests_where_its_name_says():
    found = list(modules())
    assert len(found) > 220
    commands = {module for module in found if module.parent.name == "commands"}
    lack = {module.as_posix() for module in set(found) - commands if not own_tests(module).exists()}
    assert lack == {name for name in (*PLAIN, *ELSEWHERE) if not name.startswith("commands/")}
    known = {module.as_posix() for module in found}
    for name, tests in ELSEWHERE.items():
        assert name in known, name
        assert (ROOT / "tests" / tests).exists(), tests


def test_every_test_file_is_of_a_module_or_of_a_whole():
    """So that none gathers what belongs to several modules, and none is left behind."""
    own = {own_tests(module) for module in modules()}
    rooms = {path.parent for path in own}
    strays = {path for room in rooms for path in room.glob("test_*.py")} - own
    assert {path.relative_to(ROOT / "tests").as_posix() for path in strays} == set(WHOLE)


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
