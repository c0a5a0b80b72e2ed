"""EfficientNet-Lite0 against convolutions and batch norms of its own state dict."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers.encoded import picture

from bench import encoders, weights


@pytest.fixture(scope="module")
def lite0():
    return encoders.EfficientNetLite0().build().eval()


@torch.inference_mode()
def test_lite0_taps_channels_and_strides(lite0):
    sides = [tuple(f.shape[1:]) for f in lite0(picture(64, 96))]
    assert sides == [(32, 32, 48), (32, 32, 48), (144, 16, 24), (240, 8, 12), (480, 4, 6)]


@torch.inference_mode()
def test_lite0_rounds_odd_sides_up(lite0):
    sides = [tuple(f.shape[2:]) for f in lite0(picture(67, 45))]
    assert sides == [(34, 23), (34, 23), (17, 12), (9, 6), (5, 3)]


def same(x, kernel, stride):
    """TensorFlow's SAME padding, spelt out: the output has ceil(side / stride) positions."""
    pads = []
    for side in (x.shape[3], x.shape[2]):
        whole = (int(np.ceil(side / stride)) - 1) * stride + kernel - side
        pads += [max(whole, 0) // 2, max(whole, 0) - max(whole, 0) // 2]
    return F.pad(x, pads)


@torch.inference_mode()
def test_lite0_equals_convolutions_and_batch_norms_of_the_state_dict(lite0):
    encoder = encoders.EfficientNetLite0()
    path = weights.locate(encoder.weights, encoder.folders())
    state = torch.load(path, map_location="cpu", weights_only=True)

    def layer(x, conv, norm, stride=1, depthwise=False):
        kernel = state[f"{conv}.weight"]
        x = F.conv2d(
            same(x, kernel.shape[2], stride),
            kernel,
            stride=stride,
            groups=len(kernel) if depthwise else 1,
        )
        statistics = (state[f"{norm}.{name}"] for name in ("running_mean", "running_var"))
        scale, shift = state[f"{norm}.weight"], state[f"{norm}.bias"]
        return F.batch_norm(x, *statistics, scale, shift, eps=1e-3)

    photo = picture(45, 67)
    x = layer((photo * 255 - 127) / 128, "_conv_stem", "_bn0", 2).clamp(0, 6)
    expected = [x]
    strides = [1, 2, 1, 2, 1, 2, 1, 1]
    for index, stride in enumerate(strides):
        here, before = f"_blocks.{index}", x
        if index > 0:
            x = layer(x, f"{here}._expand_conv", f"{here}._bn0").clamp(0, 6)
        x = layer(x, f"{here}._depthwise_conv", f"{here}._bn1", stride, depthwise=True).clamp(0, 6)
        if index in (0, 2, 4, 7):
            expected.append(x)
        x = layer(x, f"{here}._project_conv", f"{here}._bn2")
        if x.shape == before.shape:
            x = x + before
    for found, wanted in zip(lite0(photo), expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-4)
