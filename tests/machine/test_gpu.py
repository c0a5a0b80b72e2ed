"""What an NVIDIA driver tells, by a driver and an nvidia-smi that are not there."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from bench.machine import gpu
from bench.machine.gpu import STATE, Gpu

VALUES = {
    "nvmlDeviceGetClockInfo": 1410,
    "nvmlDeviceGetMaxClockInfo": 1980,
    "nvmlDeviceGetTemperature": 61,
    "nvmlDeviceGetPowerUsage": 350_250,
    "nvmlDeviceGetEnforcedPowerLimit": 700_000,
    "nvmlDeviceGetCurrentClocksEventReasons": 0x4 | 0x20 | 0x1,
    "nvmlDeviceGetEccMode": [1, 1],
    "nvmlDeviceGetMigMode": [0, 0],
    "nvmlDeviceGetPersistenceMode": 1,
    "nvmlDeviceGetMemoryInfo": SimpleNamespace(used=3 << 30),
    "nvmlDeviceGetTotalEnergyConsumption": 12_500,
    "nvmlDeviceGetComputeRunningProcesses": [
        SimpleNamespace(pid=os.getpid()),
        SimpleNamespace(pid=-1),
    ],
}


@pytest.fixture
def driver(monkeypatch):
    """A function that installs a driver with these answers; an absent one raises."""

    def install(answers):
        def handle(by):
            return lambda which: f"{by} {which}"

        library = SimpleNamespace(
            NVML_CLOCK_SM=1,
            nvmlInit=lambda: None,
            nvmlDeviceGetHandleByIndex=handle("index"),
            nvmlDeviceGetHandleByUUID=handle("uuid"),
            **{name: lambda *_, value=value: value for name, value in answers.items()},
        )
        monkeypatch.setitem(sys.modules, "pynvml", library)

    return install


@pytest.fixture
def smi(monkeypatch):
    """A function that puts an nvidia-smi in place, and the list of what it was asked."""
    asked = []

    def install(answer):
        def run(words, **_):
            asked.append(words[1:])
            text = answer(words)
            return SimpleNamespace(returncode=int(text is None), stdout=text or "")

        monkeypatch.setattr(subprocess, "run", run)
        return asked

    return install


def test_what_nvml_tells(driver):
    driver(VALUES)
    card = Gpu("abc")
    assert card.handle == "uuid GPU-abc"
    assert card.joules() == 12.5
    assert card.state() == {
        "source": "nvml", "megahertz": 1410, "megahertz_most": 1980, "celsius": 61,
        "watts": 350.25, "watts_limit": 700.0, "reasons": 0x25, "slowed": ["power cap", "heat"],
        "ecc": True, "mig": False, "persistence": True, "processes": 1,
        "memory_used_bytes": 3 << 30,
    }  # fmt: skip


def test_what_a_card_or_a_driver_does_not_tell_is_none(driver):
    """Older drivers have the reasons under another name; MIG and energy are not on every card."""
    driver({"nvmlDeviceGetCurrentClocksThrottleReasons": 0, "nvmlDeviceGetTemperature": 40})
    card = Gpu()
    assert card.handle == "index 0"
    assert card.joules() is None
    state = card.state()
    assert (state["celsius"], state["reasons"], state["slowed"]) == (40, 0, [])
    assert [state[name] for name in ("ecc", "mig", "watts", "processes")] == [None] * 4


def test_nvidia_smi_stands_in(monkeypatch, smi):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    answer = "1980, 1980, 55, 301.5, 700.00, 0x0000000000000080, Enabled, [N/A], Disabled\n"
    asked = smi(lambda words: "11\n12\n" if any("compute" in word for word in words) else answer)
    card = Gpu("abc")
    state = card.state()
    assert asked[0][:1] == ("--id=GPU-abc",)
    assert state["source"] == "nvidia-smi"
    assert state["slowed"] == ["power brake"]
    assert (state["watts"], state["ecc"], state["mig"], state["persistence"]) == (
        301.5, True, None, False,
    )  # fmt: skip
    assert state["processes"] == 2
    assert card.joules() is None


def test_without_a_driver_nothing_is_told(monkeypatch, smi):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    smi(lambda words: None)
    card = Gpu()
    assert card.state() == {"source": None, **dict.fromkeys(STATE)}
    assert card.joules() is None


@pytest.mark.parametrize(
    ("pids", "others"), [([], 0), ([7], 0), ([7, 8], 2), ([os.getpid(), 8], 1)]
)
def test_other_processes_on_the_card(pids, others):
    """One alone is this one: in a container the driver knows it by another number."""
    assert gpu.others(pids) == others
