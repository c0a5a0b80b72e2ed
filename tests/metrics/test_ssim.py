"""SSIM against scipy's filters, and MS-SSIM against its package."""

import importlib

import numpy as np
import pytest
import torch
from helpers.scored import picture
from scipy.ndimage import gaussian_filter

from bench.errors import BenchError

ssim = importlib.import_module("bench.metrics.ssim")


def reference_ssim(first, second):
    """SSIM of two grey pictures by scipy's Gaussian filter, cut to the windows inside."""

    def mean(x):  # truncated at 5 pixels: 11 taps
        return gaussian_filter(x, 1.5, truncate=5 / 1.5)[5:-5, 5:-5]

    a, b = mean(first), mean(second)
    var_a, var_b = mean(first**2) - a**2, mean(second**2) - b**2
    covariance = mean(first * second) - a * b
    c1, c2 = 0.01**2, 0.03**2
    return np.mean(
        (2 * a * b + c1) * (2 * covariance + c2) / ((a**2 + b**2 + c1) * (var_a + var_b + c2))
    )


@pytest.mark.parametrize("size", [(11, 11), (32, 32), (67, 45)], ids=str)
def test_ssim_equals_scipys(size):
    first, second = picture(*size), (picture(*size) + 0.5 * picture(*size, seed=1)).clamp(0, 1)
    channels = [
        reference_ssim(a.double().numpy(), b.double().numpy())
        for a, b in zip(first[0], second[0], strict=True)
    ]
    assert ssim.ssim(first, second).item() == pytest.approx(np.mean(channels), abs=1e-5)


def test_ssim_metric_uses_luma():
    first, second = picture(), picture(seed=1)
    luma = [np.tensordot([0.299, 0.587, 0.114], p[0].double().numpy(), 1) for p in (first, second)]
    value = ssim.SSIM().score(first, second, picture(seed=2))
    assert value == pytest.approx(reference_ssim(*luma), abs=1e-5)


def test_ssim_of_plain_pictures_is_the_luminance_term():
    dark, bright = torch.full((1, 1, 16, 16), 0.25), torch.full((1, 1, 16, 16), 0.75)
    expected = (2 * 0.25 * 0.75 + 1e-4) / (0.25**2 + 0.75**2 + 1e-4)
    assert ssim.ssim(dark, bright).item() == pytest.approx(expected, abs=1e-4)


def test_ssim_of_a_negative_is_negative_where_it_is_structured():
    photo = picture()
    assert ssim.ssim(1 - photo, photo).item() < -0.5
    assert ssim.ssim(photo, photo).item() == pytest.approx(1, abs=1e-6)


def test_ssim_is_per_picture():
    first, second = torch.cat([picture(), picture()]), torch.cat([picture(), picture(seed=1)])
    both = ssim.ssim(first, second)
    alone = ssim.ssim(first[1:], second[1:])
    torch.testing.assert_close(both, torch.stack([torch.tensor(1.0), alone[0]]))


def test_ssim_refuses_pictures_smaller_than_its_window():
    with pytest.raises(BenchError, match="at least 11 px, got 12x10: use a larger --size"):
        ssim.SSIM().score(picture(10, 12), picture(10, 12), picture())


def test_ms_ssim_equals_pytorch_msssims():
    pytorch_msssim = pytest.importorskip("pytorch_msssim")
    noise = torch.from_numpy(gaussian_filter(picture(176, 192).numpy(), (0, 0, 2, 2)))
    first = (noise - noise.min()) / (noise.max() - noise.min())
    second = (first + 0.2 * picture(176, 192, seed=1)).clamp(0, 1)
    wanted = pytorch_msssim.ms_ssim(first, second, data_range=1.0)
    torch.testing.assert_close(ssim.ms_ssim(first, second), wanted.view(1), rtol=1e-4, atol=1e-5)


def test_ms_ssim_says_how_large_pictures_must_be():
    with pytest.raises(BenchError, match="ms-ssim needs sides of at least 176 px, got 175x180"):
        ssim.MultiScaleSSIM().score(picture(180, 175), picture(180, 175), picture())
