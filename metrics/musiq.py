"""MUSIQ: how good a picture looks by itself, whatever its content and style."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bench.contract import Context, Metric, Weights
from bench.extras import extra
from bench.hooks import hookimpl
from bench.weights import fill, locate, read_checkpoint


class MUSIQ(Metric):
    """MUSIQ's mean opinion score, from 0 to 100, by pyiqa; needs the extra `quality`.

    Ke et al. 2021, trained on KonIQ-10k's photographs: it knows blur, noise and blocks, and takes
    a painting's strokes for faults now and then. It says nothing of style or content, and both
    anchors have the score of what they copy: read it as a warning of artefacts. The whole picture
    at its own size, and at longer sides of 224 and 384 px. It is downloaded by
    `bench weights fetch musiq/1`.
    """

    name = "musiq"
    axis = "both"
    direction = "higher"
    unit = "of 100"
    by_default = False
    weights = (
        Weights(
            "musiq_koniq_ckpt-e95806b9.pth",
            "e95806b9eae5f3814c410f574ba8e552362bd5bc63d758ed5b97860f5d6185aa",
            "https://huggingface.co/chaofengc/IQA-PyTorch-Weights/resolve/main/"
            "musiq_koniq_ckpt-e95806b9.pth",
            "Apache-2.0 (google-research); pyiqa's terms for its copy",
        ),
    )
    caveat = "made for photographs"
    citation = "Ke, Wang, Wang, Milanfar, Yang 2021 (MUSIQ)"

    def load(self, context: Context) -> None:
        """Build pyiqa's network and read the weights."""
        architecture = extra("pyiqa.archs.musiq_arch", "quality", self.name)
        path = locate(self.weights[0])
        with torch.random.fork_rng(devices=[]):
            network = architecture.MUSIQ(pretrained=False)
        fill(network, read_checkpoint(path), path)
        self._network = network.eval().requires_grad_(False).to(context.device)
        self._device = context.device

    def score(self, stylized: Tensor, content: Tensor, style: Tensor) -> float:
        """The stylized picture's score; content and style play no part."""
        with torch.no_grad(), torch.autocast(self._device.type, enabled=False):
            return float(self._network(stylized.to(self._device)).item())


@hookimpl
def bench_metrics() -> Sequence[Metric]:
    """One metric."""
    return [MUSIQ()]
