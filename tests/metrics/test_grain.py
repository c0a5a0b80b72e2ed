"""Grain against values worked out by hand, an independent computation, and what the eye sees."""

import importlib
import io
import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter, map_coordinates
from torch.nn.functional import avg_pool2d

from bench import images
from bench.plugins import registry
from bench.study.degradations import Case, hatched

grain = importlib.import_module("bench.metrics.grain")
score = grain.Grain().score

EMBEDDED = registry.load().dataset("default")()
CONTENTS = {picture.name: picture for picture in EMBEDDED.contents()}
STYLES = {picture.name: picture for picture in EMBEDDED.styles()}
GREY = torch.full((1, 3, 64, 64), 0.5)


def content(name="kingfisher", side=128):
    return images.load(CONTENTS[name], side)


def style(name="hiroshige_six_jewel_rivers_1857", side=128):
    return images.load(STYLES[name], side)


def noise(height, width, seed=0):
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def wave(period, degrees=0.0, rms=8 / 255, side=64):
    """A grating of lines so many pixels apart."""
    down, across = torch.arange(side)[:, None], torch.arange(side)
    angle = math.radians(degrees)
    distance = across * math.cos(angle) + down * math.sin(angle)
    return rms * 2**0.5 * torch.cos(2 * torch.pi / period * distance)


def checkerboard(amplitude, side=64):
    places = torch.arange(side)[:, None] + torch.arange(side)
    return amplitude * (1 - 2 * (places % 2.0))


def hatch(picture, amplitude):
    return hatched(Case(*(picture,) * 5), amplitude)


def blurred(picture, sigma):
    return torch.from_numpy(gaussian_filter(picture.numpy(), (0, 0, sigma, sigma)))


def jpeg(picture, quality):
    file = io.BytesIO()
    images.to_image(picture).save(file, "JPEG", quality=quality)
    return images.to_tensor(Image.open(file))


# by hand


@pytest.mark.parametrize("levels", [1, 4, 8, 32])
def test_a_checkerboard_on_a_flat_ground(levels):
    """Its power is a², all of it at Nyquist's frequency, and it counts half at 8 levels."""
    expected = 100 * levels**2 / (levels**2 + 8**2)
    assert score(GREY + checkerboard(levels / 255), GREY, GREY) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("degrees", [0, 30, 45, 90, 135])
@pytest.mark.parametrize(
    ("period", "least", "most"), [(2.5, 49.5, 50), (3, 49.5, 50), (4, 25, 40), (6, 0, 0.1)]
)
def test_gratings_count_in_every_direction_and_up_to_a_period_of_4_px(period, degrees, least, most):
    """Half at 8 levels, and less at the limit of the band, where a window's frequencies blur."""
    assert least <= score(GREY + wave(period, degrees), GREY, GREY) <= most + 0.05


def test_it_counts_by_area():
    part = checkerboard(8 / 255, 128)
    part[:, 64:] = 0
    grey = torch.full((1, 3, 128, 128), 0.5)
    # of 15 windows in a row 7 lie wholly in the half with grain, and one with its left half
    assert 100 / 2 * 7 / 15 < score(grey + part, grey, grey) < 100 / 2 * 8 / 15


def test_a_channel_of_three_has_a_third_of_the_power():
    red = GREY.clone()
    red[:, 0] += checkerboard(8 / 255)
    assert score(red, GREY, GREY) == pytest.approx(100 * (64 / 3) / (64 / 3 + 64), rel=1e-4)


def test_texture_hides_it():
    """A wave of 6 px has its power in the denominator."""
    ground = GREY + wave(6, rms=16 / 255)
    found = score(ground + checkerboard(8 / 255), ground, ground)
    assert found == pytest.approx(100 * 64 / (64 + 256 + 64), rel=0.02)


def test_brightness_plays_no_part():
    dark, bright = (GREY + level + checkerboard(0.05) for level in (-0.3, 0.3))
    assert score(dark, GREY, GREY) == pytest.approx(score(bright, GREY, GREY), rel=1e-5)
    assert score(GREY + 0.3, GREY, GREY) < 1e-6


# by an independent computation


