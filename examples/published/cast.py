"""CAST (Zhang et al., SIGGRAPH 2022) with the weights of github.com/zyxElsa/CAST_pytorch.

    bench weights fetch cast --plugin examples/published/cast.py
    bench run --method cast --plugin examples/published/cast.py

Weights: `CAST_model` on the authors' Google Drive, a zip archive of `latest_net_AE.pth` and
`latest_net_Dec_B.pth` (the decoder that paints); they publish no SHA-256. The repository is under
Apache-2.0. Trained on MS-COCO or Places365 and WikiArt, contrastively on a VGG19 of its own, with
adversarial and cycle losses. Pictures go in and come out in [-1, 1], at 256 px in its script.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from bench import Method, Weights, hookimpl
from bench.encoders import Vgg19Normalised, vgg19_decoder
from bench.weights import fill, locate, read_checkpoint

ARCHIVE = Weights(
    "cast/CAST_model.zip",
    None,
    "https://drive.usercontent.google.com/download"
    "?id=11dZqu95QfnAgkzgR1NTJfQutz8JlwRY8&export=download&confirm=t",
    "Apache-2.0",
)
STARTS = {"enc_1": 0, "enc_2": 4, "enc_3": 11, "enc_4": 18}
"""Where each part of the encoder begins among the layers of VGG19."""


def whole(parts: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The encoder's tensors by their layer in the whole: `enc_2.1.weight` is `5.weight`."""
    found = {}
    for key, tensor in parts.items():
        if match := re.fullmatch(r"(enc_\d)\.(\d+)\.(\w+)", key):
            found[f"{STARTS[match[1]] + int(match[2])}.{match[3]}"] = tensor
    return found


class Cast(Method):
    """AdaIN between an encoder and a decoder that learned from style's own representation."""

    name = "cast"
    family = "arbitrary"
    citation = "Zhang, Tang, Dong, Huang, Ma, Lee, Xu, SIGGRAPH 2022"
    trains_on = ("vgg19",)
    weights = (ARCHIVE,)

    def load(self) -> None:
        """Read encoder and decoder out of the archive."""
        file = locate(ARCHIVE, self.folders())
        self.encoder = Vgg19Normalised().empty(["relu4_1"])
        fill(self.encoder.layers, whole(read_checkpoint(file, "latest_net_AE.pth")), file)
        self.decoder = vgg19_decoder()
        state = read_checkpoint(file, "latest_net_Dec_B.pth")
        state = {key.removeprefix("decoder."): tensor for key, tensor in state.items()}
        fill(self.decoder, state, file)
        for network in (self.encoder, self.decoder):
            self.context.place(network.eval().requires_grad_(False))

    def adapt(self, style: Tensor) -> None:
        """Keep the moments of the style's features."""
        self.mean, self.deviation = moments(self.encoder(2 * style - 1)[-1])

    def stylize(self, content: Tensor) -> Tensor:
        """Encode, give the style's moments, decode; cut what rounding sides up has added."""
        height, width = content.shape[2:]
        features = self.encoder(2 * content - 1)[-1].float()
        mean, deviation = moments(features)
        styled = (features - mean) / deviation * self.deviation + self.mean
        stylized: Tensor = self.decoder(styled)
        return (stylized[..., :height, :width].float() / 2 + 0.5).clamp(0, 1)


def moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Channel means and deviations, each (N, C, 1, 1), of features (N, C, H, W)."""
    variance, mean = torch.var_mean(features.float(), (2, 3), keepdim=True)
    return mean, (variance + 1e-5).sqrt()


@hookimpl
def bench_methods() -> Sequence[type[Method]]:
    """The one method."""
    return [Cast]
