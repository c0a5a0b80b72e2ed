"""Layers in channels-last memory: values, first and second derivatives against torch's own."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck, gradgradcheck

from bench import layers

LAYOUTS = [torch.contiguous_format, torch.channels_last]


def numbers(*shape, layout=torch.contiguous_format, seed=0):
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(*shape, dtype=torch.double, generator=generator)
    if len(shape) == 4:
        drawn = drawn.contiguous(memory_format=layout)
    return drawn.requires_grad_()


def holds(function, reference, *inputs):
    """Value and derivatives; that the layout stays is the reason for these functions."""
    got = function(*inputs)
    torch.testing.assert_close(got, reference(*inputs), rtol=1e-10, atol=1e-10)
    assert got.is_contiguous(memory_format=torch.channels_last)
    assert gradcheck(function, inputs)
    assert gradgradcheck(function, inputs)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("margin", [1, 3])
def test_reflection(margin, layout):
    holds(
        lambda x: layers.reflected(x, margin),
        lambda x: F.pad(x, (margin,) * 4, mode="reflect"),
        numbers(2, 2, 4, 5, layout=layout),
    )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_upsampling_and_convolution(layout):
    def plain(x, weight, bias):
        large = F.interpolate(x, scale_factor=2, mode="bilinear")
        return F.conv2d(F.pad(large, (1,) * 4, mode="replicate"), weight, bias)

    inputs = numbers(2, 3, 3, 4, layout=layout), numbers(2, 3, 3, 3, seed=1), numbers(2, seed=2)
    holds(layers.upsampled_conv, plain, *inputs)


@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize("limit", [math.inf, 1.2])
@pytest.mark.parametrize("per_picture", [True, False])
def test_normalisation(relu, limit, per_picture):
    def plain(x, gain, bias):
        unit = F.instance_norm(x).clamp(-limit, limit)
        affine = unit * gain[..., None, None] + bias[..., None, None]
        return affine.relu() if relu else affine

    shape = (2, 3) if per_picture else (3,)
    holds(
        lambda *inputs: layers.normalised(*inputs, relu, limit),
        plain,
        numbers(2, 3, 4, 5, layout=torch.channels_last),
        numbers(*shape, seed=1),  # some of the gains are negative
        numbers(*shape, seed=2),
    )


def test_bfloat16_stays_near_float32():
    x, gain, bias = (t.detach().float() for t in (numbers(2, 8, 9, 9), numbers(8), numbers(8)))
    half = layers.normalised(x.bfloat16(), gain, bias, True, 3.0)
    assert half.dtype == torch.bfloat16
    whole = layers.normalised(x, gain, bias, True, 3.0)
    torch.testing.assert_close(half.float(), whole, rtol=0.02, atol=0.03)
