"""Colours by known values, and histograms by a loop over pixels."""

import importlib
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers.scored import picture

color = importlib.import_module("bench.metrics.color")


def test_lab_of_known_colours():
    """White, black, and the primaries as Lindbloom's calculator gives them (D65)."""
    srgb = np.array([[1, 1, 1], [0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0.02, 0.02, 0.02]])
    expected = np.array(
        [
            [100, 0, 0],
            [0, 0, 0],
            [53.24, 80.09, 67.20],
            [87.73, -86.18, 83.18],
            [32.30, 79.19, -107.86],
            [903.2963 * 0.02 / 12.92, 0, 0],  # the straight parts of both curves
        ]
    )
    np.testing.assert_allclose(color.lab(srgb.astype(np.float64)), expected, atol=0.05)


def test_color_distance_of_grey_levels_is_their_distance_in_lightness():
    def grey(lightness):  # CIE 15, eq. 8.3, and the sRGB curve, both backwards
        luminance = ((lightness + 16) / 116) ** 3
        return torch.full((1, 3, 4, 4), 1.055 * luminance ** (1 / 2.4) - 0.055)

    assert color.color_distance(grey(40), grey(70)) == pytest.approx(30 / 3, abs=0.01)


def test_color_distance_ignores_place_and_size():
    photo = picture(8, 12)
    turned = photo.flip(2).transpose(2, 3)
    assert color.color_distance(photo, turned) == pytest.approx(0, abs=1e-9)
    assert color.color_distance(photo, photo.repeat(1, 1, 2, 2)) == pytest.approx(0, abs=1e-9)


def test_color_distance_of_half_a_picture_is_half_the_distance():
    black, white = torch.zeros(1, 3, 4, 4), torch.ones(1, 3, 4, 4)
    half = torch.cat([black, white], 3)
    assert color.color_distance(black, white) == pytest.approx(100 / 3, abs=0.02)
    assert color.color_distance(half, white) == pytest.approx(50 / 3, abs=0.01)


def histogram_by_loops(pixels):
    """HistoGAN's RGB-uv histogram pixel by pixel, in float64."""
    bins = np.linspace(-3, 3, 64)
    counts = np.zeros((3, 64, 64))
    for rgb in pixels:
        weight = math.sqrt(sum(c * c for c in rgb) + 1e-6)
        logs = [math.log(c + 1e-6) for c in rgb]
        for plane, (first, second) in enumerate(((1, 2), (0, 2), (0, 1))):
            u, v = logs[plane] - logs[first], logs[plane] - logs[second]
            rows, columns = (1 / (1 + ((x - bins) / 0.02) ** 2) for x in (u, v))
            counts[plane] += weight * np.outer(rows, columns)
    return counts / counts.sum()


def test_histogram_equals_a_loop_over_pixels():
    first, second = picture(6, 5), picture(7, 4, seed=1)
    a, b = (histogram_by_loops(p[0].double().flatten(1).T.numpy()) for p in (first, second))
    np.testing.assert_allclose(color.histogram(first).numpy(), a, rtol=2e-3, atol=1e-7)
    hellinger = math.sqrt(((np.sqrt(a) - np.sqrt(b)) ** 2).sum() / 2)
    value = color.HistogramDistance().score(first, first, second)
    assert value == pytest.approx(hellinger, abs=1e-4)


def test_large_pictures_are_brought_to_256_pixels():
    photo = picture(300, 280)
    small = F.interpolate(photo, (256, 256), mode="bilinear", align_corners=False)
    torch.testing.assert_close(color.histogram(photo), color.histogram(small))
