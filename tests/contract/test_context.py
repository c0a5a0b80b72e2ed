"""The arithmetic and the encoders that a plugin is handed."""

import pytest
import torch

from bench.contract import Context, Precision

CPU = torch.device("cpu")


def test_a_precisions_label():
    assert Precision().label == "float32/contiguous"
    assert Precision("bfloat16", True).label == "bfloat16/channels_last"


@pytest.mark.parametrize(("dtype", "learning"), [("float16", "bfloat16"), ("tf32", "tf32")])
def test_what_has_gradients_is_not_rounded_to_nought(dtype, learning):
    assert Precision(dtype, True).learning == Precision(learning, True)


def test_autocast_is_of_the_dtype_and_nothing_for_float32():
    a = torch.ones(2, 2)
    with Precision("bfloat16").autocast(CPU):
        assert (a @ a).dtype == torch.bfloat16
    for dtype in ("float32", "tf32"):
        with Precision(dtype).autocast(CPU):
            assert (a @ a).dtype == torch.float32


def test_layout():
    picture = torch.rand(1, 3, 4, 4)
    last = Precision(channels_last=True).layout(picture)
    assert last.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(last, picture)


def test_an_encoder_is_built_once_frozen_and_draws_nothing_from_the_seed():
    class Description:
        def build(self):
            return torch.nn.Sequential(torch.nn.Conv2d(3, 1, 1), torch.nn.Dropout())

    context = Context(CPU, Precision(channels_last=True), None, {"x": Description()}.__getitem__)
    before = torch.get_rng_state()
    network = context.encoder("x")
    assert torch.equal(torch.get_rng_state(), before)
    assert context.encoder("x") is network
    assert not network.training
    assert not any(p.requires_grad for p in network.parameters())
