"""A recorded environment in words, and what makes two of them comparable."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from bench.results.records import Environment

FINGERPRINT_KEYS = (
    "os",
    "python",
    "torch",
    "torchvision",
    "device_type",
    "device_name",
    "driver",
    "cuda",
    "cudnn",
    "cpu",
    "cpu_capability",
    "cores_physical",
    "cores_available",
    "cpu_quota",
    "threads",
    "tuning",
    "cudnn_benchmark",
    "deterministic",
    "tf32",
)
"""What makes timings comparable, besides the precision, which each row of a report carries: the
probe may choose another on the same machine. Not among them: load, commit, memory size."""


SOFTWARE_KEYS = (
    "os",
    "python",
    "torch",
    "torchvision",
    "device_type",
    "cuda",
    "cudnn",
    "threads",
    "cudnn_benchmark",
    "deterministic",
    "tf32",
)
"""What has to be alike where pictures and scores of one run are made, whatever the hardware."""


def fingerprint(environment: Mapping[str, Any], keys: Sequence[str] = FINGERPRINT_KEYS) -> str:
    """A short hash over some of an environment: timings compare where it is the same."""
    stable = {key: environment.get(key) for key in keys}
    return hashlib.sha256(json.dumps(stable, sort_keys=True).encode()).hexdigest()[:12]


def describe(environment: Environment) -> str:
    """One line for the heading of a group of results."""
    of = environment
    on_cpu = of.device_type == "cpu"
    parts = [
        str(of.device_name or of.device),
        f"{of.cores_available} cores, {of.threads} threads" if on_cpu else None,
        f"CUDA {of.cuda}" if of.cuda and not on_cpu else None,
        f"driver {of.driver}" if of.driver else None,
        str(of.precision),
        "TF32" if of.device_type == "cuda" and (of.tf32 or {}).get("conv") == "tf32" else None,
        f"torch {of.torch}",
        f"Python {of.python}",
        str(of.os),
    ]
    return " · ".join(part for part in parts if part)
