"""Losses against values worked out by hand."""

import math

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

from bench import losses


def test_gram_of_two_channels_by_hand():
    features = torch.tensor([[[[1.0, 2.0]], [[3.0, -1.0]]]])  # C = 2, H = 1, W = 2
    expected = torch.tensor([[[5.0, 1.0], [1.0, 10.0]]]) / 4
    torch.testing.assert_close(losses.gram(features), expected)


def test_gram_does_not_depend_on_the_picture_size():
    features = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(losses.gram(features.repeat(1, 1, 2, 3)), losses.gram(features))


def test_gram_keeps_float32_under_autocast():
    features = torch.full((1, 1, 1, 3), 1.001)
    with torch.autocast("cpu", torch.bfloat16):
        matrix = losses.gram(features)
    assert matrix.dtype == torch.float32
    assert matrix.item() == pytest.approx(1.002001, rel=1e-6)  # bfloat16 would give 1


def test_relative_error_by_hand():
    target = torch.tensor([[3.0, 4.0]])
    value = torch.tensor([[3.0, 4.0], [0.0, 0.0], [6.0, 8.0], [3.0, 9.0]])
    torch.testing.assert_close(
        losses.relative_error(value, target), torch.tensor([0.0, 1.0, 1.0, 1.0])
    )


def test_relative_error_of_an_empty_target_is_finite():
    assert losses.relative_error(torch.zeros(1, 2), torch.zeros(1, 2)).item() == 0


def test_style_error_sums_over_layers():
    layer = torch.tensor([[[[2.0]]]])  # Gram matrix 4
    targets = [torch.tensor([[[2.0]]]), torch.tensor([[[8.0]]])]  # errors 2·2²/20, 2·4²/80
    assert losses.style_error([layer, layer], targets).item() == pytest.approx(0.8)


def test_balanced_error_is_bounded_and_near_the_target_the_relative_one():
    target = torch.tensor([[3.0, 4.0]])
    values = torch.tensor([[3.0, 4.0], [0.0, 0.0], [3e6, 4e6], [3.003, 4.004]])
    errors = losses.balanced_error(values, target)
    torch.testing.assert_close(errors[:3], torch.tensor([0.0, 2.0, 2.0]), rtol=1e-5, atol=0)
    assert errors[3].item() == pytest.approx(losses.relative_error(values[3:], target).item(), 2e-3)
    assert losses.balanced_error(torch.zeros(1, 2), torch.zeros(1, 2)).item() == 0


def test_color_error_by_hand():
    # red 0.2 and 0.6 in equal parts: mean 0.4, variance 0.04, against 0.1 and 0.3: 0.2, 0.01
    reds = torch.zeros(2, 3, 1, 2)
    reds[0, 0], reds[1, 0] = torch.tensor([0.2, 0.6]), torch.tensor([0.1, 0.3])
    error = losses.color_error(reds[:1], losses.color_moments(reds[1:]))
    by_hand = 0.2**2 / (0.01 + 0.02) + 2 * 0.03**2 / (0.04**2 + 0.01**2)
    assert error.item() == pytest.approx(by_hand, rel=1e-4)
    assert losses.color_error(reds, losses.color_moments(reds)).abs().max().item() < 1e-6


def test_total_variation_of_a_checkerboard_and_of_a_plain_picture():
    rows = torch.arange(4).view(-1, 1) + torch.arange(6)
    board = (rows % 2).float().expand(1, 3, 4, 6)
    assert losses.total_variation(board).item() == pytest.approx(2)  # every neighbour differs by 1
    assert losses.total_variation(torch.full((1, 3, 4, 6), 0.7)).item() == 0


def test_total_variation_counts_down_and_across_apart():
    stripes = torch.tensor([0.0, 1.0, 0.0, 1.0]).expand(1, 3, 5, 4)
    ramp = torch.tensor([0.0, 0.25, 0.5]).view(3, 1).expand(1, 3, 3, 2)
    both = [losses.total_variation(picture).item() for picture in (stripes, ramp)]
    assert both == pytest.approx([1, 0.25])


def test_luminance_weights_are_rec_601():
    primaries = torch.eye(3).view(3, 3, 1, 1)
    expected = torch.tensor([0.299, 0.587, 0.114])
    torch.testing.assert_close(losses.luminance(primaries).flatten(), expected)


def test_tone_error_of_equal_and_of_negative():
    picture = torch.rand(1, 3, 32, 40, generator=torch.Generator().manual_seed(0))
    assert losses.tone_error(picture, picture).item() == pytest.approx(0, abs=1e-3)
    assert losses.tone_error(1 - picture, picture).item() == pytest.approx(2, abs=1e-3)
    assert losses.tone_error(picture * 0.5 + 0.2, picture).item() == pytest.approx(0, abs=1e-3)


def test_tone_error_by_hand():
    def blocks(values):
        return torch.tensor(values).repeat_interleave(8, -1).expand(1, 3, 8, -1)

    # centred: (-1, 0, 1)/2 and (0, -1, 1)/2, correlation 1/2
    error = losses.tone_error(blocks([0.0, 0.5, 1.0]), blocks([0.5, 0.0, 1.0]))
    assert error.item() == pytest.approx(0.5, abs=1e-4)


