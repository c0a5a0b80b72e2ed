"""What a number was measured on: captured once per run, kept with every result.

Torch is imported inside `capture` only, so that reports can describe environments without it.
"""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bench
from bench.machine.allocator import keeps_freed_memory
from bench.machine.openmp import THREADS
from bench.machine.processor import cpu, output_of

if TYPE_CHECKING:
    import torch

    from bench.contract import Precision

_TUNING = (
    "ATEN_CPU_CAPABILITY",
    "GOMP_CPU_AFFINITY",
    "GOMP_SPINCOUNT",
    "KMP_AFFINITY",
    "KMP_BLOCKTIME",
    "LD_PRELOAD",
    "OMP_PLACES",
    "OMP_PROC_BIND",
    "OMP_WAIT_POLICY",
    "ONEDNN_MAX_CPU_ISA",
    "PYTORCH_ALLOC_CONF",
    "PYTORCH_CUDA_ALLOC_CONF",
)


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

    from bench.machine.threads import reason

    processor = cpu()
    return {
        "bench": bench.__version__,
        **checkout(),
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
        "threads_reason": reason(),
        "interop_threads": torch.get_num_interop_threads(),
        "thread_variables": _variables(THREADS),
        "tuning": _variables(_TUNING) | ({"freed memory": "kept"} if keeps_freed_memory() else {}),
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


def checkout() -> dict[str, Any]:
    """Commit and dirty flag; None unless git tracks this very file (a wheel may lie in a venv
    inside somebody else's repository).
    """
    here = Path(__file__).resolve()
    git = ("git", "-C", str(here.parent))
    state = None
    if output_of(*git, "ls-files", "--error-unmatch", here.name) is not None:
        state = output_of(*git, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    if state is None:
        return {"commit": None, "dirty": None}
    return {"commit": state.removesuffix("-dirty"), "dirty": state.endswith("-dirty")}


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


def uuid(device: torch.device) -> str | None:
    """What NVML knows a CUDA device by; None for others, and where torch does not tell."""
    import torch

    if device.type != "cuda":
        return None
    uuid = getattr(torch.cuda.get_device_properties(device), "uuid", None)
    return None if uuid is None else str(uuid)


def device_name(device: torch.device) -> str:
    """What the device calls itself: the card, or the processor; its type where none is known."""
    name = _accelerator(device, cpu()["cpu"])["device_name"]
    return str(name or device.type)


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
        driver = output_of("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader")
        facts["driver"] = driver.splitlines()[0] if driver else None
        facts["cudnn"] = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
    return facts


def _variables(names: tuple[str, ...]) -> dict[str, str]:
    return {name: os.environ[name] for name in names if name in os.environ}
