"""StyleID (Chung, Hyun, Heo, CVPR 2024): style injection into Stable Diffusion, without training.

    pip install 'metastyle-bench[diffusion]'
    bench weights fetch styleid-diffusion --plugin examples/published/styleid.py
    bench run --method styleid-diffusion --plugin examples/published/styleid.py --size 512 \
        --device cuda

Weights: Stable Diffusion v1.4 as CompVis publishes it for diffusers, 3.9 GB, under the CreativeML
OpenRAIL-M licence, whose terms of use bind whoever runs it. Any Stable Diffusion 1.x in that
layout serves: `--option styleid-diffusion.model=FOLDER`. Trained on LAION.

What is done is that of the authors' script (github.com/jiwoogit/StyleID): DDIM inversion of style
and content in 50 steps, AdaIN of their last latents, and sampling in which six self-attentions of
the decoder take keys and values from the style and most of the query from the content. As there,
the first of the 50 sampling steps is left out. Unlike there, a picture's latent is the mode of
what the encoder gives, not a sample, and all is in float32. Inverting is a style's cost and, for
the content, a picture's. A style's keys and values take 2.4 GB at 512 px. The network is made for
512 px, so that pictures are brought to that (`size`), and back.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench import Method, Weights, hookimpl, option
from bench.extras import extra
from bench.weights import locate

FOLDER = "stable-diffusion-v1-4"
ADDRESS = "https://huggingface.co/CompVis/stable-diffusion-v1-4/resolve/main"
LICENCE = "CreativeML OpenRAIL-M"
FILES = (
    "unet/config.json",
    "unet/diffusion_pytorch_model.safetensors",
    "vae/config.json",
    "vae/diffusion_pytorch_model.safetensors",
    "text_encoder/config.json",
    "text_encoder/model.safetensors",
)
NOTHING = (49406, *[49407] * 76)
"""The empty prompt in CLIP's vocabulary."""
LAST = 999
"""The time at which there is nothing but noise."""
SCALE = 0.18215
"""Of latents: brings their deviation to 1."""

