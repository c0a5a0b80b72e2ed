"""The bilevel step against other gradients, and the other rules of meta-training."""

import importlib

import pytest
import torch
from helpers.tiny import pictures
from torch.func import functional_call

from bench.errors import BenchError
from bench.weights import read, write

meta_training = importlib.import_module("bench.methods._meta_training")
net = importlib.import_module("bench.methods._transform_net")
TOLD = {"options": '{"encoder": "efficientnet-lite0"}'}
TRAINING = {"encoder": "tiny", "size": 32, "style_size": 32, "batch": 1, "styles": 1}


def test_inner_update_of_a_parabola_by_hand():
    # L = 3 p² at p = 2: gradient 12, one step of 0.1 gives 0.8; d(p - 0.1·6p)/dp = 0.4
    p = torch.tensor(2.0, requires_grad=True)
    updated = meta_training.inner_update({"p": p}, 3 * p**2, 0.1)["p"]
    assert updated.item() == pytest.approx(0.8)
    assert torch.autograd.grad(updated, p)[0].item() == pytest.approx(0.4)


def test_the_meta_gradient_agrees_with_finite_differences():
    """The whole bilevel objective of a small network in float64, T = 2, against differences."""
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect"),
        torch.nn.InstanceNorm2d(4, affine=True),
        torch.nn.Softplus(),
        torch.nn.Conv2d(4, 3, 3, padding=1),
    ).double()
    norms = net.norm_parameters(network)
    inner, outer = torch.rand(2, 2, 3, 8, 8, dtype=torch.float64)
    target = torch.rand(1, 3, 8, 8, dtype=torch.float64)

    def objective():
        adapted = norms
        for _ in range(2):
            loss = (functional_call(network, dict(adapted), (inner,)) - target).square().mean()
            adapted = meta_training.inner_update(adapted, loss, 0.7)
        return (functional_call(network, dict(adapted), (outer,)) - target).square().mean()

    objective().backward()
    for name, parameter in network.named_parameters():
        flat, gradient = parameter.data.view(-1), parameter.grad.view(-1)
        for index in {0, flat.numel() // 2, flat.numel() - 1}:
            values = []
            for step in (1e-5, -1e-5):
                flat[index] += step
                values.append(objective().item())
                flat[index] -= step
            assert gradient[index].item() == pytest.approx(
                (values[0] - values[1]) / 2e-5, rel=1e-4, abs=1e-9
            ), name


def test_a_meta_step_is_the_gradient_of_the_loss_after_the_inner_step(context):
    """The task's own step against the same objective put together from public pieces."""
    options = meta_training.MetaTrainingOptions(
        **TRAINING, warm_steps=0, inner_lr=0.5, clip=1e9, decay=0.0, outer_lr=0.0
    )
    torch.manual_seed(3)
    task = meta_training.MetaTraining(context, pictures(3, 1), options)
    torch.manual_seed(4)
    logged = task.step(0)
    got = {n: p.grad.clone() for n, p in task.network.named_parameters()}

    torch.manual_seed(4)
    train, query, style = task.contents(1), task.contents(1), task.targets(1)
    norms = net.norm_parameters(task.network)

    def loss(parameters, batch):
        stylized = functional_call(task.network, dict(parameters), (batch,))
        return task.loss.of(stylized, batch, style).total

    before = loss(norms, train)
    gradients = torch.autograd.grad(before, list(norms.values()), create_graph=True)
    moved = {n: p - 0.5 * g for (n, p), g in zip(norms.items(), gradients, strict=True)}
    after = loss(moved, query)
    expected = torch.autograd.grad(after, list(task.network.parameters()))
    assert logged["meta/before"] == pytest.approx(before.item(), rel=1e-5)
    assert logged["meta/after"] == pytest.approx(after.item(), rel=1e-5)
    for (name, gradient), wanted in zip(got.items(), expected, strict=True):
        torch.testing.assert_close(gradient, wanted, rtol=1e-3, atol=1e-6, msg=name)


def manual_inner(task, batches, style, optimizer):
    """Inner steps by a plain loop over torch's optimiser; the network stays where it ends."""
    for content in batches:
        optimizer.zero_grad()
        task.loss.of(task.network(content), content, style).total.backward()
        optimizer.step()


@pytest.mark.parametrize("moves", ["norm", "all"])
def test_first_order_is_the_gradient_at_the_end_of_the_inner_steps(context, moves):
    options = meta_training.MetaTrainingOptions(
        **TRAINING, warm_steps=0, rule="first-order", inner_moves=moves, inner_steps=2,
        inner_lr=0.5, clip=1e9, decay=0.0, outer_lr=0.0,
    )  # fmt: skip
    torch.manual_seed(3)
    task = meta_training.MetaTraining(context, pictures(3, 1), options)
    before = {n: p.detach().clone() for n, p in task.network.named_parameters()}
    torch.manual_seed(4)
    task.step(0)
    got = [p.grad.clone() for p in task.network.parameters()]
    for name, parameter in task.network.named_parameters():
        assert torch.equal(parameter, before[name]), name  # outer rate 0: back where it was

    torch.manual_seed(4)
    train, query, style = task.contents(1), task.contents(1), task.targets(1)
    network = task.network
    moving = network.parameters() if moves == "all" else net.norm_parameters(network).values()
    manual_inner(task, [train, train], style, torch.optim.SGD(list(moving), 0.5))
    network.zero_grad()
    task.loss.of(network(query), query, style).total.backward()
    for gradient, parameter in zip(got, network.parameters(), strict=True):
        torch.testing.assert_close(gradient, parameter.grad, rtol=1e-3, atol=1e-6)


def test_reptile_goes_a_share_of_the_way_that_adaptation_goes(context):
    options = meta_training.MetaTrainingOptions(
        **TRAINING, warm_steps=0, rule="reptile", inner="adam", inner_moves="all", inner_steps=3,
        inner_lr=1e-3, contents="fresh", decay=0.0, outer_lr=0.25,
    )  # fmt: skip
    torch.manual_seed(3)
    task = meta_training.MetaTraining(context, pictures(3, 1), options)
    begin = [p.detach().clone() for p in task.network.parameters()]
    torch.manual_seed(4)
    task.step(0)
    got = [p.detach().clone() for p in task.network.parameters()]

    with torch.no_grad():
        for parameter, value in zip(task.network.parameters(), begin, strict=True):
            parameter.copy_(value)
    torch.manual_seed(4)
    batches = [task.contents(1) for _ in range(3)]
    task.contents(1)
    style = task.targets(1)
    reference = torch.optim.Adam(task.network.parameters(), 1e-3, fused=True)
    manual_inner(task, batches, style, reference)
    for old, new, end in zip(begin, got, task.network.parameters(), strict=True):
        torch.testing.assert_close(new, old + 0.25 * (end.detach() - old), rtol=1e-4, atol=1e-6)


def test_meta_training_goes_on_from_given_weights(context, shipped):
    options = meta_training.MetaTrainingOptions(**TRAINING, start=str(shipped))
    task = meta_training.MetaTraining(context, pictures(3, 1), options)
    for name, value in read(shipped).items():
        assert torch.equal(task.network.state_dict()[name], value), name


def test_second_order_through_adam_is_refused(context):
    options = meta_training.MetaTrainingOptions(**TRAINING, inner="adam")
    with pytest.raises(BenchError, match="rule=first-order or rule=reptile"):
        meta_training.MetaTraining(context, pictures(3, 1), options)


def test_both_learning_rates_decay_with_time(context):
    options = meta_training.MetaTrainingOptions(
        **TRAINING, warm_steps=1, warm_lr=1e-3, outer_lr=1e-4, decay=0.5
    )
    task = meta_training.MetaTraining(context, pictures(3, 1), options)
    rates = []
    for index in range(3):
        task.step(index)
        rates.append(task.optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([1e-3 / 50, 1e-4, 1e-4 / 1.5])


@pytest.fixture
def shipped(tmp_path):
    torch.manual_seed(5)
    file = tmp_path / "init.safetensors"
    write(file, net.TransformNet().state_dict(), TOLD)
    return file


def test_an_update_goes_against_the_gradient_whatever_its_layout(context):
    """Fused Adam on a CPU pairs a parameter and a gradient of another layout by memory."""
    options = meta_training.MetaTrainingOptions(**TRAINING, warm_steps=0)
    task = meta_training.MetaTraining(context, pictures(3, 1), options)
    begin = [p.detach().clone() for p in task.parameters]
    generator = torch.Generator().manual_seed(0)
    gradients = [torch.randn(p.shape, generator=generator) for p in begin]
    given = [
        g.contiguous(memory_format=torch.channels_last) if g.dim() == 4 else g for g in gradients
    ]
    task.update(given, 1e-2)
    for old, new, gradient in zip(begin, task.parameters, gradients, strict=True):
        assert torch.equal((new.detach() - old).sign(), -gradient.sign())
