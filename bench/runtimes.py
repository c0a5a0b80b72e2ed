"""Other runtimes than torch's own: the files that they read, and how they run one on a CPU."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from bench.extras import extra

OPSET = 18
"""Of ONNX."""

EXTRA = "export"
"""What brings the libraries: `pip install 'metastyle-bench[export]'`."""

Runtime = Callable[[bytes, int, torch.dtype], Callable[[Tensor], Tensor]]
"""From an ONNX file, threads and a type to the network as that runtime runs it."""


def program(network: nn.Module) -> torch.export.ExportedProgram:
    """A network from pictures to pictures as torch exports it, for any batch and size.

    Args:
        network: of ordinary operators, on the CPU, without gradients.
    """
    free = torch.export.Dim.AUTO
    with torch.no_grad():
        return torch.export.export(
            network, (torch.rand(2, 3, 50, 67),), dynamic_shapes=({0: free, 2: free, 3: free},)
        )


def to_onnx(network: nn.Module, about: dict[str, str] | None = None) -> bytes:
    """The network as an ONNX file: input `picture`, output `stylized`, of any batch and size.

    Args:
        network: see `program`.
        about: what the file says of itself.

    Raises:
        NeedError: onnx or onnxscript is not installed.
    """
    onnx, _ = (extra(name, EXTRA, "an ONNX file") for name in ("onnx", "onnxscript"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what torch deprecates in itself
        exported = torch.onnx.export(
            program(network),
            input_names=["picture"],
            output_names=["stylized"],
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert exported is not None
    model = exported.model_proto
    onnx.helper.set_model_props(model, about or {})
    return bytes(model.SerializeToString())


def onnxruntime(data: bytes, threads: int, _: torch.dtype) -> Callable[[Tensor], Tensor]:
    """By ONNX Runtime, in float32.

    Raises:
        NeedError: it is not installed.
    """
    library = extra("onnxruntime", EXTRA, "this runtime")
    options = library.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = library.InferenceSession(data, options, providers=["CPUExecutionProvider"])

    def run(picture: Tensor) -> Tensor:
        (stylized,) = session.run(None, {"picture": _array(picture)})
        return torch.from_numpy(stylized)

    return run


def openvino(data: bytes, threads: int, dtype: torch.dtype) -> Callable[[Tensor], Tensor]:
    """By OpenVINO, in bfloat16 or in float32.

    Raises:
        NeedError: it is not installed.
    """
    library = extra("openvino", EXTRA, "this runtime")
    core = library.Core()
    precision = "bf16" if dtype == torch.bfloat16 else "f32"
    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": precision}
    compiled = core.compile_model(core.read_model(data), "CPU", settings)

    def run(picture: Tensor) -> Tensor:
        return torch.from_numpy(compiled(_array(picture))[0].copy())

    return run


RUNTIMES: dict[str, Runtime] = {"onnxruntime": onnxruntime, "openvino": openvino}


def _array(picture: Tensor) -> Any:
    return picture.detach().cpu().float().contiguous().numpy()
