"""Procedural pictures."""

import importlib
import importlib.resources

import numpy as np
import pytest
from helpers.roles import roles

from bench import options
from bench.errors import BenchError

synthetic = importlib.import_module("bench.datasets.synthetic")


@pytest.mark.parametrize("size", [16, 17, 64, 100])
def test_synthetic_pictures(size):
    dataset = synthetic.Synthetic(synthetic.Options(size=size))
    pictures = [picture for role in roles(dataset) for picture in role]
    assert len({picture.name for picture in pictures}) == 10
    assert len({picture.fingerprint for picture in pictures}) == 10
    for picture in pictures:
        image = picture.read()
        assert (image.mode, image.size) == ("RGB", (size, size))
        assert np.asarray(image).std() > 20
        assert image.tobytes() == picture.read().tobytes()


def test_synthetic_pixels():
    contents, styles, _ = roles(synthetic.Synthetic(synthetic.Options(size=16)))
    disc, stripes = contents[0].read(), styles[0].read()
    assert disc.getpixel((8, 8)) == (230, 180, 60)
    assert disc.getpixel((0, 0)) == (0, 0, 128)
    assert disc.getpixel((15, 0)) == (255, 0, 128)
    assert disc.getpixel((0, 15)) == (0, 255, 128)
    assert [stripes.getpixel((x, 0))[0] for x in range(9)] == [20] * 4 + [240] * 4 + [20]


def test_synthetic_fingerprint_is_fixed_but_for_size():
    prints = [synthetic.Synthetic(synthetic.Options(size=s)).fingerprint() for s in (32, 32, 33)]
    assert prints[0] == prints[1] != prints[2]


def test_synthetic_size_is_checked():
    with pytest.raises(BenchError, match=r"synthetic\.size=8 is out of range"):
        options.build(synthetic.Options, {"size": "8"}, "synthetic")