Look = Callable[[str, Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]
"""Takes where an attention is, its query, key and value; gives the three that it is to use."""


@dataclass(frozen=True)
class Options:
    """Options of the transfer; the defaults are the paper's."""

    model: str | None = option(None, "a folder of Stable Diffusion 1.x for diffusers", path=True)
    steps: int = option(50, "DDIM steps, of inversion and of sampling", low=2, high=500)
    gamma: float = option(0.75, "share of the content's own query", low=0, high=1)
    temperature: float = option(1.5, "what injected attention is multiplied by (T)", low=0)
    size: int = option(512, "shorter side that pictures are brought to, in pixels", low=64)


class Attention:
    """diffusers' processor of one self-attention, which `look` may see into and change."""

    def __init__(self, place: str) -> None:
        self.place = place
        self.look: Look = unchanged

    def __call__(self, attn: Any, hidden_states: Tensor, *_: Any, **__: Any) -> Tensor:
        """Tokens (N, P, C) to tokens of the same shape."""
        query, key, value = self.look(
            self.place,
            *(
                part(hidden_states).unflatten(2, (attn.heads, -1)).transpose(1, 2)
                for part in (attn.to_q, attn.to_k, attn.to_v)
            ),
        )
        attended = F.scaled_dot_product_attention(query, key, value)
        projected: Tensor = attn.to_out[0](attended.transpose(1, 2).flatten(2))
        return projected


def unchanged(_: str, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What a look that only looks gives."""
    return query, key, value


class StyleID(Method):
    """Style injection in the self-attention of a diffusion model."""

    name = "styleid-diffusion"
    family = "arbitrary"
    citation = "Chung, Hyun, Heo, CVPR 2024; Rombach et al., CVPR 2022"
    Options = Options
    autocast = False
    mixes = False
    weights = tuple(
        Weights(f"{FOLDER}/{file}", None, f"{ADDRESS}/{file}", LICENCE) for file in FILES
    )

    @classmethod
    def needs(cls, options: Options) -> Sequence[Weights]:
        """The published files, or those in the folder that the user names."""
        if options.model is None:
            return cls.weights
        folder = Path(options.model).expanduser().absolute()
        return [Weights(str(folder / file), None, "the user", LICENCE) for file in FILES]

    def load(self) -> None:
        """Read U-Net and autoencoder, and encode the empty prompt."""
        diffusers = extra("diffusers", "diffusion", self.name)
        transformers = extra("transformers", "diffusion", self.name)
        files = [locate(needed, self.folders()) for needed in self.needs(self.options)]
        folder = files[0].parents[1]
        plain = {"low_cpu_mem_usage": False}  # which would need another library
        unet = read(diffusers.UNet2DConditionModel, folder / "unet", **plain)
        self.unet = self.context.place(unet)
        self.autoencoder = self.context.place(
            read(diffusers.AutoencoderKL, folder / "vae", **plain)
        )
        text = read(transformers.CLIPTextModel, folder / "text_encoder")
        places = torch.arange(len(NOTHING))[None]
        encoded = text(torch.tensor([NOTHING]), position_ids=places)[0]
        self.prompt = encoded.to(self.context.device)
        betas = torch.linspace(0.00085**0.5, 0.012**0.5, LAST + 1, dtype=torch.float64).square()
        self.signal = (1 - betas).cumprod(0).tolist()
        self.attentions = []
        for block in (2, 3):  # the paper's decoder layers 6 to 11
            for place, layer in enumerate(self.unet.up_blocks[block].attentions):
                self.attentions.append(Attention(f"{block}.{place}"))
                layer.transformer_blocks[0].attn1.set_processor(self.attentions[-1])
        self.style: dict[str, Tensor] = {}

    def adapt(self, style: Tensor) -> None:
        """Invert the style; keep its last latent, and keys and values of every step."""
        kept: dict[str, Tensor] = {}

        def keep(place: str, *three: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            _, kept[f"{place} key"], kept[f"{place} value"] = three
            return unchanged(place, *three)

        kept["latent"] = self._inverted(style, keep)
        self.style = kept

    def stylize(self, content: Tensor) -> Tensor:
        """One picture after the other: invert the content, then sample with the style injected."""
        return torch.cat([self._stylized(picture) for picture in torch.split(content, 1)])

    def _stylized(self, content: Tensor) -> Tensor:
        o, style = self.options, self.style
        queries: dict[str, Tensor] = {}

        def keep(place: str, *three: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            queries[place] = three[0]
            return unchanged(place, *three)

        def inject(place: str, query: Tensor, *_: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            mixed = o.gamma * queries.pop(place) + (1 - o.gamma) * query
            return o.temperature * mixed, style[f"{place} key"], style[f"{place} value"]

        latent = self._inverted(content, keep)
        mean, deviation = moments(latent)
        styled_mean, styled_deviation = moments(style["latent"])
        latent = (latent - mean) / deviation * styled_deviation + styled_mean
        times = self.times()
        for time, before in zip(times[-2::-1], [*times[:-2][::-1], 0], strict=True):
            latent = self.moved(latent, time, before, inject)
        decoded = self.autoencoder.decode(latent / SCALE).sample / 2 + 0.5
        return resized(decoded, *content.shape[2:]).clamp(0, 1)

    def times(self) -> range:
        """When the network is asked for the noise, in growing order."""
        return range(1, LAST + 1, (LAST + 1) // self.options.steps)

    def _inverted(self, picture: Tensor, look: Look) -> Tensor:
        """The latent (1, 4, h, w) of nothing but noise from which sampling gives the picture."""
        height, width = picture.shape[2:]
        scale = self.options.size / min(height, width)
        sides = (max(1, round(side * scale / 64)) * 64 for side in (height, width))
        encoded = self.autoencoder.encode(2 * resized(picture, *sides) - 1)
        latent: Tensor = SCALE * encoded.latent_dist.mode()
        times = self.times()
        for time, after in zip(times, [*times[1:], LAST], strict=True):
            latent = self.moved(latent, time, after, look)
        return latent

    def moved(self, latent: Tensor, time: int, other: int, look: Look) -> Tensor:
        """From one time to another by the noise of the first (DDIM: Song et al. 2021, eq. 12)."""
        for attention in self.attentions:
            attention.look = lambda place, *three: look(f"{time} {place}", *three)
        noise = self.unet(latent, time, self.prompt).sample
        for attention in self.attentions:
            attention.look = unchanged
        here, there = self.signal[time], self.signal[other]
        clean = (latent - (1 - here) ** 0.5 * noise) / here**0.5
        moved: Tensor = there**0.5 * clean + (1 - there) ** 0.5 * noise
        return moved

    def networks(self) -> Iterable[nn.Module]:
        """Those that stylize; the text encoder has done its work."""
        return [self.unet, self.autoencoder]


def read(kind: Any, folder: Path, **more: Any) -> Any:
    """A network from its folder, frozen; without the bars that the libraries would draw."""
    with contextlib.redirect_stderr(io.StringIO()):
        network = kind.from_pretrained(folder, local_files_only=True, **more)
    return network.eval().requires_grad_(False)


def moments(latent: Tensor) -> tuple[Tensor, Tensor]:
    """Channel means and deviations, each (N, C, 1, 1)."""
    variance, mean = torch.var_mean(latent, (2, 3), keepdim=True)
    return mean, (variance + 1e-8).sqrt()


def resized(picture: Tensor, height: int, width: int) -> Tensor:
    """Antialiased bicubic resize; a picture of that size stays as it is."""
    if picture.shape[2:] == (height, width):
        return picture
    return F.interpolate(picture, (height, width), mode="bicubic", antialias=True).clamp(0, 1)


@hookimpl
def bench_methods() -> Sequence[type[Method]]:
    """The one method."""
    return [StyleID]
