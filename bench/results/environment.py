"""A recorded environment in words, and what makes two of them comparable."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

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


def fingerprint(environment: Mapping[str, Any]) -> str:
    """A short hash over `FINGERPRINT_KEYS`: timings compare where it is the same."""
    stable = {key: environment.get(key) for key in FINGERPRINT_KEYS}
    return hashlib.sha256(json.dumps(stable, sort_keys=True).encode()).hexdigest()[:12]


def describe(environment: Mapping[str, Any]) -> str:
    """One line for the heading of a group of results."""
    get = environment.get
    cores, threads = get("cores_available"), get("threads")
    on_cpu = get("device_type") == "cpu"
    parts = [
        str(get("device_name") or get("device")),
        f"{cores} cores, {threads} threads" if on_cpu else None,
        f"CUDA {get('cuda')}" if get("cuda") and not on_cpu else None,
        f"driver {get('driver')}" if get("driver") else None,
        str(get("precision")),
        "TF32" if get("device_type") == "cuda" and get("tf32", {}).get("conv") == "tf32" else None,
        f"torch {get('torch')}",
        f"Python {get('python')}",
        str(get("os")),
    ]
    return " · ".join(part for part in parts if part)
