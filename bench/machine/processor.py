"""The processor and its cores, as the system tells."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path
from typing import Any


def output_of(*command: str) -> str | None:
    """What a command prints; None where it fails or is not there."""
    quiet = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, env=quiet)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def cpu() -> dict[str, Any]:
    """The processor's name (`cpu`) and its cores; what cannot be told is None."""
    text = text_of("/proc/cpuinfo")
    model: str | None
    physical: int | None
    if text is not None:
        named = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
        model = named[1].strip() if named else None
        cores = re.findall(r"^(?:physical id|core id)\s*:\s*(\d+)$", text, re.MULTILINE)
        physical = len(set(zip(cores[::2], cores[1::2], strict=False))) or None
    else:
        model = output_of("sysctl", "-n", "machdep.cpu.brand_string")
        counted = output_of("sysctl", "-n", "hw.physicalcpu")
        physical = int(counted) if counted else None
    affinity = getattr(os, "sched_getaffinity", None)
    return {
        "cpu": model or platform.processor() or platform.machine(),
        "cores_physical": physical,
        "cores_logical": os.cpu_count(),
        "cores_available": len(affinity(0)) if affinity else os.cpu_count(),
        "cpu_quota": cpu_quota(),
    }


def cpu_quota() -> float | None:
    """How many cores' time a container may use (cgroup v2); None for no limit."""
    limit, _, period = (text_of("/sys/fs/cgroup/cpu.max") or "max").partition(" ")
    return None if limit.strip() == "max" else int(limit) / int(period)


def text_of(path: str) -> str | None:
    """A file's text; None where it cannot be read."""
    try:
        return Path(path).read_text()
    except OSError:
        return None
