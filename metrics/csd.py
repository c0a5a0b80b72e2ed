"""CSD: how alike two pictures are in style, by a network trained to tell styles apart."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bench.contract import Encoder, Metric, Weights
from bench.errors import BenchError
from bench.hooks import hookimpl
from bench.weights import locate, read_checkpoint

from ._embeddings import Embedder, Similarity
from .clip import CLIP_NORMALISATION, vision_transformer

_SOMEPALLI = "Somepalli et al. 2024 (CSD)"


class _Projection(nn.Module):
    """Vectors (N, C) times a matrix (C, D), at length 1."""

    def __init__(self, matrix: Tensor) -> None:
        super().__init__()
        self.matrix = nn.Parameter(matrix)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.normalize(x @ self.matrix, dim=1)


class CSDEncoder(Encoder):
    """CLIP's ViT-L/14 fine-tuned on artists' and media's names; needs the extra `clip`.

    The authors' file holds the tower and two projections, of style and of content. Preprocessing is
    CLIP's, 224 px. The authors say in their README that these weights do not quite give the paper's
    numbers. It is downloaded by `bench weights fetch csd-vit-l14`, never by itself.
    """

    name = "csd-vit-l14"
    taps = ("style", "content")
    content_tap = "content"
    judge = True
    citation = _SOMEPALLI
    weights = Weights(
        "csd-vit-l14/pytorch_model.bin",
        "40e92fad63a361b8136100cd234c42d401ef9b34ff1748234318929ebcc7e7a1",
        "https://huggingface.co/tomg-group-umd/CSD-ViT-L/resolve/main/pytorch_model.bin",
        "CC-BY-4.0 (model card); the code MIT",
    )

    def build(self) -> nn.Module:
        """Read the tower and both projections."""
        path = locate(self.weights)
        with torch.serialization.safe_globals([argparse.Namespace]):  # its arguments; plain data
            checkpoint = read_checkpoint(path, key="model_state_dict")
        state = {name.removeprefix("module."): tensor for name, tensor in checkpoint.items()}
        start = "backbone."
        backbone = {k.removeprefix(start): t for k, t in state.items() if k.startswith(start)}
        backbone.pop("proj", None)
        tower, side = vision_transformer(backbone, path)
        try:
            heads = [_Projection(state[f"last_layer_{tap}"]) for tap in self.taps]
        except KeyError as error:
            raise BenchError(f"{path} holds another network's weights ({error})") from None
        return Embedder(tower, heads, CLIP_NORMALISATION, side, side)


@hookimpl
def bench_encoders() -> Sequence[Encoder]:
    """The network of this page."""
    return [CSDEncoder()]


@hookimpl
def bench_metrics() -> Sequence[Metric]:
    """Similarity to the style."""
    return [Similarity("csd", CSDEncoder.name, "style", _SOMEPALLI)]