def reference_spectrum(picture):
    """`grain_spectrum` window by window in float64, with scipy's interpolation."""
    side = 16
    hann = np.sin(np.pi * np.arange(side) / side) ** 2
    window = np.outer(hann, hann)
    axis = np.arange(-side // 2, side // 2)
    down, across = np.meshgrid(axis, axis, indexing="ij")
    total, count = np.zeros((side, side)), 0
    _, height, width = picture.shape
    for top in range(0, height - side + 1, 8):
        for left in range(0, width - side + 1, 8):
            power = np.zeros((side, side))
            for channel in picture:
                part = channel[top : top + side, left : left + side]
                part = (part - np.average(part, weights=window)) * window
                spectrum = np.fft.fftshift(np.fft.fft2(part))
                power += np.abs(spectrum) ** 2 / (window**2).sum() / side**2 / 3
            below = np.zeros((side, side))
            for u in (1, -1):
                for v in (1, -1):  # Nyquist's row and column are of both signs
                    y = np.where(down == -8, 8 * u, down) / 2 + 8
                    x = np.where(across == -8, 8 * v, across) / 2 + 8
                    below += map_coordinates(power, [y, x], order=1) / 4
            radius = np.hypot(down, across)
            excess = np.maximum(power - 0.5 * below, 0) * (radius >= 4)
            total += excess / (power[radius >= 2].sum() + (8 / 255) ** 2)
            count += 1
    return total / count


@pytest.mark.parametrize("size", [(16, 16), (32, 32), (67, 45)], ids=str)
def test_the_spectrum_equals_one_by_loops(size):
    picture = blurred(noise(*size), 0.5)
    expected = reference_spectrum(picture[0].double().numpy())
    np.testing.assert_allclose(grain.grain_spectrum(picture), expected, rtol=1e-4, atol=1e-9)


def test_powers_sum_to_the_mean_square():
    spectra = torch.cat(list(grain.power(wave(2.7, 20).expand(1, 3, 64, 64))))
    expected = torch.full((49,), (8 / 255) ** 2)
    torch.testing.assert_close(spectra.sum((1, 2)), expected, rtol=0.02, atol=0)


def test_parts_are_no_part_of_the_result(monkeypatch):
    picture = noise(100, 72)
    whole = grain.grain_spectrum(picture)
    monkeypatch.setattr(grain, "CHUNK", 10)
    torch.testing.assert_close(grain.grain_spectrum(picture), whole)


def test_turning_and_mirroring_everything_changes_nothing():
    pictures = hatch(content(), 8), content(), style()
    expected = score(*pictures)
    for turned in (lambda p: p.flip(3), lambda p: p.transpose(2, 3)):
        # the windows' weights lie half a pixel off the middle
        assert score(*map(turned, pictures)) == pytest.approx(expected, rel=0.05)


# what is none


@pytest.mark.parametrize("name", CONTENTS)
def test_both_anchors_have_none(name):
    """Exactly, also for a copy in another layout, which is rounded otherwise."""
    photo, painting = content(name), style("vangogh_cafe_terrace_1888", 96)
    for picture in (photo, painting):
        copy = picture.clone(memory_format=torch.channels_last)
        assert score(picture, photo, painting) == score(copy, photo, painting) == 0


def test_what_the_style_has_everywhere_is_the_styles():
    grained = hatch(style(), 8)
    assert score(hatch(content(), 4), content(), grained) < 0.1
    assert score(hatch(content(), 4), content(), style()) > 2


@pytest.mark.parametrize(
    ("change", "most"),
    [
        (lambda p: blurred(p, 1), 0.01),
        (lambda p: p.flip(3), 2),
        (lambda p: ((p - 0.5) * 2 + 0.5).clamp(0, 1), 2),
        (lambda p: p.mean(1, keepdim=True).expand_as(p), 2),
        (lambda p: jpeg(p, 90), 2),
        (lambda p: jpeg(p, 30), 2),
        (lambda p: blurred(p, 2).mul(4).round().div(4), 3),
    ],
    ids=["blur", "mirrored", "contrast", "grey", "jpeg 90", "jpeg 30", "flat colours"],
)
@pytest.mark.parametrize("name", ["kingfisher", "astronaut", "neuschwanstein"])
def test_other_changes_are_not_grain(name, change, most):
    """A cross-hatch of 8 levels has more than 10 on each of these."""
    photo = content(name, 256)
    assert score(change(photo), photo, GREY) < most
    assert score(hatch(photo, 8), photo, GREY) > 10


@pytest.mark.parametrize("degrees", [0, 10, 30, 45, 90])
def test_sharp_edges_are_not_grain(degrees):
    """Of full contrast, 20 px apart, unknown to content and style; without the stairs of aliasing.

    Every window has one; a checkerboard of their contrast has 99.6.
    """
    large = torch.where(wave(160, degrees, side=1024) > 0, 1.0, 0.0).expand(1, 3, 1024, 1024)
    assert score(avg_pool2d(large, 4), GREY, GREY) < 2


# what is more


@pytest.mark.parametrize("name", ["hiroshige_six_jewel_rivers_1857", "vangogh_cafe_terrace_1888"])
@pytest.mark.parametrize("photo", ["kingfisher", "neuschwanstein"])
def test_the_stronger_a_hatch_the_more(photo, name):
    given = content(photo), style(name)
    values = [score(hatch(given[0], levels), *given) for levels in (0, 4, 8, 16, 32)]
    assert all(later > earlier + 1 for earlier, later in pairwise(values[1:]))
    assert values[1] > values[0] == 0


def test_dither_is_grain_too():
    photo = content()
    dither = (noise(128, 128) - 0.5) * 12**0.5  # of variance 1
    values = [score(photo + levels / 255 * dither, photo, style()) for levels in (0, 4, 8, 16)]
    assert values == sorted(values)
    assert values[2] > 5


def test_a_hatch_in_the_sky_counts_where_the_content_has_a_wood():
    photo = content("neuschwanstein", 256)
    sky = photo.clone()
    sky[:, :, :80] = hatch(photo, 8)[:, :, :80]
    assert 3 < score(sky, photo, style()) < score(hatch(photo, 8), photo, style())
