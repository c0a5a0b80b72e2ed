"""LPIPS and its shift-tolerant variant: perceptual distances calibrated on people's judgements."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.contract import Context, Encoder, Metric, Weights
from bench.encoders import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Normalised,
    Vgg16,
    hub_file,
    hub_folder,
    package_folder,
)
from bench.hooks import hookimpl
from bench.weights import locate, read

_TAPS = ("relu1", "relu2", "relu3", "relu4", "relu5")
_VGG_TAPS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3")


class _Trunk(Normalised):
    """Layers one after the other; the outputs of some are the features.

    Args:
        layers: by the names that they have in the weights file.
        tapped: names of the layers whose outputs are given, shallow to deep.
    """

    def __init__(self, layers: dict[str, nn.Module], tapped: Sequence[str]) -> None:
        super().__init__(IMAGENET_MEAN, IMAGENET_STD)
        self.layers = nn.ModuleDict(layers)
        self._tapped = frozenset(tapped)

    def forward(self, picture: Tensor) -> list[Tensor]:
        x = self.normalise(picture)
        features = []
        for name, layer in self.layers.items():
            x = layer(x)
            if name in self._tapped:
                features.append(x)
        return features


class _BlurPool(nn.Module):
    """A binomial filter of 3×3 and stride 2 behind a reflection of two pixels.

    Zhang 2019 (antialiased networks), section 3.2; the padding is Ghildyal and Liu 2022's.
    """

    def forward(self, x: Tensor) -> Tensor:
        line = x.new_tensor((1, 2, 1)) / 4
        kernel = (line[:, None] * line).expand(x.shape[1], 1, 3, 3)
        return F.conv2d(F.pad(x, (2, 2, 2, 2), mode="reflect"), kernel, stride=2, groups=x.shape[1])


class AlexNet(Encoder):
    """AlexNet with torchvision's ImageNet weights, after each of its five ReLUs."""

    name = "alexnet"
    taps = _TAPS
    content_tap = "relu3"
    judge = True
    citation = "Krizhevsky 2014"
    weights = Weights(
        "alexnet-owt-7be5be79.pth",
        "7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
        "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
        "torchvision BSD-3-Clause",
    )

    def folders(self) -> Sequence[Path]:
        """torch.hub's cache."""
        return [hub_folder()]

    def build(self) -> nn.Module:
        """Read the file, which is downloaded first where it is missing."""
        state = torch.load(hub_file(self.weights), map_location="cpu", weights_only=True)
        layers: dict[str, nn.Module] = {
            "0": nn.Conv2d(3, 64, 11, 4, 2),
            "1": nn.ReLU(),
            "2": nn.MaxPool2d(3, 2),
            "3": nn.Conv2d(64, 192, 5, padding=2),
            "4": nn.ReLU(),
            "5": nn.MaxPool2d(3, 2),
            "6": nn.Conv2d(192, 384, 3, padding=1),
            "7": nn.ReLU(),
            "8": nn.Conv2d(384, 256, 3, padding=1),
            "9": nn.ReLU(),
            "10": nn.Conv2d(256, 256, 3, padding=1),
            "11": nn.ReLU(),
        }
        trunk = _Trunk(layers, ("1", "4", "7", "9", "11"))
        kept = {key.removeprefix("features."): value for key, value in state.items()}
        trunk.layers.load_state_dict({key: kept[key] for key in trunk.layers.state_dict()})
        return trunk


class ShiftTolerantAlexNet(Encoder):
    """AlexNet without strides in its convolutions, blurred before each reduction: embedded.

    Ghildyal and Liu 2022, trained from scratch on the similarity judgements of BAPPS: a judge of
    what a picture shows, and no network for a style loss.
    """

    name = "st-alexnet"
    taps = _TAPS
    content_tap = "relu3"
    judge = True
    citation = "Ghildyal, Liu 2022 (ST-LPIPS)"
    weights = Weights(
        "st-alexnet.safetensors",
        "a537c376aa27a548bb79725a49e6b1691b4bb51ce8d2af36e106d461a92c249f",
        "the bench package itself (made from PyPI stlpips-pytorch 0.0.2)",
        "BSD-2-Clause",
    )

    def build(self) -> nn.Module:
        """Read the shipped weights."""
        layers: dict[str, nn.Module] = {
            "0": nn.Conv2d(3, 64, 11, padding=2),
            "1": _BlurPool(),
            "2": nn.ReLU(),
            "3": nn.MaxPool2d(3, 1),
            "4": _BlurPool(),
            "5": nn.Conv2d(64, 192, 5, padding=2),
            "6": nn.ReLU(),
            "7": nn.MaxPool2d(3, 1),
            "8": _BlurPool(),
            "9": nn.Conv2d(192, 384, 3, padding=1),
            "10": nn.ReLU(),
            "11": nn.Conv2d(384, 256, 3, padding=1),
            "12": nn.ReLU(),
            "13": nn.Conv2d(256, 256, 3, padding=1),
            "14": nn.ReLU(),
        }
        return _shift_tolerant(
            _Trunk(layers, ("2", "6", "10", "12", "14")), read(locate(self.weights))
        )


