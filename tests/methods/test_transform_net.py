"""The transformation network: the paper's layers, and torch's own operations."""

import functools
import importlib

import pytest
import torch
import torch.nn.functional as F
from torch.func import functional_call

net = importlib.import_module("bench.methods._transform_net")


def test_padding_is_by_reflection():
    picture = torch.arange(6.0).view(1, 1, 2, 3)  # 0 1 2 over 3 4 5
    assert net.padded(picture, 2)[0, 0].tolist() == [[0, 1, 2, 1], [3, 4, 5, 4]]
    assert net.padded(picture, 1) is picture


def test_the_network_has_the_papers_number_of_parameters():
    network = net.TransformNet()
    assert sum(p.numel() for p in network.parameters()) == 1_679_235
    assert sum(p.numel() for p in net.norm_parameters(network).values()) == 3_200


def test_the_network_has_the_papers_layers():
    convolutions = [
        (m.in_channels, m.out_channels, m.kernel_size[0], m.stride[0])
        for m in net.TransformNet().modules()
        if isinstance(m, torch.nn.Conv2d)
    ]
    assert convolutions == [
        (3, 32, 9, 1),
        (32, 64, 3, 2),
        (64, 128, 3, 2),
        *[(128, 128, 3, 1)] * 10,
        (128, 64, 3, 1),
        (64, 32, 3, 1),
        (32, 3, 9, 1),
    ]


def composed(network, x):
    """The network from torch's own operations, in the network's form."""
    layer_of, smooth = dict(network.named_modules()), network.smooth

    def layer(name, x, up=False):
        conv, norm = layer_of[f"{name}.conv"], layer_of[f"{name}.norm"]
        mode = "reflect"
        if up:
            x = F.interpolate(x, scale_factor=2, mode="bilinear" if smooth else "nearest")
            mode = "replicate" if smooth else "reflect"
        x = F.conv2d(
            F.pad(x, (conv.kernel_size[0] // 2,) * 4, mode=mode),
            conv.weight,
            conv.bias,
            conv.stride,
        )
        x = F.instance_norm(x)
        x = x.clamp(-3, 3) if smooth else x
        return x * norm.weight[:, None, None] + norm.bias[:, None, None]

    x = x * 2 - 1
    for i in range(3):
        x = layer(f"down.{i}", x).relu()
    for i in range(5):
        x = x + layer(f"residuals.{i}.second", layer(f"residuals.{i}.first", x).relu())
    for i in range(2):
        x = layer(f"up.{i}", x, up=True).relu()
    x = F.conv2d(F.pad(x, (4,) * 4, mode="reflect"), network.out.weight, network.out.bias)
    return x.sigmoid()


@pytest.mark.parametrize("smooth", [True, False])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_network_and_its_gradients_are_those_of_torchs_operations(smooth, layout):
    torch.manual_seed(0)
    network = net.TransformNet(smooth).double().to(memory_format=layout)
    for parameter in network.parameters():  # none at its initial value
        parameter.data += 0.05 * torch.randn_like(parameter)
    picture = torch.rand(2, 3, 24, 20, dtype=torch.double)
    picture[0, :, 3:5, 3:5] = 9.0  # a spike, for the limit
    # the network ends in float32: weights of the comparison are far above its rounding
    weights = torch.rand(2, 3, 24, 20, dtype=torch.double)
    results = []
    for forward in (network, functools.partial(composed, network)):
        output = forward(picture)
        gradients = torch.autograd.grad((output * weights).sum(), list(network.parameters()))
        results.append((output.double(), gradients))
    torch.testing.assert_close(results[0][0], results[1][0], rtol=0, atol=1e-6)
    for got, wanted in zip(results[0][1], results[1][1], strict=True):
        torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-4)


def test_norms_of_their_own_are_those_of_single_networks():
    torch.manual_seed(0)
    network, pictures = net.TransformNet(), torch.rand(2, 3, 16, 16)
    vectors = net.norm_vector(network).detach() + 0.1 * torch.randn(2, 3200)
    alone = [
        functional_call(network, net.norms_from(network, vector), (picture[None],))
        for vector, picture in zip(vectors, pictures, strict=True)
    ]
    torch.testing.assert_close(network(pictures, vectors), torch.cat(alone))


def test_weights_tell_their_networks_form():
    old = {k: v for k, v in net.TransformNet().state_dict().items() if k != "is_smooth"}
    network = net.TransformNet()
    network.load_state_dict(old)
    assert not network.smooth
    assert not network.state_dict()["is_smooth"]
    network.load_state_dict(net.TransformNet().state_dict())
    assert network.smooth
    network.load_state_dict(net.norms_from(network, net.norm_vector(network)), strict=False)
    assert network.smooth  # norms alone say nothing of it


@pytest.mark.parametrize("shape", [(64, 64), (33, 47), (16, 18)])
def test_the_network_keeps_every_shape(shape):
    with torch.no_grad():
        output = net.TransformNet()(torch.rand(2, 3, *shape))
    assert output.shape == (2, 3, *shape)
    assert output.min() >= 0
    assert output.max() <= 1
