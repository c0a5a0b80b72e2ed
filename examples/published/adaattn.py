"""AdaAttN (Liu et al., ICCV 2021) with the weights of github.com/Huage001/AdaAttN.

    bench weights fetch adaattn --plugin examples/published/adaattn.py
    bench run --method adaattn --plugin examples/published/adaattn.py

Weights: `AdaAttN_model.zip` on the Google Drive that the repository (its author's PyTorch version;
the paper's own is in Paddle) links, with `latest_net_adaattn_3.pth`, `latest_net_transformer.pth`
and `latest_net_decoder.pth`; no SHA-256 is published, and the repository names no licence. The
encoder is AdaIN's. Trained on MS-COCO and WikiArt with VGG19's features as the loss.
Pictures go in as they are, in [0, 1], at 512 × 512 px in its script; all its options are on here
(`--skip_connection_3 --shallow_layer`). Attention at relu3_1 compares every position of the content
with at most 64 × 64 of the style: it takes the memory of 4,096 numbers per content position.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench import Method, Weights, hookimpl
from bench.encoders import Vgg19Normalised, vgg19_decoder
from bench.weights import fill, locate, read_checkpoint

ARCHIVE = Weights(
    "adaattn/AdaAttN_model.zip",
    None,
    "https://drive.usercontent.google.com/download"
    "?id=1XvpD1eI4JeCBIaW5uwMT6ojF_qlzM_lo&export=download&confirm=t",
    "none named by its authors",
)
TAPS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
WIDTHS = (64, 128, 256, 512, 512)
POSITIONS = 64 * 64
"""Of the style, at relu3_1; more than these are drawn from, always the same ones."""


def normalised(features: Tensor) -> Tensor:
    """Each channel with mean 0 and deviation 1."""
    variance, mean = torch.var_mean(features, (2, 3), keepdim=True)
    return (features - mean) / (variance + 1e-5).sqrt()


def keys(features: Sequence[Tensor], level: int) -> Tensor:
    """What attention compares (paper, eq. 5): a level and all before it, at the level's size."""
    size = features[level].shape[2:]
    return torch.cat(
        [normalised(F.interpolate(f, size)) for f in features[:level]]
        + [normalised(features[level])],
        1,
    )


class Attention(nn.Module):
    """Adaptive attention normalisation (paper, §3.3); names are the files'."""

    def __init__(self, level: int) -> None:
        super().__init__()
        width, compared = WIDTHS[level], sum(WIDTHS[: level + 1])
        self.level = level
        self.f, self.g = (nn.Conv2d(compared, compared, 1) for _ in range(2))
        self.h = nn.Conv2d(width, width, 1)

    def read(self, style: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Keys (1, P, K) and values (1, P, C) of the style's positions."""
        key = self.g(keys(style, self.level)).flatten(2).transpose(1, 2)
        value = self.h(style[self.level]).flatten(2).transpose(1, 2)
        if self.level == 2 and key.shape[1] > POSITIONS:
            generator = torch.Generator().manual_seed(6666)  # its authors' seed
            some = torch.randperm(key.shape[1], generator=generator)[:POSITIONS].to(key.device)
            key, value = key[:, some], value[:, some]
        return key, value

    def forward(self, content: Sequence[Tensor], key: Tensor, value: Tensor) -> Tensor:
        """The content's features with the mean and deviation that attention gives each position."""
        features = content[self.level]
        query = self.f(keys(content, self.level)).flatten(2).transpose(1, 2)
        count = len(query)
        both = torch.cat([value, value.square()], 2)
        attended = F.scaled_dot_product_attention(
            query, key.expand(count, -1, -1), both.expand(count, -1, -1), scale=1.0
        )
        mean, square = attended.transpose(1, 2).unflatten(2, features.shape[2:]).chunk(2, 1)
        return (square - mean.square()).relu().sqrt() * normalised(features) + mean


class Transformer(nn.Module):
    """The two deep levels, added and merged."""

    def __init__(self) -> None:
        super().__init__()
        self.attn_adain_4_1, self.attn_adain_5_1 = Attention(3), Attention(4)
        self.merge_conv = nn.Conv2d(512, 512, 3)

    def forward(self, content: Sequence[Tensor], style: dict[str, Tensor]) -> Tensor:
        """Features (N, 512, H / 8, W / 8)."""
        fourth = self.attn_adain_4_1(content, style["4.keys"], style["4.values"])
        fifth = self.attn_adain_5_1(content, style["5.keys"], style["5.values"])
        added = fourth + F.interpolate(fifth, scale_factor=2)
        merged: Tensor = self.merge_conv(F.pad(added, (1, 1, 1, 1), mode="reflect"))
        return merged


class Decoder(nn.Module):
    """AdaIN's decoder, into which the third level comes after the first upsampling."""

    def __init__(self) -> None:
        super().__init__()
        layers = vgg19_decoder()
        self.decoder_layer_1 = nn.Sequential(*layers[:4])
        self.decoder_layer_2 = nn.Sequential(*layers[4:])
        self.decoder_layer_2[1] = nn.Conv2d(512, 256, 3)

    def forward(self, deep: Tensor, third: Tensor) -> Tensor:
        """Pictures (N, 3, H, W)."""
        both = torch.cat([self.decoder_layer_1(deep), third], 1)
        picture: Tensor = self.decoder_layer_2(both)
        return picture


class AdaAttN(Method):
    """Attention gives every position of the content a mean and a deviation of its own."""

    name = "adaattn"
    family = "arbitrary"
    citation = "Liu, Lin, He, Li, Wang, Li, Sun, Li, Ding, ICCV 2021"
    trains_on = ("vgg19",)
    autocast = False  # differences of squares, which lose everything in bfloat16
    weights = (Vgg19Normalised.weights, ARCHIVE)
    mixes = False

    def load(self) -> None:
        """Read the encoder, and three networks out of the archive."""
        self.encoder = Vgg19Normalised().network(TAPS)
        self.adaattn_3, self.transformer, self.decoder = Attention(2), Transformer(), Decoder()
        file = locate(ARCHIVE, self.folders())
        for name in ("adaattn_3", "transformer", "decoder"):
            network = getattr(self, name)
            fill(network, read_checkpoint(file, f"latest_net_{name}.pth"), file)
        for network in self.networks():
            self.context.place(network.eval().requires_grad_(False))
        self.style: dict[str, Tensor] = {}

    def adapt(self, style: Tensor) -> None:
        """Keep keys and values of the style's positions at three levels."""
        features = self.encoder(style)
        transformer = self.transformer
        levels = (self.adaattn_3, transformer.attn_adain_4_1, transformer.attn_adain_5_1)
        self.style = {}
        for number, attention in enumerate(levels, 3):
            key, value = attention.read(features)
            self.style |= {f"{number}.keys": key, f"{number}.values": value}

    def stylize(self, content: Tensor) -> Tensor:
        """One pass over sides that 16 divides, grown by reflection where need be."""
        height, width = content.shape[2:]
        grown = F.pad(content, (0, -width % 16, 0, -height % 16), mode="reflect")
        features = self.encoder(grown)
        third = self.adaattn_3(features, self.style["3.keys"], self.style["3.values"])
        stylized = self.decoder(self.transformer(features, self.style), third)
        return stylized[..., :height, :width].clamp(0, 1)


@hookimpl
def bench_methods() -> Sequence[type[Method]]:
    """The one method."""
    return [AdaAttN]
