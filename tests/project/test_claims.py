"""What the pages say of methods, metrics, encoders and datasets is what the registry has."""

import re

import pytest
from helpers.doc_blocks import PAGES, ROOT, name

from bench.plugins import registry

REGISTRY = registry.load()
METHODS = REGISTRY.methods
PUBLISHED = "".join(
    f.read_text(encoding="utf-8") for f in (ROOT / "examples/published").glob("*.py")
)
KINDS = {
    "method": {*METHODS, *re.findall(r'^    name = "([\w-]+)"', PUBLISHED, re.MULTILINE)},
    "metric": {metric.partition("/")[0] for metric in REGISTRY.metrics},
    "encoder": REGISTRY.encoders,
    "dataset": REGISTRY.datasets,
}
TABLE = re.compile(r"^\|(.*)\|\n\|[-:| ]+\|\n((?:\|.*\n)+)", re.MULTILINE)


def with_option(option):
    return {name for name, cls in METHODS.items() if option in cls.Options.__dataclass_fields__}


def text(page):
    return (ROOT / page).read_text(encoding="utf-8")


LISTS = {
    ("README.md", r"((?:`[\w-]+`(?:, | and )?)+) run one network"): "inference",
    ("docs/baselines.md", r"((?:`[\w-]+`(?:, | and )?)+) run the \*same\* network"): "inference",
    (
        "docs/gpu.md",
        r"The transformation network \(([^)]*)\) has an option\s+`inference`",
    ): "inference",
    ("docs/pictures.md", r"one network once a style is in:([^.]*)\."): "inference",
    (
        "docs/gpu.md",
        r"`stepping` does\s+the\s+same for a step of an adaptation \(([^)]*)\)",
    ): "stepping",
}
"""Sentences that list methods, and the option that exactly these have."""


@pytest.mark.parametrize(("page", "sentence"), LISTS)
def test_a_list_of_methods_is_whole(page, sentence):
    found = re.search(sentence, " ".join(text(page).split()))
    assert found, sentence
    assert set(re.findall(r"`([\w-]+)`", found[1])) == with_option(LISTS[page, sentence])


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_table_of_plugins_names_plugins(page):
    """Where the first column is headed by what they are; rows of a run may have other names."""
    known = set().union(*KINDS.values())
    for head, body in TABLE.findall(page.read_text(encoding="utf-8")):
        if head.split("|")[0].strip() in KINDS:
            for line in body.splitlines():
                assert {*re.findall(r"`([\w-]+)`", line.split("|")[1])} <= known, line


def test_encoders_are_for_what_their_page_says():
    rows = re.findall(r"^\| (`.*?) \| (.*?) \| .* \|$", text("docs/encoders.md"), re.MULTILINE)
    uses = {encoder: use for names, use in rows for encoder in re.findall(r"`([\w-]+)`", names)}
    trained = {
        encoder
        for cls in METHODS.values()
        if cls.family != "anchor" and not cls.name.startswith("magenta")
        for encoder in cls.learns_from(cls.Options())
    }
    assert set(uses) == set(REGISTRY.encoders)
    for encoder, use in uses.items():
        assert ("training" in use) == (encoder in trained), encoder
        assert not (REGISTRY.encoders[encoder].judge and encoder in trained), encoder


def test_no_judge_of_the_results_was_trained_on():
    """README says so of the last columns of its table."""
    [judge] = set(re.findall(r"^encoder ([\w-]+): ", text("docs/results.md"), re.MULTILINE))
    assert REGISTRY.encoders[judge].judge
    assert not any(judge in cls.learns_from(cls.Options()) for cls in METHODS.values())


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_no_page_puts_off_what_may_long_be_there(page):
    assert "not yet" not in page.read_text(encoding="utf-8")
