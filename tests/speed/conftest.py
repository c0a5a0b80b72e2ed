"""The reference workload beside every measurement, and what the numbers were measured on."""

import platform
import statistics
import time

import pytest
import torch

from bench.compare.worker import reference
from bench.contract import Precision
from bench.machine import environment
from bench.results.environment import fingerprint

CPU = torch.device("cpu")
SLACK = 2.5
"""A ratio may be so many times what it was when it was written: processors differ in what they
are good at. This suite finds what became several times slower; less is for `bench gate`."""


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def compared(benchmark):
    """Times a call, with the reference workload between any two rounds: load slows both alike.

    The ratio of the medians must be no more than `SLACK` times `usual`.
    """

    def run(call, usual, rounds=20, warmup=3):
        unit, beside = reference(CPU), []

        def setup():
            start = time.perf_counter()
            unit()
            beside.append(time.perf_counter() - start)

        benchmark.pedantic(call, setup=setup, rounds=rounds, warmup_rounds=warmup)
        ratio = benchmark.stats.stats.median / statistics.median(beside[warmup:])
        benchmark.extra_info |= {"reference_units": ratio, "usual": usual}
        assert ratio < SLACK * usual, f"{ratio:.2f} times the reference workload, usually {usual}"

    return run


def pytest_benchmark_update_machine_info(config, machine_info):
    torch.set_num_threads(1)
    captured = environment.capture(CPU, Precision(), 1)
    names = (
        *("torch", "torchvision", "threads", "interop_threads", "thread_variables", "tuning"),
        *("precision", "memory_format", "cpu_capability", "cores_available", "cpu_quota"),
        *("container", "load_average"),
    )
    machine_info |= {name: captured[name] for name in names}
    machine_info["fingerprint"] = fingerprint(captured)
    machine_info["processor_name"] = captured["cpu"] or platform.processor()


def pytest_benchmark_update_commit_info(config, commit_info):
    captured = environment.capture(CPU, Precision())
    commit_info |= {"bench": captured["bench"], "bench_commit": captured["commit"]}
    commit_info["bench_dirty"] = captured["dirty"]


def pytest_terminal_summary(terminalreporter, config):
    session = getattr(config, "_benchmarksession", None)
    timed = [bench for bench in session.benchmarks if "reference_units" in bench.extra_info]
    if timed:
        terminalreporter.section("times the reference workload (as usual)")
    for bench in timed:
        ratio, usual = (bench.extra_info[name] for name in ("reference_units", "usual"))
        terminalreporter.write_line(f"{bench.name:60} {ratio:8.2f} ({usual:g})")
