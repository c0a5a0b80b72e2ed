"""The conformance suite over every method that the registry has."""

import numpy as np
import pytest
import torch

from bench import conformance, registry, store
from bench.device import Context, Precision

REGISTRY = registry.load()


@pytest.fixture(scope="module")
def context():
    rng = np.random.default_rng(0)
    photographs = [
        (f"{n}.png", rng.integers(0, 256, (48, 56, 3), dtype=np.uint8)) for n in range(3)
    ]
    return Context(torch.device("cpu"), Precision(), store.collect(photographs), REGISTRY.encoder)


@pytest.mark.parametrize("check", conformance.CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", REGISTRY.methods)
def test_method_conforms(name, check, context):
    check(conformance.factory(REGISTRY.methods[name], context))


def test_the_built_in_methods_are_there():
    assert {"identity", "style-copy", "gatys", "johnson", "metastyle"} <= set(REGISTRY.methods)
    assert not REGISTRY.broken
