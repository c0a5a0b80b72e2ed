"""Gatys' optimisation, on a toy encoder whose gradient can be worked out by hand."""

import dataclasses

import pytest
import torch
from torch import nn

from bench import Encoder, Weights
from bench.contract import Context, Precision, phases
from bench.plugins import registry
from bench.store import collect

REGISTRY = registry.load()
GATYS = REGISTRY.methods["gatys"]


class Affine(nn.Module):
    """Features 2 x + 1: one tap."""

    def forward(self, picture):
        return [picture * 2 + 1]


class Rooted(nn.Module):
    """Features whose gradient is infinite at 0."""

    def forward(self, picture):
        return [picture.sqrt()]


class Toy(Encoder):
    name = "toy"
    taps = ("only",)
    content_tap = "only"
    weights = Weights("none", None, "nowhere", "MIT")

    def __init__(self, network):
        self.network = network

    def build(self):
        return self.network


def gatys(find_encoder=lambda name: Toy(Affine()), **options):
    context = Context(torch.device("cpu"), Precision(), collect([]), find_encoder)
    method = GATYS(context, GATYS.Options(**options))
    method.load()
    return method


def pictures(method, style, content):
    phases.adapt(method, style)
    return list(phases.stylizing(method, content))


def soft(seed, size=(32, 32), count=1):
    torch.manual_seed(seed)
    return torch.nn.functional.interpolate(torch.rand(count, 3, 4, 4), size, mode="bilinear")


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_the_loss_goes_down_on_the_real_encoder(optimizer):
    method = gatys(REGISTRY.encoder, optimizer=optimizer, steps=12)
    style, content = soft(1) * (torch.arange(32) % 4 < 2), soft(2)
    stages = pictures(method, style, content)
    target = method.loss.content_target(content)
    with torch.no_grad():
        losses = [float(method.loss(p, content, target, method.style).total) for p in stages]
    assert len(losses) == 13
    assert losses[-1] < 0.7 * losses[0]
    assert losses[-1] == pytest.approx(min(losses), rel=0.1)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_step_zero_is_the_content_and_later_steps_do_not_change_it(optimizer):
    content = soft(2, count=2)
    stages = pictures(gatys(optimizer=optimizer, steps=2), soft(1), content)
    assert torch.equal(stages[0], content)
    assert not torch.equal(stages[1], stages[0])


def test_noise_is_the_same_for_each_picture_and_not_the_content():
    content = soft(2, count=2)
    (start,) = pictures(gatys(init="noise", steps=0), soft(1), content)
    assert torch.equal(start[0], start[1])
    assert (start - content).abs().mean() > 0.1


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_without_a_style_the_content_stays(optimizer):
    content = soft(2)
    method = gatys(optimizer=optimizer, style_weight=0.0, tv_weight=0.0, tone_weight=0.0, steps=3)
    assert torch.equal(pictures(method, soft(1), content)[-1], content)


def test_the_gradient_by_hand():
    """One pixel; features f = 2 x + 1, content features t, style features s.

    The Gram matrices are f fᵀ / 3 and s sᵀ / 3, so that the balanced style error is E = 2 a / b
    with a = |f fᵀ - s sᵀ|² and b = |f|⁴ + |s|⁴. da/dx = 2 · 4 (f |f|² - s (s·f)), db/dx =
    2 · 4 f |f|², and dE/dx = 2 (da/dx - a / b db/dx) / b; the content error is
    |f - t|² / |t|² and its gradient 2 · 2 (f - t) / |t|².
    """
    x, content, style = (
        torch.tensor(rgb, dtype=torch.float64)
        for rgb in ((0.2, 0.5, 0.7), (0.3, 0.3, 0.6), (0.9, 0.1, 0.4))
    )
    f, t, s = (2 * rgb + 1 for rgb in (x, content, style))
    a = (f.outer(f) - s.outer(s)).square().sum()
    b = f.dot(f) ** 2 + s.dot(s) ** 2
    slope_a, slope_b = 8 * (f * f.dot(f) - s * s.dot(f)), 8 * f * f.dot(f)
    by_hand = 3 * 2 * (slope_a - a / b * slope_b) / b
    by_hand += 0.5 * 4 * (f - t) / t.dot(t)

    def picture(rgb):
        return rgb.float().view(1, 3, 1, 1)

    method = gatys(content_weight=0.5, style_weight=3.0, tv_weight=0.0, tone_weight=0.0)
    phases.adapt(method, picture(style))
    at = picture(x).requires_grad_()
    method.loss = dataclasses.replace(
        method.loss, balance=dataclasses.replace(method.loss.balance, tv=0.0, tone=0.0)
    )
    target = method.loss.content_target(picture(content))
    with pytest.MonkeyPatch.context() as patch:  # a tone needs eight pixels a side
        patch.setattr("bench.perceptual.tone_error", lambda a, b: torch.zeros(1))
        method.loss(at, picture(content), target, method.style).total.backward()
    torch.testing.assert_close(at.grad.flatten().double(), by_hand, rtol=1e-5, atol=1e-6)


def test_the_first_adam_step_is_the_sign_of_the_gradient():
    """Adam's first step is lr · g / (|g| + 1e-8), whatever the gradient's size.

    A grey style below a grey content, on one tap: every feature must fall, so every pixel does.
    """
    content, style = torch.full((1, 3, 16, 16), 0.5), torch.full((1, 3, 16, 16), 0.25)
    stages = pictures(gatys(optimizer="adam", lr=0.03, steps=1), style, content)
    torch.testing.assert_close(stages[1], torch.full_like(content, 0.47))


def test_the_first_lbfgs_step_has_unit_length():
    """torch's L-BFGS first walks along the gradient, as far as 1 over its sum of magnitudes."""
    content, style = torch.full((1, 3, 16, 16), 0.5), torch.full((1, 3, 16, 16), 0.25)
    stages = pictures(gatys(optimizer="lbfgs", lr=0.5, steps=1), style, content)
    torch.testing.assert_close((content - stages[1]).sum(), torch.tensor(0.5), rtol=1e-3, atol=0)


def test_adam_treats_each_picture_of_a_batch_alone():
    method = gatys(optimizer="adam", steps=3)
    content = soft(2, count=2)
    together = pictures(method, soft(1), content)[-1]
    alone = torch.cat([list(phases.stylizing(method, content[i : i + 1]))[-1] for i in (0, 1)])
    torch.testing.assert_close(together, alone)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_a_step_that_is_not_finite_is_taken_back(optimizer):
    content = torch.zeros(1, 3, 16, 16)  # where the gradient of the square root is infinite
    method = gatys(lambda name: Toy(Rooted()), optimizer=optimizer, steps=3)
    stages = pictures(method, soft(1, (16, 16)), content)
    assert torch.equal(stages[-1], content)


def test_pixels_stay_in_range_however_long_the_step():
    stages = pictures(gatys(optimizer="adam", lr=5.0, steps=3), soft(1), soft(2))
    assert all(picture.min() >= 0 and picture.max() <= 1 for picture in stages)