class ShiftTolerantVgg16(Encoder):
    """VGG16 with its poolings blurred, otherwise as `ShiftTolerantAlexNet`; from PyPI's package."""

    name = "st-vgg16"
    taps = _VGG_TAPS
    content_tap = "relu3_3"
    judge = True
    citation = "Ghildyal, Liu 2022 (ST-LPIPS)"
    weights = Weights(
        "vgg_shift_tolerant.pth",
        "44597da68f49c1837c100ff52299050f274d102eb102e5837178c79be6f0e250",
        "PyPI: pip install 'metastyle-bench[stlpips]'",
        "BSD-2-Clause",
    )

    def folders(self) -> Sequence[Path]:
        """The installed package's folder; its code is not used."""
        return package_folder("stlpips_pytorch", "weights/vST0.0")

    def build(self) -> nn.Module:
        """Read the installed package's weights."""
        path = locate(self.weights, self.folders())
        state = torch.load(path, map_location="cpu", weights_only=True)
        layers: list[nn.Module] = []
        tapped = []
        inputs = 3
        for depth, width in zip((2, 2, 3, 3, 3), (64, 128, 256, 512, 512), strict=True):
            layers += [nn.MaxPool2d(2, 1), _BlurPool()] if layers else []
            for _ in range(depth):
                layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.ReLU()]
                inputs = width
            tapped.append(str(len(layers) - 1))
        named = {str(number): layer for number, layer in enumerate(layers)}
        return _shift_tolerant(_Trunk(named, tapped), state)


def _shift_tolerant(trunk: _Trunk, state: dict[str, Tensor]) -> _Trunk:
    """Fill a trunk from a state dict of ST-LPIPS, whose keys begin with net.slice1 to 5."""
    kept = {key.split(".", 2)[2]: value for key, value in state.items() if key.startswith("net.")}
    trunk.layers.load_state_dict({key: kept[key] for key in trunk.layers.state_dict()})
    return trunk


def calibrated_distance(
    first: Sequence[Tensor], second: Sequence[Tensor], calibration: Sequence[Tensor]
) -> Tensor:
    """LPIPS of two pictures' features, per picture: (N,).

    Zhang, Isola, Efros, Shechtman, Wang 2018, eq. 1: every position's features are divided by
    their norm; squared differences are weighted by channel, averaged over positions, summed over
    layers.

    Args:
        first: features (N, C, H, W) of every layer.
        second: the same of the other picture.
        calibration: weights (C,) of every layer.
    """
    total = first[0].new_zeros(len(first[0]))
    for one, other, weight in zip(first, second, calibration, strict=True):
        a, b = (f / (f.square().sum(1, keepdim=True).sqrt() + 1e-10) for f in (one, other))
        total = total + torch.einsum("nchw,c->nhw", (a - b).square(), weight).mean((1, 2))
    return total


class PerceptualDistance(Metric):
    """`calibrated_distance` of the stylized picture and its content on one network.

    Version 0.1 of LPIPS. Numbers on AlexNet and on VGG do not compare. It counts a wanted texture
    as a loss. `lpips` equals PyPI lpips 0.1.4 and `st-lpips` PyPI stlpips-pytorch 0.0.2, whose
    shift-tolerant networks make less of strokes that moved.
    """

    axis = "content"
    by_default = False

    def __init__(
        self,
        name: str,
        encoder: Encoder,
        calibration: Weights,
        citation: str,
        caveat: str = "",
    ) -> None:
        self.name = name
        self.caveat = caveat
        self.encoder = encoder.name
        self.weights = () if calibration == encoder.weights else (calibration,)
        self.citation = citation
        self._source = encoder
        self._calibration = calibration

    def load(self, context: Context) -> None:
        """Load the network and its calibration."""
        if self.encoder == Vgg16.name:  # cut at relu4_3 for losses, where LPIPS goes on
            self._network = context.place(Vgg16().network(_VGG_TAPS))
        else:
            self._network = context.encoder(str(self.encoder))
        path = locate(self._calibration, self._source.folders())
        state = read(path) if path.suffix == ".safetensors" else _load(path)
        names = [f"lin{layer}.model.1.weight" for layer in range(len(_TAPS))]
        self._weights = [state[name].flatten().to(context.device) for name in names]
        self._device = context.device

    def score(self, stylized: Tensor, content: Tensor, style: Tensor) -> float:
        """The distance; the style plays no part."""
        with torch.no_grad(), torch.autocast(self._device.type, enabled=False):
            first, second = (self._network(p.to(self._device)) for p in (stylized, content))
            return calibrated_distance(first, second, self._weights).item()


def _load(path: Path) -> dict[str, Tensor]:
    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state


_SOURCE = "the bench package itself (from PyPI lpips 0.1.4)"
_LPIPS = "Zhang, Isola, Efros, Shechtman, Wang 2018 (LPIPS), version 0.1"
LPIPS_ALEX = PerceptualDistance(
    "lpips",
    AlexNet(),
    Weights(
        "lpips-alex.safetensors",
        "255d6454292d155a069f693a111769acec003d588617b250f24775369c816e04",
        _SOURCE,
        "BSD-2-Clause",
    ),
    _LPIPS,
)


@hookimpl
def bench_encoders() -> Sequence[Encoder]:
    """The networks of this page."""
    return [AlexNet(), ShiftTolerantAlexNet(), ShiftTolerantVgg16()]


@hookimpl
def bench_metrics() -> Sequence[Metric]:
    """LPIPS and ST-LPIPS, each on AlexNet and on VGG16."""
    vgg = Weights(
        "lpips-vgg.safetensors",
        "4fbb0122b8b7c419838e12f9d9414a590916757773a1dc835cef7adef85e8933",
        _SOURCE,
        "BSD-2-Clause",
    )
    metrics: list[Metric] = [LPIPS_ALEX, PerceptualDistance("lpips", Vgg16(), vgg, _LPIPS)]
    moved = "forgives tiles in random order"
    for encoder, caveat in ((ShiftTolerantAlexNet(), moved), (ShiftTolerantVgg16(), "")):
        metrics.append(
            PerceptualDistance("st-lpips", encoder, encoder.weights, encoder.citation, caveat)
        )
    return metrics
