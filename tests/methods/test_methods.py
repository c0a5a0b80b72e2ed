"""The conformance suite over every method that the registry has."""

import pytest
import torch

from bench import conformance
from bench.plugins import registry

REGISTRY = registry.load()
CONTEXT = conformance.context(REGISTRY, torch.device("cpu"))


@pytest.mark.parametrize(
    "case",
    [c for n in REGISTRY.methods for c in conformance.cases_of(REGISTRY, "methods", n, CONTEXT)],
    ids=str,
)
def test_method_conforms(case):
    case()


def test_the_built_in_methods_are_there():
    assert {"identity", "style-copy", "gatys", "johnson", "metastyle"} <= set(REGISTRY.methods)
    assert not REGISTRY.broken
