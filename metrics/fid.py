"""Fréchet distances of deep features: of a set of pictures (FID) and of single ones (SIFID)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from bench.contract import Context, Encoder, Metric, SetMetric, SetScore, Triple, Weights
from bench.encoders import hub_file, hub_folder
from bench.errors import BenchError
from bench.hooks import hookimpl

from ._features import Features, gathered

SIDE = 299
"""What FID brings pictures to, in pixels."""


def frechet_distance(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """The squared Fréchet distance of two Gaussians fitted to samples (N, C) and (M, C).

    Dowson and Landau 1982, eq. 4; Heusel et al. 2017, eq. 6, with the unbiased covariance. With A
    and B the centred samples over the roots of N - 1 and M - 1, the trace of the root of the
    product of covariances is the sum of A Bᵀ's singular values: exact, and no root of a matrix
    that is singular as soon as there are fewer samples than channels.

    Raises:
        BenchError: fewer than two samples on a side.
    """
    least = min(len(first), len(second))
    if least < 2:
        raise BenchError(
            f"a Fréchet distance needs at least 2 samples, got {least}: take more pictures"
        )
    shift = first.mean(0) - second.mean(0)
    spreads = [(s - s.mean(0)) / np.sqrt(len(s) - 1) for s in (first, second)]
    energy = sum(float((s * s).sum()) for s in spreads)
    first, second = (_triangle(s) if len(s) > s.shape[1] else s for s in spreads)
    return float(shift @ shift + energy - 2 * np.linalg.norm(first @ second.T, "nuc"))


def _triangle(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """R of the matrix's QR decomposition: it has the same covariance in fewer rows."""
    return np.asarray(np.linalg.qr(matrix, mode="r"))


class _Inception(nn.Module):
    """torchvision's Inception-v3 up to a layer, whose output is the only feature.

    Args:
        last: the layer's name.
        state: the weights, by torchvision's names; what is not needed is ignored.
        signed: whether the network takes pictures in [-1, 1] instead of [0, 1].
        ported: whether it is TensorFlow's network, see `_Ported`.
    """

    def __init__(
        self, last: str, state: dict[str, Tensor], *, signed: bool, ported: bool = False
    ) -> None:
        from torchvision.models import Inception3  # type: ignore[import-untyped]

        super().__init__()
        with torch.device("meta"):  # nothing is drawn only to be overwritten
            whole = Inception3(aux_logits=False, transform_input=False, init_weights=False)
        self._signed = signed
        self.layers = nn.ModuleDict()
        for name, layer in whole.named_children():
            self.layers[name] = layer
            if name == last:
                break
        unused = {"num_batches_tracked": torch.tensor(0)}  # of training; older files lack it
        wanted = {
            key: state.get(key, unused.get(key.rpartition(".")[2]))
            for key in self.layers.state_dict()
        }
        self.layers.load_state_dict(wanted, assign=True)
        if ported:
            for name, layer in self.layers.items():
                if hasattr(layer, "branch_pool"):
                    self.layers[name] = _Ported(layer, maximum=name == last)

    def forward(self, picture: Tensor) -> list[Tensor]:
        x = 2 * picture - 1 if self._signed else picture
        for layer in self.layers.values():
            x = layer(x)
        return [x]


class _Ported(nn.Module):
    """A block of the network that FID was defined on, TensorFlow's of 2015.

    Its average pooling does not count the padding, and that of the last block is a maximum.
    """

    def __init__(self, block: nn.Module, maximum: bool) -> None:
        super().__init__()
        self.block = block
        self._maximum = maximum

    def forward(self, x: Tensor) -> Tensor:
        if self._maximum:
            pooled = F.max_pool2d(x, 3, 1, 1)
        else:
            pooled = F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
        branches = self.block._forward(x)  # type: ignore[operator]
        branches[-1] = self.block.branch_pool(pooled)  # type: ignore[operator]
        return torch.cat(branches, 1)


class _HubInception(Encoder):
    judge = True
    min_size = 75

    def folders(self) -> Sequence[Path]:
        """torch.hub's cache."""
        return [hub_folder()]

    def trained_state(self) -> dict[str, Tensor]:
        """What the file holds; it is downloaded first where it is missing."""
        state: dict[str, Tensor] = torch.load(
            hub_file(self.weights), map_location="cpu", weights_only=True
        )
        return state


class FidInception(_HubInception):
    """The Inception network of FID, in pytorch-fid's port."""

    name = "fid-inception"
    taps = ("mixed-7c",)
    content_tap = "mixed-7c"
    citation = "Szegedy et al. 2016; Heusel et al. 2017"
    weights = Weights(
        "pt_inception-2015-12-05-6726825d.pth",
        "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
        "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
        "pt_inception-2015-12-05-6726825d.pth",
        "Apache-2.0",
    )

    def build(self) -> nn.Module:
        """Read the file, which is downloaded first where it is missing."""
        return _Inception("Mixed_7c", self.trained_state(), signed=True, ported=True)


