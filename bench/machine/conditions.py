"""What else the machine did while it was measured: other processes, steal, throttling, clocks.

Numbers come from the kernel's own counters, before and after; what a system does not tell is None.
No torch here.
"""

from __future__ import annotations

import itertools
import math
import os
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypedDict

from bench.machine.gpu import Gpu

ROOT = Path("/")

MOST = {"waited": 0.02, "others": 0.10, "steal": 0.01, "aa_noise": 0.05}
"""Shares from which on timings are called noisy."""


class Conditions(TypedDict):
    """What the machine did while something was timed."""

    noisy: list[str]  # why the timings are not to be trusted; empty when they are
    facts: dict[str, Any]


class Watch:
    """Watches from when it is made until `end`; `gpu` is the one that it watches.

    Args:
        device_type: `cuda` has the GPU's state recorded too.
        root: where `proc` and `sys` are.
        uuid: of the GPU, see `bench.machine.gpu.Gpu`.
    """

    def __init__(
        self, device_type: str = "cpu", root: Path = ROOT, uuid: str | None = None
    ) -> None:
        self._root = root
        self.gpu = Gpu(uuid) if device_type == "cuda" else None
        self._joules = self.gpu.joules() if self.gpu else None
        self._before = _counters(root)

    def end(self, aa_noise: float | None = None) -> Conditions:
        """What happened.

        Args:
            aa_noise: of the A/A control, a share; None where there was none.

        Returns:
            `noisy` has a reason for every limit of `MOST` that was passed, and for any
            throttling. `facts` has `waited`, the share of the time that this thread was kept
            waiting for a core; `others` and `steal`, the shares of all cores' time that went to
            other processes (None where only some of the host's cores may be used) and to other
            machines; `throttled`, how often a limit on the
            container's time stopped it; `thermal`, how often a core was too hot; `megahertz`, the
            lowest and the highest clock of a core; `load_average` over a minute; `clock_ns`, see
            `clock_noise`; `aa_noise`; and `gpu`, its state at the end (`bench.machine.gpu.STATE`)
            and the `joules` that it took meanwhile.
        """
        facts = _difference(self._before, _counters(self._root))
        facts |= {
            "megahertz": _megahertz(self._root),
            "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
            "clock_ns": clock_noise(),
            "aa_noise": aa_noise if aa_noise is not None and math.isfinite(aa_noise) else None,
            "gpu": self._gpu_now(),
        }
        return {"noisy": _reasons(facts), "facts": facts}

    def _gpu_now(self) -> dict[str, Any] | None:
        if self.gpu is None or self.gpu.source is None:
            return None
        joules = self.gpu.joules()
        taken = None if joules is None or self._joules is None else joules - self._joules
        return {**self.gpu.state(), "joules": taken}


def clock_noise(
    clock: Callable[[], int] = time.perf_counter_ns, reads: int = 2000
) -> dict[str, int]:
    """Nanoseconds between two readings of the clock: the median, and the 99th of a hundred."""
    stamps = [clock() for _ in range(reads)]
    gaps = sorted(later - earlier for earlier, later in itertools.pairwise(stamps))
    return {"median": gaps[len(gaps) // 2], "p99": gaps[len(gaps) * 99 // 100]}


def _counters(root: Path) -> dict[str, float | None]:
    """Ever growing numbers; times in the kernel's ticks."""
    found: dict[str, float | None] = dict.fromkeys(
        ("total", "idle", "steal", "throttled", "thermal")
    )
    fields = re.match(r"cpu +(.+)", _text(root / "proc/stat"))
    if fields:  # proc(5): user nice system idle iowait irq softirq steal, then parts of these
        ticks = [int(field) for field in fields[1].split()[:8]]
        found |= {"total": sum(ticks), "idle": ticks[3] + ticks[4], "steal": ticks[7]}
    times = os.times()
    own = times.user + times.system + times.children_user + times.children_system
    waited = _text(root / "proc/thread-self/schedstat").split()
    found |= {"clock": time.monotonic(), "waited": 1e-9 * int(waited[1]) if waited else None}
    found["own"] = own * (os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100)
    throttled = re.search(r"nr_throttled (\d+)", _text(root / "sys/fs/cgroup/cpu.stat"))
    if throttled:
        found["throttled"] = int(throttled[1])
    counts = [
        _text(file)
        for file in (root / "sys/devices/system/cpu").glob("cpu*/thermal_throttle/*_count")
    ]
    if counts:
        found["thermal"] = sum(int(count) for count in counts if count.strip().isdigit())
    return found


def _difference(
    before: Mapping[str, float | None], after: Mapping[str, float | None]
) -> dict[str, Any]:
    grown = {
        name: None if start is None or end is None else end - start
        for (name, start), end in zip(before.items(), after.values(), strict=True)
    }
    facts: dict[str, Any] = dict.fromkeys(("waited", "others", "steal"))
    if grown["clock"] and grown["waited"] is not None:
        facts["waited"] = round(grown["waited"] / grown["clock"], 4)
    total, idle, steal, own = (grown[name] for name in ("total", "idle", "steal", "own"))
    if total and idle is not None and steal is not None and own is not None:
        if not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) == os.cpu_count():
            facts["others"] = round(max(0.0, (total - idle - steal - own) / total), 4)
        facts["steal"] = round(steal / total, 4)
    return facts | {name: grown[name] for name in ("throttled", "thermal")}


def _megahertz(root: Path) -> list[float] | None:
    found = [
        float(clock)
        for clock in re.findall(r"^cpu MHz\s*: ([\d.]+)", _text(root / "proc/cpuinfo"), re.M)
    ]
    return [min(found), max(found)] if found else None


def _reasons(facts: Mapping[str, Any]) -> list[str]:
    texts = {
        "waited": "it waited for a core {:.0%} of the time",
        "others": "other processes took {:.0%} of the cores' time",
        "steal": "other machines on this host took {:.1%} of the cores' time",
        "aa_noise": "the A/A control differs by up to {:.1%}",
    }
    reasons = [
        text.format(facts[name])
        for name, text in texts.items()
        if facts[name] is not None and facts[name] > MOST[name]
    ]
    if facts["throttled"]:
        reasons.append(f"a limit on processor time stopped it {facts['throttled']} times")
    if facts["thermal"]:
        reasons.append(f"cores were too hot {facts['thermal']} times")
    gpu = facts["gpu"] or {}
    if gpu.get("slowed"):
        reasons.append(f"the GPU was slowed down by {', '.join(gpu['slowed'])}")
    if gpu.get("processes"):
        reasons.append(f"{gpu['processes']} other processes used the GPU")
    return reasons


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
