"""Each check of datasets finds the fault that it is for."""

import dataclasses

import pytest
from helpers.checked import (
    failures,
    picture,
)
from PIL import Image

from bench import Dataset


class Greys(Dataset):
    """Grey pictures."""

    name = "greys"

    def contents(self):
        return [picture("a", 1), picture("b", 2)]

    def styles(self):
        return [picture("c", 3)]


class Bare(Greys):
    """No style."""

    def styles(self):
        return []


class Twins(Greys):
    """One name for two pictures."""

    def contents(self):
        return [picture("a", 1), picture("A", 2)]


class Unmarked(Greys):
    """No fingerprint."""

    def styles(self):
        return [dataclasses.replace(picture("c", 3), fingerprint="")]


class Greyscale(Greys):
    """Not RGB."""

    def styles(self):
        return [dataclasses.replace(picture("c", 3), read=lambda: Image.new("L", (20, 20)))]


class Leaking(Greys):
    """Adapts on a content."""

    def adaptation(self):
        return [picture("z", 2)]


@pytest.mark.parametrize(
    ("cls", "check", "words"),
    [
        (Bare, "lists_pictures", "styles() is empty"),
        (Twins, "lists_pictures", "contents() gives A and a more than once"),
        (Unmarked, "fingerprints_pictures", "has no fingerprint"),
        (Greyscale, "reads_pictures", "gives L: give an RGB"),
        (Leaking, "adapts_on_nothing_that_is_evaluated", "has contents in it (z)"),
    ],
)
def test_each_fault_of_a_dataset_is_found(cls, check, words):
    assert failures("datasets", Greys) == {}
    found = failures("datasets", cls)
    assert list(found) == [check]
    assert words in found[check]
