"""What a plugin says of its weights."""

import re

import pytest
from helpers.served import DIGEST

from bench import Weights
from bench.errors import BenchError
from bench.plugins import registry


@pytest.mark.parametrize("digits", ["", DIGEST[:8], DIGEST.upper(), DIGEST + "0", "x" * 64])
def test_a_declared_hash_is_a_whole_one(digits):
    with pytest.raises(BenchError, match=r"net\.pth: .* is no whole SHA-256; give all 64 digits"):
        Weights("net.pth", digits, "nowhere", "none")


def test_what_the_suite_downloads_has_a_hash_and_names_with_digits_are_right():
    loaded = registry.load()
    owners = (*loaded.methods.values(), *loaded.metrics.values())
    declared = [item for owner in owners for item in owner.weights]
    declared += [encoder.weights for encoder in loaded.encoders.values()]
    fetched = [item for item in declared if item.address]
    assert len({item.file for item in fetched}) >= 6
    for item in fetched:
        assert item.sha256, item.file
        named = re.search("-([0-9a-f]{8})[.]pth$", item.file)
        assert named is None or item.sha256.startswith(named[1]), item.file
