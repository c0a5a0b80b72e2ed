"""MetaStyle: an adaptation from meta-trained weights."""

import importlib

import pytest
import torch

from bench.contract.phases import adapt, stylize
from bench.errors import BenchError
from bench.weights import write

metastyle = importlib.import_module("bench.methods.metastyle")
net = importlib.import_module("bench.methods._transform_net")
TOLD = {"options": '{"encoder": "efficientnet-lite0"}'}


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


def test_the_weights_tell_which_network_they_were_trained_on(tmp_path):
    file = tmp_path / "meta.safetensors"
    write(file, net.TransformNet().state_dict(), {"options": '{"encoder": "vgg16-bsds"}'})
    options = metastyle.MetaStyleOptions(weights=str(file))
    assert metastyle.MetaStyle.learns_from(options) == ("vgg16-bsds", "vgg19-quarter")
    write(file, net.TransformNet().state_dict(), TOLD)
    assert metastyle.MetaStyle.learns_from(options) == ("efficientnet-lite0", "vgg19-quarter")
