"""What a plugin is: the four classes that methods, metrics, datasets and encoders derive from.

Their phases are driven by `bench.contract.phases`. No torch is imported here, so that the command
line starts fast; tensors appear in annotations only. Pictures are float32 tensors of shape
(N, 3, H, W), sRGB, values in [0, 1], everywhere.
"""

from bench.contract.context import Context, DType, Precision
from bench.contract.dataset import Dataset, Picture, View
from bench.contract.encoder import Encoder
from bench.contract.method import Budgets, Family, Method, Strength
from bench.contract.metric import (
    Frame,
    Metric,
    SetMetric,
    SetScore,
    TemporalMetric,
    Triple,
)
from bench.contract.task import Recipe, Task
from bench.contract.weights import Weights

__all__ = [
    "Budgets",
    "Context",
    "DType",
    "Dataset",
    "Encoder",
    "Family",
    "Frame",
    "Method",
    "Metric",
    "Picture",
    "Precision",
    "Recipe",
    "SetMetric",
    "SetScore",
    "Strength",
    "Task",
    "TemporalMetric",
    "Triple",
    "View",
    "Weights",
]
