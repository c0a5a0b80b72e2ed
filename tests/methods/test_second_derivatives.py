"""Operators of the second-order step: against differences, and against torch's own."""

import importlib
import itertools
from collections import Counter

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck, gradgradcheck
from torch.utils._python_dispatch import TorchDispatchMode

second = importlib.import_module("bench.methods._second_derivatives")
LAYOUTS = (torch.contiguous_format, torch.channels_last)


def random(*shape, seed=0, dtype=torch.float64, layout=torch.contiguous_format):
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)
    return values.contiguous(memory_format=layout if len(shape) == 4 else torch.contiguous_format)


def leaf(*shape, **how):
    return random(*shape, **how).requires_grad_()


class Calls(TorchDispatchMode):
    """Counts operators; those that give convolutions' gradients by which of them they give."""

    def __init__(self):
        super().__init__()
        self.counts = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        if name == "convolution_backward":
            name += " " + "".join(itertools.compress("xwb", args[-1]))
        self.counts[name] += 1
        return func(*args, **(kwargs or {}))

    def convolutions(self):
        return {name: count for name, count in self.counts.items() if "convolution" in name}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"stride": 2, "padding": 1},
        {"stride": (1, 2), "padding": (2, 0), "dilation": (2, 1)},
        {"groups": 2, "padding": 1},
    ],
)
def test_a_convolutions_derivatives_agree_with_differences(how, layout):
    x = leaf(2, 2, 5, 6, layout=layout)
    weight = leaf(4, 2 // how.get("groups", 1), 3, 3, seed=1, layout=layout)
    bias = leaf(4, seed=2)

    def convolved(*given):
        return second.convolve(*given, **how)

    torch.testing.assert_close(convolved(x, weight, bias), F.conv2d(x, weight, bias, **how))
    assert gradcheck(convolved, (x, weight, bias))
    assert gradgradcheck(convolved, (x, weight, bias))
    assert gradgradcheck(lambda x: convolved(x, weight.detach(), None), (x,))


@pytest.mark.parametrize(
    "move",
    [
        lambda x: second.pad(x, (2, 1, 0, 3), "reflect"),
        lambda x: second.pad(x, (2, 1, 0, 3), "replicate"),
        second.relu,
    ],
)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_padding_and_relu_agree_with_differences(move, layout):
    x = leaf(2, 3, 5, 4, layout=layout)
    assert gradcheck(move, (x,))
    assert gradgradcheck(move, (x,))


def test_relu_in_place():
    x = leaf(2, 3, 4, 4)
    y = second.relu(x * 1, inplace=True)
    torch.testing.assert_close(y, F.relu(x))
    (slope,) = torch.autograd.grad(y.sum(), x)
    torch.testing.assert_close(slope, (x > 0).double())


class Small(torch.nn.Module):
    """All that is replaced, and something that is not."""

    def __init__(self):
        super().__init__()
        self.one = torch.nn.Conv2d(3, 8, 3, padding=1, padding_mode="reflect")
        self.two = torch.nn.Conv2d(8, 8, 3, 2, padding=1)

    def forward(self, x):
        x = F.relu(self.one(x), inplace=True)
        return F.max_pool2d(F.softplus(F.relu(self.two(x))), 2)


def bilevel(network, x, moving):
    """Gradients of the loss after a step of `moving` down the loss."""
    loss = network(x).square().mean()
    first = torch.autograd.grad(loss, moving, create_graph=True)
    after = loss + sum(slope.square().sum() for slope in first)
    return torch.autograd.grad(after, list(network.parameters()))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_networks_second_order_gradients_are_torchs(dtype):
    torch.manual_seed(0)
    network = Small().to(memory_format=torch.channels_last)
    x = random(2, 3, 16, 16, dtype=torch.float32, layout=torch.channels_last)
    moving = [network.two.bias, network.one.bias]
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        wanted = bilevel(network, x, moving)
        with second.SecondDerivatives():
            got = bilevel(network, x, moving)
    for one, other in zip(got, wanted, strict=True):
        error = (one - other).norm() / other.norm()
        assert error < (1e-5 if dtype == torch.float32 else 0.02)
        assert one.dtype == torch.float32


def test_work_is_done_for_what_is_asked_only():
    """No gradient for the weight where that for the input is wanted, nor where it is fixed."""
    x, weight = leaf(1, 2, 6, 6), leaf(2, 2, 3, 3, seed=1)
    y = second.convolve(x, weight)
    for asked, done in ((x, "x"), (weight, "wb")):
        with Calls() as calls:
            torch.autograd.grad(y.sum(), asked, create_graph=True)
        assert calls.convolutions() == {f"convolution_backward {done}": 1}
    y = second.pad(second.relu(second.convolve(x, weight.detach())), (1, 1, 1, 1), "reflect")
    (slope,) = torch.autograd.grad(y.pow(2).sum(), x, create_graph=True)
    with Calls() as calls:
        torch.autograd.grad(slope.sum(), x)
    assert calls.convolutions() == {"convolution": 1, "convolution_backward x": 1}
    assert not calls.counts["zeros"]
    assert not calls.counts["zeros_like"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_gradients_stay_in_the_layout(layout):
    torch.manual_seed(0)
    network = Small().to(memory_format=layout)
    x = leaf(2, 3, 16, 16, dtype=torch.float32, layout=layout)
    with second.SecondDerivatives():
        y = second.pad(second.convolve(x, network.one.weight), (1, 1, 1, 1), "reflect")
    (first,) = torch.autograd.grad(y.pow(3).sum(), x, create_graph=True)
    (again,) = torch.autograd.grad(first.pow(2).sum(), x)
    assert first.is_contiguous(memory_format=layout)
    assert again.is_contiguous(memory_format=layout)


def test_elsewhere_torchs_own_are_called():
    with second.SecondDerivatives(), torch.no_grad():
        assert F.conv2d(random(1, 2, 4, 4), random(2, 2, 3, 3)).grad_fn is None
    with second.SecondDerivatives():
        x = F.relu(torch.empty(1, 2, 4, 4, device="meta", requires_grad=True))
        assert F.pad(leaf(1, 1, 2, 2), (1, 1, 1, 1)).shape == (1, 1, 4, 4)
        assert F.conv2d(leaf(1, 1, 4, 4), leaf(1, 1, 3, 3), padding="same").shape == (1, 1, 4, 4)
    assert type(x.grad_fn).__name__ == "ReluBackward0"
