"""The fused network against the plain one."""

import importlib
import shutil
import threading
from dataclasses import replace

import pytest
import torch

from bench.machine import footprint

fused = importlib.import_module("bench.methods._fused")
transform_net = importlib.import_module("bench.methods._transform_net")
with_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="no g++")


def picture(height, width, count=1):
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(1))


@with_compiler
@pytest.mark.parametrize("size", [(16, 16), (17, 31), (64, 48), (50, 101)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_equals_the_plain_network(network, size, layout):
    content = picture(*size, count=2).contiguous(memory_format=layout)
    with torch.inference_mode():
        plain = network.to(memory_format=layout)(content)
        output = fused.FusedNet(network)(content)
    assert output.shape == plain.shape
    assert output.dtype == torch.float32
    error = (output.double() - plain.double()).square().mean()
    assert -10 * torch.log10(error / plain.double().var()) > 80  # dB; beyond 60 of full scale


@with_compiler
@pytest.mark.parametrize("threads", [1, 2])
def test_is_deterministic_and_pictures_do_not_meet(network, threads):
    content, before = picture(40, 36, count=2), torch.get_num_threads()
    fast = fused.FusedNet(network)
    try:
        torch.set_num_threads(threads)
        both, one = fast(content), fast(content[1:])
    finally:
        torch.set_num_threads(before)
    assert torch.equal(both[1:], one)
    assert torch.equal(both, fast(content))  # by another number of threads


@with_compiler
def test_threads_do_not_meet(network, monkeypatch):
    fast, content = fused.FusedNet(network), picture(40, 36)
    expected, operators, others = fast(content), fused.operators(), []

    def meanwhile(*arguments):
        if not others:
            others.append(threading.Thread(target=fast, args=(picture(24, 24),)))
            others[0].start()
            others[0].join(1)
        operators.leave(*arguments)

    monkeypatch.setattr(fused, "operators", lambda: replace(operators, leave=meanwhile))
    assert torch.equal(fast(content), expected)
    others[0].join()


@with_compiler
def test_counts_the_plain_networks_work(network):
    """A smooth one's too, but for the small kernels, which that makes anew for each picture."""
    content, fast = picture(33, 20), fused.FusedNet(network)
    plain = transform_net.TransformNet(smooth=False)
    with torch.inference_mode():
        assert footprint.flops(lambda: fast(content)) == footprint.flops(lambda: plain(content))


@with_compiler
def test_what_is_no_number_stays_none(network):
    content = picture(24, 24)
    content[0, 1, 5, 5] = torch.nan
    assert fused.FusedNet(network)(content).isnan().all()


@with_compiler
@pytest.mark.parametrize("channels", [1, 4])
def test_only_three_channels(network, channels):
    with pytest.raises(ValueError, match="pictures have 3 channels"):
        fused.FusedNet(network)(torch.zeros(1, channels, 24, 24))
