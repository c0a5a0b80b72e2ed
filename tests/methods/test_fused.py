import importlib
import re
import shutil
import threading
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from bench.contract import Context, Precision
from bench.errors import BenchError
from bench.machine import footprint, native

algorithms = importlib.import_module("bench.methods._fused_algorithms")
deployment = importlib.import_module("bench.methods._deployed")
fused = importlib.import_module("bench.methods._fused")
transform_net = importlib.import_module("bench.methods._transform_net")

with_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="no g++")


@pytest.fixture(scope="module", params=[False, True], ids=["repeats", "smooth"])
def network(request):
    """A network whose every parameter matters: none is at its initial one or nought."""
    generator = torch.Generator().manual_seed(0)
    network = transform_net.TransformNet(smooth=request.param).requires_grad_(False)
    for parameter in network.parameters():
        parameter += 0.05 * torch.randn(parameter.shape, generator=generator)
    return network


@pytest.fixture
def context():
    return Context(torch.device("cpu"), Precision(), photographs=None, find_encoder=None)


def picture(height, width, count=1):
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("algorithm", [*algorithms.ALGORITHMS.values(), algorithms.TALL])
def test_algorithm_is_the_convolution(algorithm):
    """In one dimension: against the definition."""
    b, g, a = (
        torch.tensor(matrix, dtype=torch.float64)
        for matrix in (algorithm.input, algorithm.kernel, algorithm.output)
    )
    generator = torch.Generator().manual_seed(0)
    kernel = torch.randn(3, generator=generator, dtype=torch.float64)
    tile = torch.randn(b.shape[1], generator=generator, dtype=torch.float64)
    if algorithm is algorithms.ALGORITHMS["smooth"]:
        long = F.interpolate(tile[None, None], scale_factor=2, mode="linear")[0, 0, 1:-1]
    else:
        long = tile.repeat_interleave(2)[1:-1] if algorithm.scale == 2 else tile
    windows = long.unfold(0, 3, 2 if algorithm.scale == 0.5 else 1)
    torch.testing.assert_close(a @ ((g @ kernel) * (b @ tile)), windows @ kernel)
    assert len(a) == algorithm.step * algorithm.scale


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
def test_what_is_no_number_stays_none(network):
    content = picture(24, 24)
    content[0, 1, 5, 5] = torch.nan
    assert fused.FusedNet(network)(content).isnan().all()


@with_compiler
@pytest.mark.parametrize("channels", [1, 4])
def test_only_three_channels(network, channels):
    with pytest.raises(ValueError, match="pictures have 3 channels"):
        fused.FusedNet(network)(torch.zeros(1, channels, 24, 24))


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
    monkeypatch.setattr(deployment, "_probe", deployment._probe.__wrapped__)
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
    deployment._probe.__wrapped__(("fused",), True, context.device, context.precision, 1)
    assert len(calls) == 1 + 3  # the first call is not timed


def test_a_faster_network_whose_pictures_differ_is_not_taken(context, monkeypatch):
    taken = iter([1.0, 0.1, 0.5] * 3)
    monkeypatch.setattr(deployment, "SIDE", 16)
    monkeypatch.setattr(deployment, "timed", lambda call, _: (call(), next(taken)))
    monkeypatch.setitem(
        deployment.FOLDED, "tiled", ("bfloat16/fused", int, lambda _: torch.zeros_like)
    )
    monkeypatch.setitem(deployment.FOLDED, "fused", ("float32/fused", int, lambda same: same))
    chosen, reason = deployment._probe.__wrapped__(
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
    monkeypatch.setattr(deployment, "_probe", deployment._probe.__wrapped__)
    deployed = deployment.deploy(network, context, "auto")
    assert deployed.form == "plain"
    label, reason = deployed.arithmetic  # goes into the record
    assert label == context.precision.label
    assert "/nowhere/g++ cannot be run" in reason
    with pytest.raises(BenchError, match="check CXX"):
        deployment.deploy(network, context, "fused")


@with_compiler
def test_a_library_is_compiled_once(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    build = native.library.__wrapped__
    source = 'extern "C" int seven() { return 7; }'
    assert build(source).seven() == 7
    (kept,) = native.folder().iterdir()
    compiled_at = kept.stat().st_mtime_ns
    assert build(source).seven() == 7
    assert [file.stat().st_mtime_ns for file in native.folder().iterdir()] == [compiled_at]
    monkeypatch.setenv("CXX", "env g++")  # a compiler with arguments, as ccache g++
    assert build(source).seven() == 7
    monkeypatch.delenv("CXX")
    with pytest.raises(BenchError, match=r"failed \(.*error.*\): try another in CXX"):
        build("this is not C++")
    files = list(native.folder().iterdir())
    assert len(files) == 2
    assert kept in files
    assert {file.suffix for file in files} == {".so"}
