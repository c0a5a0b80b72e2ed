"""Instance normalisation against its definition, and its derivatives against differences."""

import importlib
import math
import shutil

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck, gradgradcheck

norm = importlib.import_module("bench.methods._instance_norm")
instance_norm = norm.instance_norm
LAYOUTS = (torch.contiguous_format, torch.channels_last)
HOW = [{}, {"relu": True}, {"limit": 1.2}, {"relu": True, "limit": 1.2}]


@pytest.fixture(params=["compiled", "torch"])
def either(request, monkeypatch):
    """By compiled functions, and without."""
    if request.param == "torch":
        monkeypatch.setattr(norm, "library", lambda: None)
    elif shutil.which("g++") is None:
        pytest.skip("no g++")
    else:
        assert norm.library() is not None


def random(*shape, seed=0, dtype=torch.float64, layout=torch.channels_last):
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)
    return values.contiguous(memory_format=layout) if len(shape) == 4 else values


def inputs(shape, rows, dtype=torch.float64, layout=torch.channels_last):
    """x far from standard, gain (of both signs) and bias; of their own for `rows` pictures."""
    parameters = shape[1:2] if rows is None else (rows, shape[1])
    wide = torch.promote_types(dtype, torch.float32)
    x = 2 + 3 * random(*shape, dtype=dtype, layout=layout)
    affine = (random(*parameters, seed=seed, dtype=wide) for seed in (1, 2))
    return tuple(t.requires_grad_() for t in (x, *affine))


def defined(x, gain, bias, relu=False, limit=math.inf):
    """The definition, in the words of the paper's equation 4."""
    mean = x.mean((2, 3), keepdim=True)
    deviation = (x.var((2, 3), keepdim=True, unbiased=False) + 1e-5).sqrt()
    gain, bias = (p.expand(x.shape[:2])[:, :, None, None] for p in (gain, bias))
    y = ((x - mean) / deviation).clamp(-limit, limit) * gain + bias
    return F.relu(y) if relu else y


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("rows", [None, 2])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_first_and_second_derivatives_agree_with_differences(layout, rows, how):
    def layer(*given):
        return instance_norm(*given, **how)

    given = inputs((2, 3, 3, 4), rows, layout=layout)
    torch.testing.assert_close(layer(*given), defined(*given, **how))
    assert gradcheck(layer, given)
    assert gradgradcheck(layer, given)


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("channels", [3, 16, 40])
@pytest.mark.parametrize("rows", [None, 4])
@pytest.mark.parametrize("how", HOW)
def test_each_type_agrees_with_float64(dtype, channels, rows, how):
    """Values, gradients and second derivatives of the same numbers, but for their last rounding."""
    shape = (4, channels, 9, 11)
    given = inputs(shape, rows, dtype)
    slope, u = (random(*shape, seed=seed, dtype=dtype) for seed in (3, 4))
    asked = (u, *(torch.linspace(-2, 2, p.numel()).view(p.shape) for p in given[1:]))

    def derivatives(layer, given, slope, asked):
        y = layer(*given, **how)
        slope = slope.detach().requires_grad_()
        first = torch.autograd.grad(y, given, slope, create_graph=True)
        return [y, *first, *torch.autograd.grad(first, (slope, *given[:2]), asked)]

    def exact(values):
        return [value.detach().double().requires_grad_() for value in values]

    got = derivatives(instance_norm, given, slope, asked)
    wanted = derivatives(defined, exact(given), slope.double(), [a.double() for a in asked])
    for one, other in zip(got, wanted, strict=True):
        error = (one.double() - other).norm() / other.norm()
        assert error < (1e-5 if dtype == torch.float32 else 6e-3)


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("rows", [None, 2])
def test_type_and_layout_stay_forth_and_back(layout, rows):
    x, gain, bias = inputs((2, 3, 4, 5), rows, torch.bfloat16, layout)
    with torch.autocast("cpu", torch.bfloat16):
        y = instance_norm(x, gain, bias, relu=True, limit=2.0)
    slopes = torch.autograd.grad(y.float().square().sum(), (x, gain, bias))
    assert y.dtype == slopes[0].dtype == torch.bfloat16
    assert slopes[1].dtype == slopes[2].dtype == torch.float32
    assert y.is_contiguous(memory_format=layout)
    assert slopes[0].is_contiguous(memory_format=layout)


@pytest.mark.usefixtures("either")
def test_statistics_are_float32_under_half_precision():
    """Channels' means are far from zero: sums in bfloat16 would lose the deviations."""
    x = (random(1, 8, 64, 64) * 0.5 + 8).bfloat16().contiguous(memory_format=torch.channels_last)
    ones, zeros = torch.ones(8), torch.zeros(8)
    exact = defined(x.double(), ones, zeros).float()
    torch.testing.assert_close(instance_norm(x, ones, zeros).float(), exact, atol=0.02, rtol=0.01)


@pytest.mark.usefixtures("either")
def test_one_bright_pixel_and_what_is_flat():
    """A block that is flat but for its first pixel, and a channel without any contrast."""
    x = torch.zeros(1, 2, 16, 16).contiguous(memory_format=torch.channels_last)
    x[0, 0, 0, 0] = 1000.0
    x[0, 1] = 7.0
    y = instance_norm(x, torch.ones(2), torch.zeros(2))
    exact = defined(x.double(), torch.ones(2), torch.zeros(2)).float()
    torch.testing.assert_close(y, exact, rtol=1e-5, atol=1e-4)
    limited = instance_norm(x, torch.ones(2), torch.zeros(2), limit=3.0)
    assert limited[0, 0, 0, 0] == 3.0


def test_what_is_no_number_stays_none():
    x = random(1, 3, 4, 4, dtype=torch.float32)
    x[0, 1, 2, 2] = torch.nan
    y = instance_norm(x, torch.ones(3), torch.zeros(3), relu=True, limit=3.0)
    assert y[0, 1].isnan().all()
    assert y[0, [0, 2]].isfinite().all()


@pytest.mark.parametrize("count", [1, 3])
def test_any_number_of_threads_gives_the_same(count):
    x, gain, bias = inputs((count, 24, 40, 40), None, torch.float32)
    outputs, before = [], torch.get_num_threads()
    for threads in (1, 2, 4):
        torch.set_num_threads(threads)
        y = instance_norm(x, gain, bias, relu=True, limit=2.0)
        outputs.append([y, *torch.autograd.grad(y.square().sum(), (x, gain, bias))])
    torch.set_num_threads(before)
    for other in outputs[1:]:
        assert all(map(torch.equal, outputs[0], other))


def test_a_third_derivative_is_refused():
    x, gain, bias = inputs((2, 3, 4, 5), None)
    (first,) = torch.autograd.grad(instance_norm(x, gain, bias).pow(3).sum(), x, create_graph=True)
    with pytest.raises(NotImplementedError, match="no third derivatives"):
        torch.autograd.grad(first.square().sum(), x, create_graph=True)
