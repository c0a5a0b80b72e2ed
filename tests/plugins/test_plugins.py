"""The conformance suite over every dataset and every encoder that the registry has."""

import numpy as np
import pytest
import torch
from PIL import Image

from bench import conformance, options, weights
from bench.errors import BenchError
from bench.plugins import registry

REGISTRY = registry.load()
CONTEXT = conformance.context(REGISTRY, torch.device("cpu"))
AT_HAND = [
    name
    for name, encoder in REGISTRY.encoders.items()
    if weights.find(encoder.weights, encoder.folders())
]


@pytest.fixture
def given(tmp_path):
    """Options of the datasets that want files, which are there."""
    rng = np.random.default_rng(0)
    for place in ("photos", "art", "data/cnt", "data/sty", "content", "style/ink"):
        folder = tmp_path / place
        folder.mkdir(parents=True)
        for name in ("a", "b"):
            pixels = rng.integers(0, 256, (40, 50, 3), np.uint8)
            Image.fromarray(pixels).save(folder / f"{name}.png")
    return {
        "folder": {"content": str(tmp_path / "photos"), "style": str(tmp_path / "art")},
        "styleid": {"root": str(tmp_path)},
        "stylebench": {"root": str(tmp_path)},
    }


@pytest.mark.parametrize("check", conformance.CHECKS["datasets"], ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", REGISTRY.datasets)
def test_dataset_conforms(name, check, given):
    for case in conformance.cases_of(REGISTRY, "datasets", name, CONTEXT, given.get(name)):
        if case.check is check:
            case()


@pytest.mark.parametrize("name", REGISTRY.datasets)
def test_dataset_fingerprint_is_its_own(name, given):
    cls = REGISTRY.dataset(name)
    dataset = cls(options.build(cls.Options, given.get(name, {}), name))
    assert dataset.fingerprint() == dataset.fingerprint()
    others = {"default", "synthetic"} - {name}
    assert dataset.fingerprint() not in {REGISTRY.dataset(o)().fingerprint() for o in others}


@pytest.mark.parametrize("name", ["folder", "styleid", "stylebench"])
def test_a_dataset_without_its_options_says_what_it_wants(name):
    with pytest.raises(BenchError, match=f"{name}"):
        REGISTRY.dataset(name)().contents()


def test_the_offline_encoders_are_at_hand():
    assert {"efficientnet-lite0", "vgg16-bsds"} <= set(AT_HAND)


@pytest.mark.parametrize(
    "case",
    [c for n in AT_HAND for c in conformance.cases_of(REGISTRY, "encoders", n, CONTEXT)],
    ids=str,
)
def test_encoder_conforms(case):
    case()
