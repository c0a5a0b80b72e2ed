"""The transformation network in ordinary operators is the same function, of any size."""

import importlib

import pytest
import torch

from bench.contract import Context, Precision
from bench.errors import BenchError, NeedError

deployment = importlib.import_module("bench.methods._deployed")
exported = importlib.import_module("bench.methods._exported")
transform_net = importlib.import_module("bench.methods._transform_net")


def shaken(smooth):
    """A network whose every parameter matters: none is at its initial one or nought."""
    generator = torch.Generator().manual_seed(0)
    network = transform_net.TransformNet(smooth=smooth).requires_grad_(False)
    for parameter in network.parameters():
        parameter += 0.05 * torch.randn(parameter.shape, generator=generator)
    return network


@pytest.fixture(params=[False, True], ids=["repeats", "smooth"])
def network(request):
    return shaken(request.param)


def picture(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("shape", [(1, 3, 32, 48), (2, 3, 33, 47), (1, 3, 16, 17), (1, 3, 18, 35)])
def test_it_does_what_the_network_does(network, shape):
    content = picture(*shape)
    torch.testing.assert_close(exported.Portable(network)(content), network(content))


def test_it_keeps_the_weights_that_it_was_made_of():
    network = transform_net.TransformNet().requires_grad_(False)
    portable, content = exported.Portable(network), picture(1, 3, 32, 32)
    before = portable(content)
    network.out.bias += 1
    assert torch.equal(portable(content), before)


@pytest.fixture
def context():
    return Context(torch.device("cpu"), Precision(), photographs=None, find_encoder=None)


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_another_runtime_stylizes_alike(context, runtime):
    pytest.importorskip(runtime)
    pytest.importorskip("onnxscript")
    network = shaken(smooth=True)
    deployed = deployment.deploy(network, context, runtime)
    assert deployed.arithmetic == (f"float32/{runtime}", "asked for")
    content = picture(1, 3, 33, 48)
    torch.testing.assert_close(deployed(content), network(content), atol=1e-4, rtol=0)


def test_it_is_exported_again_when_the_weights_are_others(context, monkeypatch):
    exports = []
    monkeypatch.setattr(deployment, "extra", lambda *_: None)
    monkeypatch.setattr(deployment, "to_onnx", lambda network: exports.append(network) or b"")
    monkeypatch.setitem(
        deployment.RUNTIMES, "openvino", lambda data, threads, dtype: exports[-1].__call__
    )
    network, content = shaken(smooth=True), picture(1, 3, 16, 16)
    deployed = deployment.deploy(network, context, "openvino")
    first = deployed(content)
    network.out.bias += 0.5  # as an adaptation changes it
    second = deployed(content)
    network.out.bias += 0  # the same style once more
    assert torch.equal(deployed(content), second)
    assert len(exports) == 2
    assert not torch.equal(first, second)
    torch.testing.assert_close(second, network(content))


def test_other_runtimes_are_for_a_cpu_and_need_their_library(context, monkeypatch):
    network = transform_net.TransformNet()
    elsewhere = Context(torch.device("meta"), Precision(), photographs=None, find_encoder=None)
    with pytest.raises(BenchError, match="inference=openvino is for a CPU, not meta: use plain"):
        deployment.deploy(network, elsewhere, "openvino")
    monkeypatch.setitem(__import__("sys").modules, "openvino", None)
    with pytest.raises(NeedError, match=r"openvino: pip install 'metastyle-bench\[export\]'"):
        deployment.deploy(network, context, "openvino")
