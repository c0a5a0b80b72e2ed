"""MetaStyle: the network of the paper's table; the bilevel step against other gradients."""

import functools
import importlib

import pytest
import torch
import torch.nn.functional as F
from helpers.tiny import TinyEncoder, pictures
from torch.func import functional_call

from bench.contract import Context, Precision
from bench.contract.phases import adapt, stylize
from bench.errors import BenchError
from bench.weights import read, write

metastyle = importlib.import_module("bench.methods.metastyle")
meta_training = importlib.import_module("bench.methods._meta_training")
training = importlib.import_module("bench.methods._network_training")
johnson = importlib.import_module("bench.methods.johnson")
net = importlib.import_module("bench.methods._transform_net")


@pytest.fixture
def context():
    return Context(
        torch.device("cpu"), Precision(), pictures(4, 0), {"tiny": TinyEncoder()}.__getitem__
    )


TOLD = {"options": '{"encoder": "efficientnet-lite0"}'}
TRAINING = {"encoder": "tiny", "size": 32, "style_size": 32, "batch": 1, "styles": 1}


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


def test_styles_are_drawn_by_the_root_of_their_sources_size():
    names = [*(f"big_{i}.jpg" for i in range(4)), "small_1.jpg"]
    share = training.source_shares(names)
    assert share[:4].sum() / share[4:].sum() == pytest.approx(2.0)


@pytest.fixture
def shipped(tmp_path):
    torch.manual_seed(5)
    file = tmp_path / "init.safetensors"
    write(file, net.TransformNet().state_dict(), TOLD)
    return file


def test_adaptation_lowers_the_loss_and_starts_from_the_weights(context, shipped):
    options = metastyle.MetaStyleOptions(
        steps=8, batch=1, size=32, encoder="tiny", weights=str(shipped)
    )
    method = metastyle.MetaStyle(context, options)
    method.load()
    content, style = torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32)

    def loss_now():
        wanted = method.loss.style_target(style)
        with torch.no_grad():
            return method.loss.of(stylize(method, content), content, wanted).total.item()

    torch.manual_seed(0)
    phase = method.adapt(style)
    next(phase)
    before = loss_now()
    for _ in phase:
        pass
    assert loss_now() < before
    next(method.adapt(style))  # the next style starts afresh
    assert loss_now() == pytest.approx(before)


def test_norm_only_adaptation_leaves_the_convolutions_alone(context, shipped):
    options = metastyle.MetaStyleOptions(
        steps=2, batch=1, size=32, encoder="tiny", weights=str(shipped), update="norm"
    )
    method = metastyle.MetaStyle(context, options)
    method.load()
    adapt(method, torch.rand(1, 3, 32, 32))
    changed = {
        name
        for name, value in method.network.named_parameters()
        if not torch.equal(value, method.initial[name])
    }
    assert changed == set(net.norm_parameters(method.network))


def test_another_networks_weights_are_refused_by_name(context, tmp_path):
    file = tmp_path / "other.safetensors"
    write(file, {"a": torch.zeros(3)}, TOLD)
    method = metastyle.MetaStyle(context, metastyle.MetaStyleOptions(weights=str(file)))
    with pytest.raises(BenchError, match=r"other\.safetensors holds another network"):
        method.load()


def test_johnson_starts_from_scratch_for_every_style(context):
    options = johnson.JohnsonOptions(steps=1, batch=1, size=32, encoder="tiny")
    method = johnson.Johnson(context, options)
    method.load()
    style = torch.rand(1, 3, 32, 32)
    states = []
    for _ in range(2):
        torch.manual_seed(7)
        next(method.adapt(style))
        states.append({k: v.clone() for k, v in method.network.state_dict().items()})
        adapt(method, style)
    for name, value in states[0].items():
        assert torch.equal(value, states[1][name]), name


def test_the_weights_tell_which_network_they_were_trained_on(tmp_path):
    file = tmp_path / "meta.safetensors"
    write(file, net.TransformNet().state_dict(), {"options": '{"encoder": "vgg16-bsds"}'})
    options = metastyle.MetaStyleOptions(weights=str(file))
    assert metastyle.MetaStyle.learns_from(options) == ("vgg16-bsds", "vgg19-quarter")
    write(file, net.TransformNet().state_dict(), TOLD)
    assert metastyle.MetaStyle.learns_from(options) == ("efficientnet-lite0", "vgg19-quarter")


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
