"""StyTr² (Deng et al., CVPR 2022) with the weights of github.com/diyiiyiii/StyTR-2.

    bench weights fetch stytr2 --plugin examples/published/stytr2.py
    bench run --method stytr2 --plugin examples/published/stytr2.py

Weights: three files on the authors' Google Drive; no SHA-256 is published, and the repository
names no licence, so that they may be used to reproduce and compare and little else. Trained on
MS-COCO and WikiArt with VGG19's features as the loss; no VGG is needed to stylize.
Pictures go in as they are, in [0, 1]; the script takes the centred 512 × 512 px of both. Its code
for the decoder's first attention takes the style as keys and values, where one would expect the
content: so do the weights, and so does this file.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench import Method, Weights, hookimpl
from bench.encoders import vgg19_decoder
from bench.weights import fill, locate, read_checkpoint

WIDTH, HEADS, HIDDEN, PATCH, POOLED = 512, 8, 2048, 8, 18


class EncoderLayer(nn.Module):
    """Self-attention and a two-layer perceptron, each added and normalised."""

    def __init__(self) -> None:
        super().__init__()
        self.self_attn = nn.MultiheadAttention(WIDTH, HEADS)
        self.linear1, self.linear2 = nn.Linear(WIDTH, HIDDEN), nn.Linear(HIDDEN, WIDTH)
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)

    def forward(self, x: Tensor, place: Tensor | float) -> Tensor:
        """Tokens (P, N, 512) and what is added to queries and keys for their places."""
        sought = x + place
        x = self.norm1(x + self.self_attn(sought, sought, x, need_weights=False)[0])
        changed: Tensor = self.norm2(x + self.linear2(torch.relu(self.linear1(x))))
        return changed


class DecoderLayer(nn.Module):
    """Two attentions to the style, and a two-layer perceptron."""

    def __init__(self) -> None:
        super().__init__()
        self.self_attn = nn.MultiheadAttention(WIDTH, HEADS)
        self.multihead_attn = nn.MultiheadAttention(WIDTH, HEADS)
        self.linear1, self.linear2 = nn.Linear(WIDTH, HIDDEN), nn.Linear(HIDDEN, WIDTH)
        for number in (1, 2, 3):
            self.add_module(f"norm{number}", nn.LayerNorm(WIDTH))

    def forward(self, x: Tensor, style: Tensor, place: Tensor) -> Tensor:
        """The content's tokens (P, N, 512), the style's (S, N, 512), the content's places."""
        norm1, norm2, norm3 = (self.get_submodule(f"norm{number}") for number in (1, 2, 3))
        x = norm1(x + self.self_attn(x + place, style, style, need_weights=False)[0])
        x = norm2(x + self.multihead_attn(x + place, style, style, need_weights=False)[0])
        changed: Tensor = norm3(x + self.linear2(torch.relu(self.linear1(x))))
        return changed


class Stack(nn.Module):
    """Three layers, the decoder's with a norm at the end."""

    def __init__(self, layer: type[nn.Module], norm: bool = False) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layer() for _ in range(3))
        if norm:
            self.norm = nn.LayerNorm(WIDTH)


class Transformer(nn.Module):
    """Content's and style's encoder, and the decoder (paper, §3); names are the file's."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder_c, self.encoder_s = Stack(EncoderLayer), Stack(EncoderLayer)
        self.decoder = Stack(DecoderLayer, norm=True)
        self.new_ps = nn.Conv2d(WIDTH, WIDTH, 1)

    def read(self, style: Tensor) -> Tensor:
        """The style's patches (1, 512, H, W), which have no places, as tokens (H W, 1, 512)."""
        x = tokens(style)
        for layer in self.encoder_s.layers:
            x = layer(x, 0.0)
        return x

    def forward(self, content: Tensor, style: Tensor) -> Tensor:
        """The content's patches (N, 512, H, W) in the style of its tokens: the same shape."""
        size = content.shape[2:]
        pooled = self.new_ps(F.adaptive_avg_pool2d(content, POOLED))
        # content-aware positional encoding (paper, eq. 4)
        place = tokens(F.interpolate(pooled, size, mode="bilinear"))
        x = tokens(content)
        for layer in self.encoder_c.layers:
            x = layer(x, place)
        style = style.expand(-1, x.shape[1], -1)
        for layer in self.decoder.layers:
            x = layer(x, style, place)
        return self.decoder.norm(x).permute(1, 2, 0).unflatten(2, size)


def tokens(patches: Tensor) -> Tensor:
    """(N, C, H, W) to (H W, N, C)."""
    return patches.flatten(2).permute(2, 0, 1)


def part(name: str, drive: str) -> Weights:
    """One of the three files."""
    source = f"https://drive.usercontent.google.com/download?id={drive}&export=download&confirm=t"
    return Weights(f"stytr2/{name}_iter_160000.pth", None, source, "none named by its authors")


class StyTr2(Method):
    """A transformer over patches of 8 × 8 pixels, and AdaIN's decoder."""

    name = "stytr2"
    family = "arbitrary"
    citation = "Deng, Tang, Dong, Ma, Pan, Wang, Xu, CVPR 2022"
    trains_on = ("vgg19",)
    weights = (
        part("embedding", "1C3xzTOWx8dUXXybxZwmjijZN8SrC3e4B"),
        part("transformer", "1dnobsaLeE889T_LncCkAA2RkqzwsfHYy"),
        part("decoder", "1fIIVMTA_tPuaAAFtqizr6sd1XV7CX6F9"),
    )
    mixes = False

    def load(self) -> None:
        """Read the three networks."""
        self.embedding = nn.ModuleDict({"proj": nn.Conv2d(3, WIDTH, PATCH, PATCH)})
        self.transformer, self.decoder = Transformer(), vgg19_decoder()
        networks = (self.embedding, self.transformer, self.decoder)
        for needed, network in zip(self.weights, networks, strict=True):
            file = locate(needed, self.folders())
            fill(network, read_checkpoint(file), file)
            self.context.place(network.eval().requires_grad_(False))

    def adapt(self, style: Tensor) -> None:
        """Keep the style's tokens."""
        self.tokens = self.transformer.read(self.embedding["proj"](grown(style))).float()

    def stylize(self, content: Tensor) -> Tensor:
        """One pass over sides that 8 divides, grown by reflection where need be."""
        height, width = content.shape[2:]
        patches = self.embedding["proj"](grown(content))
        stylized: Tensor = self.decoder(self.transformer(patches, self.tokens))
        return stylized[..., :height, :width].float().clamp(0, 1)


def grown(picture: Tensor) -> Tensor:
    """The picture with sides that 8 divides."""
    height, width = picture.shape[2:]
    return F.pad(picture, (0, -width % PATCH, 0, -height % PATCH), mode="reflect")


@hookimpl
def bench_methods() -> Sequence[type[Method]]:
    """The one method."""
    return [StyTr2]
