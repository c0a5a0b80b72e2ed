"""Which form of a network stylizes: the one asked for, or the faster one that does the same."""

import importlib
import re
import shutil

import pytest
import torch

from bench.contract import Context, Precision
from bench.errors import BenchError
from bench.machine import native

deployment = importlib.import_module("bench.methods._deployed")
fused = importlib.import_module("bench.methods._fused")
transform_net = importlib.import_module("bench.methods._transform_net")
with_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="no g++")


@pytest.fixture
def context():
    return Context(torch.device("cpu"), Precision(), photographs=None, find_encoder=None)


def picture(height, width, count=1):
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(1))


@with_compiler
@pytest.mark.parametrize("level", [0.0, 0.7])
def test_flat_pictures_are_the_plain_networks(network, context, level):
    content = torch.full((2, 3, 24, 24), level)
    content[1] = picture(24, 24)[0]
    with torch.inference_mode():
        plain = network(content)
        assert (fused.FusedNet(network)(content) - plain)[0].abs().max() > 0.01  # so it is needed
    output = deployment.deploy(network, context, "fused")(content)
    torch.testing.assert_close(output, plain, atol=1e-4, rtol=0)


@with_compiler
def test_follows_the_weights(context):
    network = transform_net.TransformNet(smooth=False)
    deployed, content = deployment.deploy(network, context, "fused"), picture(16, 16)
    before = deployed(content)
    assert torch.equal(before, deployed(content))
    optimizer = torch.optim.Adam(network.parameters(), 0.1)
    network(content).mean().backward()
    optimizer.step()
    after = deployed(content)
    assert (after - before).abs().max() > 0.01
    with torch.inference_mode():
        torch.testing.assert_close(after, network(content), atol=1e-4, rtol=0)


def test_plain_is_the_network_itself(network, context):
    deployed, content = deployment.deploy(network, context, "plain"), picture(20, 20)
    with torch.inference_mode():
        assert torch.equal(deployed(content), network(content))
    assert deployed.arithmetic is None


@pytest.mark.parametrize(("plain", "quick", "chosen"), [(1.0, 0.5, True), (1.0, 0.95, False)])
def test_auto_takes_the_faster(network, context, monkeypatch, plain, quick, chosen):
    taken = iter([plain, quick] * 3)
    monkeypatch.setitem(deployment.FOLDED, "fused", ("float32/fused", int, lambda _: network))
    monkeypatch.setattr(deployment, "timed", lambda call, device: (torch.ones(1), next(taken)))
    monkeypatch.setattr(deployment, "probe", deployment.probe.__wrapped__)
    deployed = deployment.deploy(network, context, "auto")
    assert deployed.form == ("fused" if chosen else "plain")
    reason = f"probe: plain 1000.0 ms, fused {1e3 * quick:.1f} ms (160 dB)"
    label = "float32/fused" if chosen else context.precision.label
    assert deployed.arithmetic == (label, reason)


def test_the_probe_times_the_fused_network(context, monkeypatch):
    calls = []
    monkeypatch.setattr(deployment, "SIDE", 16)
    counting = "float32/fused", int, lambda network: lambda x: calls.append(x) or network(x)
    monkeypatch.setitem(deployment.FOLDED, "fused", counting)
    deployment.probe.__wrapped__(("fused",), True, context.device, context.precision, 1)
    assert len(calls) == 1 + 3  # the first call is not timed


def test_a_faster_network_whose_pictures_differ_is_not_taken(context, monkeypatch):
    taken = iter([1.0, 0.1, 0.5] * 3)
    monkeypatch.setattr(deployment, "SIDE", 16)
    monkeypatch.setattr(deployment, "timed", lambda call, _: (call(), next(taken)))
    monkeypatch.setitem(
        deployment.FOLDED, "tiled", ("bfloat16/fused", int, lambda _: torch.zeros_like)
    )
    monkeypatch.setitem(deployment.FOLDED, "fused", ("float32/fused", int, lambda same: same))
    chosen, reason = deployment.probe.__wrapped__(
        ("tiled", "fused"), False, context.device, context.precision, 1
    )
    assert chosen == "fused"
    assert re.fullmatch(
        r"probe: plain 1000.0 ms, tiled 100.0 ms \(\d+ dB\), fused 500.0 ms \(\d+ dB\)", reason
    )


def test_without_a_compiler(network, context, monkeypatch):
    monkeypatch.setenv("CXX", "/nowhere/g++")
    broken = "float32/fused", lambda: native.library.__wrapped__("int one;"), fused.FusedNet
    monkeypatch.setitem(deployment.FOLDED, "fused", broken)
    monkeypatch.setattr(deployment, "probe", deployment.probe.__wrapped__)
    deployed = deployment.deploy(network, context, "auto")
    assert deployed.form == "plain"
    label, reason = deployed.arithmetic  # goes into the record
    assert label == context.precision.label
    assert "/nowhere/g++ cannot be run" in reason
    with pytest.raises(BenchError, match="check CXX"):
        deployment.deploy(network, context, "fused")
