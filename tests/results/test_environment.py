"""What makes timings comparable, and a machine in one line."""

from dataclasses import replace

from helpers.synthetic_run import MACHINE

from bench.results import Environment
from bench.results.environment import FINGERPRINT_KEYS, describe, fingerprint


def test_what_changes_timings_changes_the_fingerprint_and_nothing_else_does():
    machine = dict.fromkeys(FINGERPRINT_KEYS, "x")
    own = fingerprint(machine)
    assert len(own) == 12
    assert fingerprint({**machine, "load": 3, "commit": "abc"}) == own
    assert all(fingerprint({**machine, key: "y"}) != own for key in FINGERPRINT_KEYS)


def test_a_cpu_has_its_threads_and_a_gpu_its_driver():
    cpu = Environment.of(MACHINE)
    assert describe(cpu).startswith("Abacus · 4 cores, 2 threads · float32/contiguous · ")
    gpu = replace(cpu, device_type="cuda", driver="570.1", cuda="12.8", tf32={"conv": "tf32"})
    words = describe(gpu).split(" · ")
    assert words[:3] == ["Abacus", "CUDA 12.8", "driver 570.1"]
    assert "TF32" in words
