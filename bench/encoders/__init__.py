"""The built-in feature networks, one a file."""

from __future__ import annotations

from collections.abc import Sequence

from bench.contract import Encoder
from bench.encoders.downloads import hub_file, hub_folder, package_folder
from bench.encoders.efficientnet_lite import EfficientNetLite0
from bench.encoders.normalised import IMAGENET_MEAN, IMAGENET_STD, Normalised
from bench.encoders.vgg import Vgg16, Vgg16Bsds, Vgg19
from bench.encoders.vgg19_head import Vgg19Head
from bench.encoders.vgg19_quarter import Vgg19Quarter
from bench.encoders.vgg_normalised import Vgg19Normalised, vgg19_decoder
from bench.hooks import hookimpl

__all__ = [
    "IMAGENET_MEAN",
    "IMAGENET_STD",
    "EfficientNetLite0",
    "Normalised",
    "Vgg16",
    "Vgg16Bsds",
    "Vgg19",
    "Vgg19Head",
    "Vgg19Normalised",
    "Vgg19Quarter",
    "bench_encoders",
    "hub_file",
    "hub_folder",
    "package_folder",
    "vgg19_decoder",
]


@hookimpl
def bench_encoders() -> Sequence[Encoder]:
    """The encoders of this package."""
    return [
        EfficientNetLite0(),
        Vgg16(),
        Vgg19(),
        Vgg19Normalised(),
        Vgg16Bsds(),
        Vgg19Quarter(),
        Vgg19Head(),
    ]
