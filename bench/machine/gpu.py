"""An NVIDIA GPU as its driver tells of it: clocks, power, energy, memory, and who else uses it.

The library `nvidia-ml-py` is read where it is installed; nvidia-smi, which has no energy and no
memory of its own to give, stands in for it. What a card or a driver does not tell is None. No torch
here.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import subprocess
from collections.abc import Callable
from typing import Any

SLOWED = {
    0x4: "power cap",
    0x8: "hardware slow-down",
    0x20: "heat",
    0x40: "heat, by the hardware",
    0x80: "power brake",
}
"""Bits of NVML's clock event reasons, and what slowed the GPU down."""

STATE = (
    "megahertz", "megahertz_most", "celsius", "watts", "watts_limit", "reasons", "slowed", "ecc",
    "mig", "persistence", "processes", "memory_used_bytes",
)  # fmt: skip
"""What `Gpu.state` has."""


class Gpu:
    """One GPU.

    Args:
        uuid: as torch has it, without `GPU-`; None for the first one.
    """

    def __init__(self, uuid: str | None = None) -> None:
        self._uuid = uuid
        self._library: Any = None
        self.handle: Any = None
        with contextlib.suppress(Exception):  # not installed, or no driver
            library = importlib.import_module("pynvml")
            library.nvmlInit()
            self.handle = (
                library.nvmlDeviceGetHandleByIndex(0)
                if uuid is None
                else library.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}")
            )
            self._library = library

    @property
    def source(self) -> str | None:
        """Who tells: `nvml`, `nvidia-smi`, or nobody."""
        if self._library is not None:
            return "nvml"
        return "nvidia-smi" if _smi("-L") is not None else None

    def state(self) -> dict[str, Any]:
        """How it is now: each of `STATE`, and the `source`.

        `reasons` are the raw bits of what holds its clock back and `slowed` those of `SLOWED` in
        words; `processes` counts others than this one; an `ecc` or `mig` is on or off.
        """
        found = self._nvml() if self._library is not None else self._by_smi()
        reasons = found.get("reasons")
        found["slowed"] = (
            None if reasons is None else [what for bit, what in SLOWED.items() if reasons & bit]
        )
        return {"source": self.source, **{name: found.get(name) for name in STATE}}

    def joules(self) -> float | None:
        """Energy since the driver was loaded; None before Volta, and without NVML."""
        millijoules = self._ask("nvmlDeviceGetTotalEnergyConsumption")
        return None if millijoules is None else 1e-3 * millijoules

    def megahertz(self) -> float | None:
        """The clock of its processors now; None without NVML: nvidia-smi takes too long."""
        read = self._ask("nvmlDeviceGetClockInfo", getattr(self._library, "NVML_CLOCK_SM", 1))
        return None if read is None else float(read)

    def memory_used(self) -> int | None:
        """Bytes in use on the whole card, whoever uses them; None without NVML."""
        memory = self._ask("nvmlDeviceGetMemoryInfo")
        return None if memory is None else int(memory.used)

    def _ask(self, function: str, *arguments: Any) -> Any:
        try:
            return getattr(self._library, function)(self.handle, *arguments)
        except Exception:  # not on this card, not by this driver, or not allowed
            return None

    def _nvml(self) -> dict[str, Any]:
        ask, library = self._ask, self._library
        sm = getattr(library, "NVML_CLOCK_SM", 1)
        reasons = ask("nvmlDeviceGetCurrentClocksEventReasons")
        if reasons is None:
            reasons = ask("nvmlDeviceGetCurrentClocksThrottleReasons")  # its name before
        ecc, mig = ask("nvmlDeviceGetEccMode"), ask("nvmlDeviceGetMigMode")
        watts, limit = ask("nvmlDeviceGetPowerUsage"), ask("nvmlDeviceGetEnforcedPowerLimit")
        persistence = ask("nvmlDeviceGetPersistenceMode")
        users = ask("nvmlDeviceGetComputeRunningProcesses")
        return {
            "megahertz": ask("nvmlDeviceGetClockInfo", sm),
            "megahertz_most": ask("nvmlDeviceGetMaxClockInfo", sm),
            "celsius": ask("nvmlDeviceGetTemperature", 0),
            "watts": None if watts is None else watts / 1000,
            "watts_limit": None if limit is None else limit / 1000,
            "reasons": reasons,
            "ecc": None if ecc is None else bool(ecc[0]),
            "mig": None if mig is None else bool(mig[0]),
            "persistence": None if persistence is None else bool(persistence),
            "processes": None if users is None else others([user.pid for user in users]),
            "memory_used_bytes": self.memory_used(),
        }

    def _by_smi(self) -> dict[str, Any]:
        fields: dict[str, tuple[str, Callable[[str], Any]]] = {
            "megahertz": ("clocks.sm", int),
            "megahertz_most": ("clocks.max.sm", int),
            "celsius": ("temperature.gpu", int),
            "watts": ("power.draw", float),
            "watts_limit": ("enforced.power.limit", float),
            "reasons": ("clocks_event_reasons.active", lambda text: int(text, 16)),
            "ecc": ("ecc.mode.current", _switch),
            "mig": ("mig.mode.current", _switch),
            "persistence": ("persistence_mode", _switch),
        }
        which = [] if self._uuid is None else [f"--id=GPU-{self._uuid}"]
        query = ",".join(field for field, _ in fields.values())
        state = _smi(*which, f"--query-gpu={query}", "--format=csv,noheader,nounits")
        found: dict[str, Any] = {}
        if state is not None:
            texts = state.splitlines()[0].split(",")
            for (name, (_, read)), text in zip(fields.items(), texts, strict=False):
                with contextlib.suppress(ValueError):  # [N/A], [Not Supported]
                    found[name] = read(text.strip())
        users = _smi(*which, "--query-compute-apps=pid", "--format=csv,noheader")
        if state is not None:
            found["processes"] = others([int(p) for p in (users or "").split() if p.isdigit()])
        return found


def others(pids: list[int]) -> int:
    """How many of the processes are not this one; in a container its own may have another id."""
    return len(pids) - 1 if os.getpid() in pids or len(pids) == 1 else len(pids)


def _switch(text: str) -> bool:
    if text not in ("Enabled", "Disabled"):
        raise ValueError(text)
    return text == "Enabled"


def _smi(*words: str) -> str | None:
    try:
        done = subprocess.run(("nvidia-smi", *words), capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
