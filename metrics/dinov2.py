"""DINOv2's view of a picture: how like its style and how like its content it is."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from bench.contract import Encoder, Metric, Weights
from bench.encoders import IMAGENET_MEAN, IMAGENET_STD
from bench.errors import BenchError
from bench.extras import extra
from bench.hooks import hookimpl
from bench.weights import fill, locate, read_checkpoint

from ._embeddings import Embedder, Similarity

_SIDE, _CROP = 256, 224


class DinoV2(Encoder):
    """DINOv2's ViT-B/14 with its authors' weights, built by timm; needs the extra `dinov2`.

    The class token after the last normalisation. Preprocessing is the authors' own: the shorter
    side to 256 px, bicubic, and the centred 224 × 224. It is downloaded by
    `bench weights fetch dinov2-vitb14`, never by itself.
    """

    name = "dinov2-vitb14"
    taps = ("class-token",)
    content_tap = "class-token"
    judge = True
    citation = "Oquab et al. 2023 (DINOv2)"
    weights = Weights(
        "dinov2_vitb14_pretrain.pth",
        "0b8b82f85de91b424aded121c7e1dcc2b7bc6d0adeea651bf73a13307fad8c73",
        "https://dl.fbaipublicfiles.com/dinov2/dinov2_vitb14/dinov2_vitb14_pretrain.pth",
        "Apache-2.0",
    )

    def build(self) -> nn.Module:
        """Read the file; positions are brought to a grid of 16 × 16 as timm does it."""
        vision = extra("timm.models.vision_transformer", "dinov2", self.name)
        path = locate(self.weights)
        state = read_checkpoint(path)
        try:
            width, _, patch, _ = state["patch_embed.proj.weight"].shape
            network = vision.VisionTransformer(
                img_size=_CROP,
                patch_size=patch,
                embed_dim=width,
                depth=len({key.split(".")[1] for key in state if key.startswith("blocks.")}),
                num_heads=width // 64,
                init_values=1.0,  # its scales of layers are in the file
                num_classes=0,
            )
            with torch.no_grad():
                state = vision.checkpoint_filter_fn(state, network)
        except (KeyError, ValueError, RuntimeError) as error:
            raise BenchError(f"{path} holds another network's weights ({error})") from None
        fill(network, state, path)
        normalisation = IMAGENET_MEAN, IMAGENET_STD
        return Embedder(network, [nn.Identity()], normalisation, _SIDE, _CROP)


@hookimpl
def bench_encoders() -> Sequence[Encoder]:
    """The network of this page."""
    return [DinoV2()]


@hookimpl
def bench_metrics() -> Sequence[Metric]:
    """Style as StyleAligned uses it, content as DreamBooth does, both on DINOv2's class token."""
    return [
        Similarity("dinov2-style", DinoV2.name, "style", "after Hertz et al. 2024 (StyleAligned)"),
        Similarity("dinov2-content", DinoV2.name, "content", "after Ruiz et al. 2023 (DreamBooth)"),
    ]
