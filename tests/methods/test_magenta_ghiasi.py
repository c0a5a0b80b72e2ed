"""Magenta's network of any style against its numbers in float32, and its package."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers.packaged import graph, library, loaded, onnx, picture

from bench import images
from bench.contract import phases


def ghiasi_by_hand(picture, embedding):
    """The transformation network (paper, fig. 2) in float32, from the 8-bit numbers."""
    held = graph("arbitrary_transform.onnx")
    raw = {stored.name: onnx.numpy_helper.to_array(stored) for stored in held.initializer}
    real = {}
    for node in held.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in raw:
            whole, scale, zero = (raw[name].astype(np.float32) for name in node.input)
            per = (-1,) + (1,) * (whole.ndim - 1) if scale.ndim else ()
            real[node.output[0]] = (whole - zero.reshape(per)) * scale.reshape(per)
    found = {
        node.name: [torch.from_numpy(real[name]) for name in node.input[1:]]
        for node in held.node
        if node.op_type == "Conv"
    }

    def numbers(start):
        (name,) = (name for name in found if name.startswith(start))
        return found[name]

    def conv(x, name, stride=1):
        weight, *bias = numbers(f"transformer/{name}/")
        half = weight.shape[-1] // 2
        return F.conv2d(F.pad(x, (half,) * 4, mode="reflect"), weight, *bias, stride=stride)

    def layer(x, name):
        style = f"style_params/transformer/{name}/StyleNorm"
        shift, gain = (
            F.conv2d(embedding.view(1, 100, 1, 1), *numbers(f"{style}/{kind}/"))
            for kind in ("Conv", "Conv_1")
        )
        return F.instance_norm(conv(x, f"{name}"), eps=1e-5) * gain + shift

    x = picture
    for index, stride in enumerate((1, 2, 2), 1):
        x = conv(x, f"contract/conv{index}", stride).relu()
    for index in range(1, 6):
        inner = layer(x, f"residual/residual{index}/conv1").relu()
        x = x + layer(inner, f"residual/residual{index}/conv2")
    for index in (1, 2):
        x = layer(F.interpolate(x, scale_factor=2), f"expand/conv{index}/conv").relu()
    return layer(x, "expand/conv3/conv").sigmoid()


def test_ghiasi_is_the_papers_network_up_to_8_bits():
    """Rounding moves pixels by 0.03 of the range in the mean, the style by six times as much."""
    content, style = picture("contents", 1, 384), picture("styles", 0, 384)
    method = loaded("magenta-ghiasi")
    phases.adapt(method, style)
    stylized = phases.stylize(method, content)
    wanted = ghiasi_by_hand(content, method.embedding)
    assert (stylized - wanted).abs().mean() < 0.035
    assert np.corrcoef(stylized.flatten(), wanted.flatten())[0, 1] > 0.98
    assert (stylized - content).abs().mean() > 0.15


@pytest.mark.parametrize(("height", "width"), [(384, 384), (96, 256), (40, 200), (256, 256)])
def test_ghiasi_is_the_packages(height, width):
    """To an 8-bit level, whatever has to be resized, cut or filled."""
    content = picture("contents", 0, 384)[..., :height, :width]
    style = picture("styles", 1, 300, crop=False)
    assert style.shape[2] != style.shape[3]
    method = loaded("magenta-ghiasi")
    phases.adapt(method, style)
    theirs = library().stylize_with(images.to_image(content), images.to_image(style), max_size=0)
    ours = np.asarray(images.to_image(phases.stylize(method, content)), int)
    assert np.abs(ours - np.asarray(theirs, int)).max() <= 1