def test_losses_differentiate_twice():
    features = torch.rand(1, 2, 8, 8, dtype=torch.float32, requires_grad=True)
    loss = losses.style_error([features], [torch.eye(2)[None]]).sum()
    (slope,) = torch.autograd.grad(loss, features, create_graph=True)
    (curvature,) = torch.autograd.grad(slope.square().sum(), features)
    assert math.isfinite(curvature.norm().item())
    assert curvature.norm() > 0


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_gradients_stay_in_the_features_layout(layout):
    torch.manual_seed(0)
    features, target = (
        torch.randn(2, 3, 4, 5).contiguous(memory_format=layout).requires_grad_() for _ in range(2)
    )
    of_style = losses.style_error([features], [losses.gram(target)])
    for error in (of_style, losses.relative_error(features, target)):
        (slope,) = torch.autograd.grad(error.sum(), features)
        assert slope.is_contiguous(memory_format=layout)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_derivatives_of_gram_matrices_agree_with_differences(layout):
    torch.manual_seed(0)
    flat = torch.randn(2, 3, 2, 2, dtype=torch.float64).contiguous(memory_format=layout).flatten(2)
    assert gradcheck(losses.Products.apply, flat.requires_grad_())
    assert gradgradcheck(losses.Products.apply, flat)


def test_flatness_error_counts_what_varies_where_the_content_does_not():
    """A step of 0.3 between blocks costs where the content is plain, and nothing at its edge."""
    plain = torch.full((1, 3, 32, 32), 0.5)
    step = plain.clone()
    step[..., 16:] += 0.3
    assert losses.flatness_error(plain, step).item() == 0
    assert losses.flatness_error(step, step).item() == 0
    # Means of blocks of b, every b/2: the step meets two differences of 0.15 = 5 x 0.03 in each
    # of n = 32 / (b/2) - 1 rows of n - 1 differences, and none down: 25 (2 n of n (n - 1) + 1).
    expected = 0.0
    for block in (2, 4, 8, 16):
        count = (32 - block) // (block // 2) + 1
        expected += 25 * 2 * count / (count * (count - 1) + 1) / 8
    assert losses.flatness_error(step, plain).item() == pytest.approx(expected, rel=1e-5)


def test_flatness_error_sees_a_lattice_of_four_pixels():
    """The strides of a transformation network make one; in a content it is free."""
    lattice = torch.tensor([0.4, 0.4, 0.6, 0.6]).repeat(8).expand(1, 3, 32, 32)
    plain = torch.full((1, 3, 32, 32), 0.5)
    # means of two pixels go up and down by 0.1 at each pixel, those of four and more not at all
    assert losses.flatness_error(lattice, plain).item() == pytest.approx(
        (0.1 / 0.03) ** 2 / 8, rel=0.01
    )
    assert losses.flatness_error(lattice, lattice).item() == 0


def test_lattice_error_counts_what_repeats_at_the_period():
    """A weave of 4 pixels costs its energy over that of a difference that is seen."""
    plain = torch.full((1, 3, 35, 35), 0.5)
    weave = 0.5 + 0.1 * torch.tensor([1.0, 0, -1, 0]).repeat(9)[:35].expand(1, 3, 35, 35)
    # its mean over 4 pixels is 0.5 everywhere; its energy is the mean of (0.1, 0, 0.1, 0) squared
    expected = 0.1**2 / 2 / 0.03**2
    assert losses.lattice_error(weave, plain).item() == pytest.approx(expected, rel=1e-4)
    assert losses.lattice_error(weave, weave).item() == 0
    assert losses.lattice_error(plain, weave).item() == 0


def test_lattice_error_passes_ramps_other_periods_and_noise():
    """What a picture may have: shading, texture of another period, and what has none."""
    plain = torch.full((1, 3, 67, 67), 0.5)
    ramp = torch.linspace(0.2, 0.8, 67).expand(1, 3, 67, 67)
    eight = 0.5 + 0.1 * torch.cos(torch.arange(67) * math.pi / 4).expand(1, 3, 67, 67)
    torch.manual_seed(0)
    noise = plain + 0.1 * torch.randn(1, 3, 67, 67)
    whole = 0.1**2 / 0.03**2
    assert losses.lattice_error(ramp, plain).item() == pytest.approx(0, abs=1e-6)
    assert losses.lattice_error(eight, plain).item() == pytest.approx(0, abs=1e-6)
    # a place is seen 64 times in a window: a 64th of the noise's energy is left, less its own mean
    assert losses.lattice_error(noise, plain).item() == pytest.approx(whole * 15 / 16 / 64, rel=0.2)


@pytest.mark.parametrize("side", [1, 4, 10, 11, 32])
def test_lattice_error_takes_small_pictures(side):
    """Below two periods nothing repeats itself; from there on windows are as large as they can."""
    weave = 0.5 + 0.1 * torch.tensor([1.0, 0, -1, 0]).repeat(9)[:side].expand(2, 3, side, side)
    error = losses.lattice_error(weave, torch.full_like(weave, 0.5))
    assert error.shape == (2,)
    assert bool((error > 0).all()) == (side >= 11)