class ArtInception(_HubInception):
    """Inception-v3 trained by Wright and Ommer on a quarter of a million artworks, for ArtFID."""

    name = "art-inception"
    taps = ("mixed-7c",)
    content_tap = "mixed-7c"
    citation = "Wright, Ommer 2022"
    weights = Weights(
        "art_inception.pth",
        "5bc1c20380401911d99d528b7b6e4430044b56edd5f7f26467222f3fb7c54e7e",
        "https://huggingface.co/matthias-wright/art_inception/resolve/main/art_inception.pth",
        "Apache-2.0",
    )

    def build(self) -> nn.Module:
        """Read the file, which is downloaded first where it is missing."""
        return _Inception("Mixed_7c", self.trained_state(), signed=False)


class InceptionStart(_HubInception):
    """torchvision's Inception-v3 up to the second pooling, as SIFID reads it."""

    name = "inception-v3"
    taps = ("conv-4a",)
    content_tap = "conv-4a"
    min_size = 32
    citation = "Szegedy et al. 2016"
    weights = Weights(
        "inception_v3_google-0cc3c7bd.pth",
        "0cc3c7bd75056d25e46cba549dc184522069b81e9787eff6df84f397bd52a5ef",
        "https://download.pytorch.org/models/inception_v3_google-0cc3c7bd.pth",
        "torchvision BSD-3-Clause",
    )

    def build(self) -> nn.Module:
        """Read the file, which is downloaded first where it is missing."""
        return _Inception("Conv2d_4a_3x3", self.trained_state(), signed=True)


def pooled(features: Sequence[Tensor], encoder: Encoder) -> NDArray[np.float64]:
    """The last feature's mean over positions: (C,)."""
    return np.asarray(features[-1].mean((2, 3))[0].cpu().numpy(), np.float64)


def positions(features: Sequence[Tensor], encoder: Encoder) -> NDArray[np.float64]:
    """The last feature at every position: (H W, C)."""
    return np.asarray(features[-1][0].flatten(1).T.cpu().numpy(), np.float64)


class PooledFeatures:
    """What FID fits its Gaussians to: one vector per picture."""

    def __init__(self, context: Context, encoder: str) -> None:
        self._features = Features(context, encoder, pooled)
        self._resize = encoder == FidInception.name

    def read(self, picture: Tensor) -> NDArray[np.float64]:
        """The vector (2048,) of a picture (1, 3, H, W)."""
        if self._resize:
            picture = F.interpolate(picture, (SIDE, SIDE), mode="bilinear", align_corners=False)
        return self._features.read(picture)


class FID(SetMetric):
    """`frechet_distance` of all stylized pictures from their styles, each as often as it is used.

    On `fid-inception`, pictures bilinearly brought to 299 px, it equals PyPI pytorch-fid 0.3.0. On
    `art-inception`, at the pictures' own size, it is the style half of ArtFID (art-fid 0.0.2 with
    mode `art_fid`). Numbers of the two networks do not compare; nor do those of different
    numbers of pictures: FID is biased, the more the fewer there are, and below 2,049 covariances
    are not even of full rank.
    """

    name = "fid"
    axis = "style"
    min_size = 75
    by_default = False
    citation = "Heusel, Ramsauer, Unterthiner, Nessler, Hochreiter 2017, eq. 6"

    def __init__(self, encoder: str) -> None:
        self.encoder = encoder

    def load(self, context: Context) -> None:
        """Load the encoder."""
        self._features = PooledFeatures(context, str(self.encoder))

    def score_set(self, pictures: Iterable[Triple]) -> SetScore:
        """The distance; the contents play no part."""
        stylized_features, style_features = gathered(self._features.read, pictures)
        return SetScore(frechet_distance(stylized_features, style_features))


class SIFID(Metric):
    """`frechet_distance` of the features at all places of one picture from those of its style.

    Shaham, Dekel, Michaeli 2019 (SinGAN), section 3: just before the second pooling, 192 channels.
    Reference implementation: SIFID/sifid_score.py of tamarott/SinGAN, which divides pictures by
    255 that matplotlib reads from PNG in [0, 1] already: published numbers from PNG files are of
    nearly black pictures, and these are not.
    """

    name = "sifid"
    axis = "style"
    by_default = False
    citation = "Shaham, Dekel, Michaeli 2019 (SinGAN)"

    def __init__(self, encoder: str) -> None:
        self.encoder = encoder

    def load(self, context: Context) -> None:
        """Load the encoder."""
        self._positions = Features(context, str(self.encoder), positions)

    def score(self, stylized: Tensor, content: Tensor, style: Tensor) -> float:
        """The distance; the content plays no part."""
        return frechet_distance(self._positions.read(stylized), self._positions.read(style))


@hookimpl
def bench_encoders() -> Sequence[Encoder]:
    """The networks of this page."""
    return [FidInception(), ArtInception(), InceptionStart()]


@hookimpl
def bench_metrics() -> Sequence[Metric]:
    """FID on the network of its definition and on that of ArtFID, and SIFID."""
    return [FID("fid-inception"), FID("art-inception"), SIFID("inception-v3")]
