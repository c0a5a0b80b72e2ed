"""A plugin-based benchmark suite for neural style transfer: speed, flexibility, quality."""

from bench.contract import (
    Context,
    Dataset,
    Encoder,
    Frame,
    Method,
    Metric,
    Picture,
    Precision,
    SetMetric,
    SetScore,
    Strength,
    Task,
    TemporalMetric,
    Triple,
    Weights,
)
from bench.errors import BenchError, NeedError
from bench.hooks import hookimpl
from bench.options import option

__version__ = "0.1.0"

__all__ = [
    "BenchError",
    "Context",
    "Dataset",
    "Encoder",
    "Frame",
    "Method",
    "Metric",
    "NeedError",
    "Picture",
    "Precision",
    "SetMetric",
    "SetScore",
    "Strength",
    "Task",
    "TemporalMetric",
    "Triple",
    "Weights",
    "__version__",
    "hookimpl",
    "option",
]
