"""A plugin-based benchmark suite for neural style transfer: speed, flexibility, quality."""

from bench.contract import (
    Dataset,
    Encoder,
    Method,
    Metric,
    Picture,
    SetMetric,
    SetScore,
    Triple,
    Weights,
)
from bench.errors import BenchError
from bench.hooks import hookimpl
from bench.options import option

__version__ = "0.1.0"

__all__ = [
    "BenchError",
    "Dataset",
    "Encoder",
    "Method",
    "Metric",
    "Picture",
    "SetMetric",
    "SetScore",
    "Triple",
    "Weights",
    "__version__",
    "hookimpl",
    "option",
]
