"""Layers that keep type and layout: values, first and second derivatives against torch's own."""

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
    torch.testing.assert_close(function(*inputs), reference(*inputs), rtol=1e-10, atol=1e-10)
    assert gradcheck(function, inputs)
    assert gradgradcheck(function, inputs)


def reflected(x):
    return layers.reflected(x, 1)


def upsampled_conv(x):
    return layers.upsampled_conv(x, numbers(4, 3, 3, 3).detach().float(), None)


def test_reflection_by_hand():
    row = torch.tensor([1.0, 2.0, 3.0]).expand(1, 1, 3, 3)
    assert layers.reflected(row, 2)[0, 0, 0].tolist() == [3, 2, 1, 2, 3, 2, 1]


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


@pytest.mark.parametrize("layer", [reflected, upsampled_conv])
def test_type_and_layout_stay_forth_and_back(layer):
    """Under autocast torch's own padding gives float32."""
    x = numbers(2, 3, 6, 7, layout=torch.channels_last).detach().bfloat16().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        y = layer(x)
    (slope,) = torch.autograd.grad(y.square().sum(), x)
    for tensor in (y, slope):
        assert tensor.dtype == torch.bfloat16
        assert tensor.is_contiguous(memory_format=torch.channels_last)
