"""What a number was measured on: captured once per run, kept with every result.

Torch is imported inside `capture` only, so that reports can describe environments without it.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import bench
from bench.weights import sha256

if TYPE_CHECKING:
    import torch

    from bench.device import Precision

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

_TUNING = (
    "ATEN_CPU_CAPABILITY",
    "GOMP_CPU_AFFINITY",
    "KMP_AFFINITY",
    "KMP_BLOCKTIME",
    "LD_PRELOAD",
    "OMP_PLACES",
    "OMP_PROC_BIND",
    "ONEDNN_MAX_CPU_ISA",
    "PYTORCH_ALLOC_CONF",
    "PYTORCH_CUDA_ALLOC_CONF",
)
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")  # their effect is `threads`


def capture(
    device: torch.device, precision: Precision, threads: int | None = None
) -> dict[str, Any]:
    """The environment as plain JSON values; what cannot be told is None.

    Args:
        device: that the run uses.
        precision: that the run uses.
        threads: that the user asked for; None for torch's default. What torch really uses is
            recorded beside it.
    """
    import torch

    processor = cpu()
    return {
        "bench": bench.__version__,
        **_checkout(),
        "os": f"{platform.system()} {platform.machine()}",
        "kernel": platform.release(),
        "container": _container(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": version("torchvision"),
        **processor,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "ram_bytes": _ram_bytes(),
        "load_average": list(os.getloadavg()) if hasattr(os, "getloadavg") else None,
        "threads": torch.get_num_threads(),
        "threads_asked": threads,
        "interop_threads": torch.get_num_interop_threads(),
        "thread_variables": _variables(_THREADS),
        "tuning": _variables(_TUNING),
        "device": str(device),
        "device_type": device.type,
        **_accelerator(device, processor["cpu"]),
        "precision": precision.label,
        "precision_reason": precision.reason,
        "memory_format": str(precision.memory_format).removeprefix("torch."),
        "cudnn_benchmark": torch.backends.cudnn.benchmark,
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "tf32": {
            "matmul": torch.backends.cuda.matmul.fp32_precision,
            "conv": torch.backends.cudnn.conv.fp32_precision,  # type: ignore[attr-defined]
        },
    }


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


def source_sha256(cls: type[Any]) -> str | None:
    """SHA-256 over the files that define a class; None where there is no file, as in a notebook.

    These are its own and, in order of name, the siblings in its package that it uses, and the C++
    of the same name beside each. The core does not count (the commit says which it was), nor do
    weights (they have hashes of their own).
    """
    try:
        files = [Path(inspect.getfile(cls)), *_siblings(sys.modules[cls.__module__])]
        files += [cpp for file in files if (cpp := file.with_suffix(".cpp")).is_file()]
        hashes = [sha256(file) for file in files]
    except (TypeError, OSError, KeyError):
        return None
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


def _siblings(module: ModuleType) -> list[Path]:
    """The files of the modules in the same package that a module draws on, directly or not."""
    package = f"{module.__package__}."
    found: dict[str, ModuleType] = {}
    waiting = [module] if module.__package__ else []
    while waiting:
        for value in vars(waiting.pop()).values():
            name = value.__name__ if isinstance(value, ModuleType) else _home(value)
            if name.startswith(package) and name != module.__name__ and name not in found:
                found[name] = sys.modules[name]
                waiting.append(found[name])
    return [Path(str(found[name].__file__)) for name in sorted(found)]


def _home(value: object) -> str:
    home = getattr(value, "__module__", None)
    return home if isinstance(home, str) else ""


def _run(*command: str) -> str | None:
    quiet = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, env=quiet)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _checkout() -> dict[str, Any]:
    """Commit and dirty flag; None unless git tracks this very file (a wheel may lie in a venv
    inside somebody else's repository).
    """
    here = Path(__file__).resolve()
    git = ("git", "-C", str(here.parent))
    state = None
    if _run(*git, "ls-files", "--error-unmatch", here.name) is not None:
        state = _run(*git, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    if state is None:
        return {"commit": None, "dirty": None}
    return {"commit": state.removesuffix("-dirty"), "dirty": state.endswith("-dirty")}


def cpu() -> dict[str, Any]:
    """The processor's name (`cpu`) and its cores; what cannot be told is None."""
    text = _text("/proc/cpuinfo")
    model: str | None
    physical: int | None
    if text is not None:
        named = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
        model = named[1].strip() if named else None
        cores = re.findall(r"^(?:physical id|core id)\s*:\s*(\d+)$", text, re.MULTILINE)
        physical = len(set(zip(cores[::2], cores[1::2], strict=False))) or None
    else:
        model = _run("sysctl", "-n", "machdep.cpu.brand_string")
        counted = _run("sysctl", "-n", "hw.physicalcpu")
        physical = int(counted) if counted else None
    affinity = getattr(os, "sched_getaffinity", None)
    return {
        "cpu": model or platform.processor() or platform.machine(),
        "cores_physical": physical,
        "cores_logical": os.cpu_count(),
        "cores_available": len(affinity(0)) if affinity else os.cpu_count(),
        "cpu_quota": _cpu_quota(),
    }


def _cpu_quota() -> float | None:
    """How many cores' time a container may use (cgroup v2); None for no limit."""
    limit, _, period = (_text("/sys/fs/cgroup/cpu.max") or "max").partition(" ")
    return None if limit.strip() == "max" else int(limit) / int(period)


def _ram_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _container() -> str | None:
    if Path("/.dockerenv").exists():
        return "docker"
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        return "kubernetes"
    if Path("/run/.containerenv").exists():
        return "podman"
    return os.environ.get("container")  # noqa: SIM112 (systemd's and Flatpak's spelling)


def _accelerator(device: torch.device, cpu: str) -> dict[str, Any]:
    import torch

    facts: dict[str, Any] = {
        "device_name": cpu,
        "device_memory_bytes": None,
        "driver": None,
        "cuda": torch.version.cuda,
        "cudnn": None,
    }
    if device.type in ("cuda", "xpu"):
        properties = torch.get_device_module(device).get_device_properties(device)
        facts["device_name"] = properties.name
        facts["device_memory_bytes"] = properties.total_memory
    if device.type == "cuda":
        driver = _run("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader")
        facts["driver"] = driver.splitlines()[0] if driver else None
        facts["cudnn"] = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
    return facts


def _variables(names: tuple[str, ...]) -> dict[str, str]:
    return {name: os.environ[name] for name in names if name in os.environ}


def _text(path: str) -> str | None:
    try:
        return Path(path).read_text()
    except OSError:
        return None
