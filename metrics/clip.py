"""CLIP's view of a picture: how alike two are, and how far apart two sets."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bench.contract import Context, Encoder, Metric, SetMetric, SetScore, Triple, Weights
from bench.errors import BenchError, cause_of
from bench.extras import extra
from bench.hooks import hookimpl
from bench.weights import fill, locate

from ._embeddings import Embedder, Similarity, vector
from ._features import Features, gathered
from .kid import mean_discrepancy

CLIP_NORMALISATION = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)

BANDWIDTH, SCALE = 10.0, 1000.0
"""Of CMMD's kernel, and what its authors multiply by."""

_RADFORD = "Radford et al. 2021 (CLIP)"


def vision_transformer(state: Mapping[str, Tensor], path: Path) -> tuple[nn.Module, int]:
    """CLIP's image tower by its weights alone, as open_clip builds it, and the side it takes.

    Args:
        state: by OpenAI's names, without a prefix; the geometry is read off the shapes, a head
            being of 64 channels. Without `proj` it gives what comes before the projection.
        path: where the weights are from.

    Raises:
        NeedError: open_clip is not installed.
        BenchError: the weights are another network's.
    """
    transformer = extra("open_clip.transformer", "clip", "an encoder of CLIP's kind")
    try:
        width, _, patch, _ = state["conv1.weight"].shape
        grid = round((len(state["positional_embedding"]) - 1) ** 0.5)
        blocks = {key.split(".")[2] for key in state if key.startswith("transformer.resblocks.")}
        hidden = len(state["transformer.resblocks.0.mlp.c_fc.weight"])
    except (KeyError, ValueError) as error:
        raise BenchError(f"{path} holds another network's weights ({error})") from None
    projected = "proj" in state
    with torch.device("meta"):  # nothing is drawn only to be overwritten
        tower = transformer.VisionTransformer(
            image_size=grid * patch,
            patch_size=patch,
            width=width,
            layers=len(blocks),
            heads=width // 64,
            mlp_ratio=hidden / width,
            output_dim=state["proj"].shape[1] if projected else width,
            act_layer=transformer.QuickGELU,
        )
    if not projected:
        tower.proj = None
    tower.to_empty(device="cpu")
    fill(tower, state, path)
    return tower, grid * patch


class OpenAIClip(Encoder):
    """An image tower of OpenAI's CLIP; needs the extra `clip`.

    The shorter side to 224 px (336 for `-336`), bicubic, and the centred square, as OpenAI's own
    preprocessing; QuickGELU. It is downloaded by `bench weights fetch`, never by itself.
    """

    taps = ("embedding",)
    content_tap = "embedding"
    judge = True
    citation = _RADFORD
    name: str  # type: ignore[misc]
    weights: Weights  # type: ignore[misc]

    def __init__(self, name: str, file: str, sha256: str) -> None:
        self.name = name
        self.weights = Weights(
            file,
            sha256,
            f"https://openaipublic.azureedge.net/clip/models/{sha256}/{file}",
            "MIT",
        )

    def build(self) -> nn.Module:
        """Read the image tower of the file."""
        path = locate(self.weights)
        tower, side = vision_transformer(_image_tower(path), path)
        return Embedder(tower, [nn.Identity()], CLIP_NORMALISATION, side, side)


def _image_tower(path: Path) -> dict[str, Tensor]:
    """OpenAI's files are TorchScript archives in half precision; no code of theirs is run."""
    try:
        with warnings.catch_warnings():  # torch wants nobody to make new ones
            warnings.simplefilter("ignore", FutureWarning)
            archive = torch.jit.load(path, map_location="cpu")  # type: ignore[no-untyped-call]
            state = archive.state_dict()
    except (RuntimeError, zipfile.BadZipFile, OSError) as error:
        why = cause_of(error)
        raise BenchError(f"{path} cannot be read as one of OpenAI's CLIP files: {why}") from None
    start = "visual."
    return {key.removeprefix(start): t.float() for key, t in state.items() if key.startswith(start)}


B32, L14, L14_336 = (
    OpenAIClip(
        "clip-vit-b32",
        "ViT-B-32.pt",
        "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af",
    ),
    OpenAIClip(
        "clip-vit-l14",
        "ViT-L-14.pt",
        "b8cca3fd41ae0c99ba7e8951adf17d267cdb84cd88be6f7c2e0eca1737a03836",
    ),
    OpenAIClip(
        "clip-vit-l14-336",
        "ViT-L-14-336px.pt",
        "3035c92b350959924f9f00213499208652fc7ea050643e8b385c2dac08641f02",
    ),
)


def gaussian_kernel(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """exp(-|x - y|² / (2 σ²)) of samples (N, C) and (M, C): (N, M), σ = `BANDWIDTH`."""
    lengths = (first**2).sum(1)[:, None] + (second**2).sum(1)
    return np.asarray(np.exp((first @ second.T * 2 - lengths) / (2 * BANDWIDTH**2)))


class CMMD(SetMetric):
    """Maximum mean discrepancy of CLIP's vectors of all stylized pictures and of their styles.

    Jayasumana et al. 2024, section 4: vectors of length 1, a Gaussian kernel with σ = 10, the
    biased estimate, times 1,000. Reference implementation: google-research's `cmmd` (and
    sayakpaul/cmmd-pytorch), whose pictures are cut to the centred square and brought to 336 px.
    Unlike FID it supposes no Gaussian, and few pictures bias it little.
    """

    name = "cmmd"
    axis = "style"
    by_default = False
    encoder = L14_336.name
    citation = "Jayasumana et al. 2024 (CMMD)"

    def load(self, context: Context) -> None:
        """Load the encoder."""
        self._vectors = Features(context, self.encoder, vector)

    def score_set(self, pictures: Iterable[Triple]) -> SetScore:
        """The discrepancy; the contents play no part."""
        stylized_features, wanted = gathered(self._vectors.read, pictures)
        return SetScore(
            SCALE * mean_discrepancy(stylized_features, wanted, gaussian_kernel, unbiased=False)
        )


@hookimpl
def bench_encoders() -> Sequence[Encoder]:
    """Three sizes of OpenAI's CLIP."""
    return [B32, L14, L14_336]


@hookimpl
def bench_metrics() -> Sequence[Metric]:
    """Similarity to the style and to the content on two of them, and CMMD."""
    alike: list[Metric] = [
        Similarity(f"clip-{axis}", clip.name, axis, _RADFORD)
        for clip in (B32, L14)
        for axis in ("style", "content")
    ]
    return [*alike, CMMD()]
