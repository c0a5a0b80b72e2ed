"""The shipped parts of VGG19 are what their formula says."""

import pytest
import torch
import torch.nn.functional as F
from helpers.encoded import picture

from bench import encoders, weights


def by_formula(numbers, picture):
    """The convolutions of a VGG19 one by one, as the papers give them, padded by reflection."""
    taps, x = {}, picture
    for name in sorted({key.rsplit(".", 1)[0] for key in numbers}):
        if name.endswith("_1") and name != "conv1_1":
            x = F.max_pool2d(x, 2)
        x = F.pad(x, (1,) * 4, mode="reflect")
        x = F.conv2d(x, numbers[f"{name}.weight"], numbers[f"{name}.bias"]).relu()
        taps[name.replace("conv", "relu")] = x
    return taps


@torch.inference_mode()
@pytest.mark.parametrize(
    ("name", "channels"),
    [("vgg19-quarter", (16, 32, 64, 128, 128)), ("vgg19-head", (64, 128, 256, 256))],
)
def test_the_shipped_vgg19s_are_the_formula(name, channels):
    encoder = {e.name: e for e in encoders.bench_encoders()}[name]
    numbers = weights.read(weights.SHIPPED / encoder.weights.file)
    given = picture(48, 64)
    shifted = given
    if name == "vgg19-head":
        shifted = given * 255 - torch.tensor([123.68, 116.779, 103.939]).view(1, 3, 1, 1)
    wanted = by_formula(numbers, shifted)
    got = encoder.build()(given)
    assert tuple(f.shape[1] for f in got) == channels
    for tap, features in zip(encoder.taps, got, strict=True):
        largest = wanted[tap].abs().max().item()
        torch.testing.assert_close(features, wanted[tap], rtol=1e-3, atol=1e-4 * largest)


@torch.inference_mode()
def test_the_quarter_reads_rgb():
    """The mean is in its first layer: it fires on saturated red other than on saturated blue."""
    network = encoders.Vgg19Quarter().build()
    red, blue = (torch.zeros(1, 3, 32, 32) for _ in range(2))
    red[:, 0], blue[:, 2] = 1.0, 1.0
    first = [network(p)[0].mean((0, 2, 3)) for p in (red, blue)]
    assert (first[0] - first[1]).abs().max() > 10
