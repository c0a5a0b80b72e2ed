"""The fused network in bfloat16: against the plain one, and its parts by hand."""

import importlib
import shutil

import pytest
import torch
import torch.nn.functional as F

from bench.contract import Context, Precision
from bench.errors import BenchError
from bench.layers import upsampled_kernels
from bench.machine import footprint

deployment = importlib.import_module("bench.methods._deployed")
fused = importlib.import_module("bench.methods._fused")
layers = importlib.import_module("bench.methods._fused_layers")
tiled = importlib.import_module("bench.methods._tiled")
transform_net = importlib.import_module("bench.methods._transform_net")

CPU = torch.device("cpu")


def has_tiles():
    return shutil.which("g++") is not None and bool(layers.kernels().has_tiles())


with_tiles = pytest.mark.skipif("not has_tiles()", reason="no AMX, or no g++")


def decibels(one, other):
    return -10 * torch.log10((one.double() - other.double()).square().mean()).item()


def picture(height, width, count=1):
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(1))


def test_weights_lie_as_the_tiles_read_them():
    """Two phases, a row of 3 x 16 values filled up to 64, 32 outputs."""
    matrices = torch.randint(256, (2, 1, 48, 32)).float()  # exact in bfloat16
    packed = tiled.tiles(matrices)
    assert packed.dtype == torch.bfloat16
    assert packed.shape == (2, 1, 1, 2, 2, 16, 16, 2)
    for phase, depth, output in ((0, 0, 0), (1, 47, 31), (1, 33, 16), (0, 14, 17)):
        chunk, inside = divmod(depth, 32)
        value = packed[phase, 0, 0, chunk, output // 16, inside // 2, output % 16, inside % 2]
        assert value == matrices[phase, 0, depth, output]
    assert not packed[:, :, :, 1, :, 8:].any()


@pytest.mark.parametrize("bilinear", [False, True])
def test_small_kernels_are_those_of_the_upsampled_picture(bilinear):
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(5, 4, 3, 3, generator=generator, dtype=torch.float64)
    small = torch.randn(1, 4, 6, 7, generator=generator, dtype=torch.float64)
    mode = {"mode": "bilinear", "align_corners": False} if bilinear else {"mode": "nearest"}
    large = F.interpolate(small, scale_factor=2, **mode)
    edges = "replicate" if bilinear else "reflect"
    expected = F.conv2d(F.pad(large, (1, 1, 1, 1), mode=edges), weight)
    grown = F.pad(small, (1, 1, 1, 1), mode="replicate")
    for place, kernel in enumerate(upsampled_kernels(weight, bilinear)):
        down, across = divmod(place, 2)
        torch.testing.assert_close(F.conv2d(grown, kernel), expected[..., down::2, across::2])


@with_tiles
@pytest.mark.parametrize("size", [(16, 16), (17, 31), (64, 48), (50, 101)])
def test_is_as_equal_to_the_plain_network_as_torchs_bfloat16(network, size):
    content = picture(*size, count=2)
    with torch.inference_mode():
        exact = network(content)
        with torch.autocast("cpu", torch.bfloat16):
            half = network(content).float()
        output = tiled.TiledNet(network)(content)
    assert output.shape == exact.shape
    assert output.dtype == torch.float32
    assert decibels(output, exact) > decibels(half, exact) - 3
    torch.testing.assert_close(output.mean((2, 3)), exact.mean((2, 3)), atol=0.01, rtol=0)


@with_tiles
@pytest.mark.parametrize("threads", [1, 2])
def test_is_deterministic_and_pictures_do_not_meet(network, threads):
    content, before = picture(40, 36, count=2), torch.get_num_threads()
    fast = tiled.TiledNet(network)
    try:
        torch.set_num_threads(threads)
        both, one = fast(content), fast(content[1:])
    finally:
        torch.set_num_threads(before)
    assert torch.equal(both[1:], one)
    assert torch.equal(both, fast(content))  # by another number of threads
    fast(picture(64, 80))  # larger, so that what lies between the layers is elsewhere
    assert torch.equal(both, fast(content))


@with_tiles
def test_counts_the_plain_networks_work(network):
    content, fast = picture(33, 20), tiled.TiledNet(network)
    plain = transform_net.TransformNet(smooth=False)
    with torch.inference_mode():
        assert footprint.flops(lambda: fast(content)) == footprint.flops(lambda: plain(content))


@with_tiles
def test_what_is_no_number_stays_none_and_in_its_picture(network):
    fast, content = tiled.TiledNet(network), picture(24, 24)
    expected = fast(content)
    spoilt = content.clone()
    spoilt[0, 1, 5, 5] = torch.nan
    assert fast(spoilt).isnan().all()
    assert torch.equal(fast(content), expected)


@with_tiles
def test_flat_pictures_are_the_plain_networks(network):
    context = Context(CPU, Precision("bfloat16", True), photographs=None, find_encoder=None)
    deployed = deployment.deploy(network, context, "tiled")
    assert deployed.arithmetic == ("bfloat16/fused", "asked for")
    flat = torch.full((1, 3, 24, 24), 0.7)
    with torch.inference_mode():
        assert torch.equal(deployed(flat), network(flat))


@pytest.mark.parametrize(
    ("precision", "expected"),
    [(Precision("bfloat16", True), ("tiled", "fused")), (Precision(), ("fused",))],
)
def test_auto_probes_it_where_the_run_computes_in_bfloat16(monkeypatch, precision, expected):
    probed = []
    monkeypatch.setattr(
        deployment, "probe", lambda others, *_: probed.append(others) or ("plain", "as told")
    )
    context = Context(CPU, precision, photographs=None, find_encoder=None)
    deployment.deploy(transform_net.TransformNet(), context, "auto")
    assert probed == [expected]


def test_without_the_instructions(monkeypatch):
    class Without:
        @staticmethod
        def has_tiles():
            return 0

    monkeypatch.setattr(tiled, "kernels", Without)
    monkeypatch.setattr(tiled, "require_tiles", tiled.require_tiles.__wrapped__)
    with pytest.raises(BenchError, match="needs a CPU with AMX in bfloat16: use fused or plain"):
        tiled.require_tiles()
