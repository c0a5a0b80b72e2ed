"""The hot paths, in units of the reference workload."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from helpers.checkout import tool

from bench.contract import Context, Precision
from bench.contract.phases import adapting, stylizing
from bench.errors import BenchError
from bench.plugins import registry
from bench.store import collect

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def loaded():
    return registry.load()


@pytest.fixture(scope="module")
def context(loaded):
    rng = np.random.default_rng(0)
    noise = ((f"noise_{n}", rng.integers(0, 256, (96, 96, 3), np.uint8)) for n in range(4))
    return Context(CPU, Precision(), collect(noise), loaded.encoder)


def method(context, name="metastyle", **options):
    torch.manual_seed(0)
    cls = registry.load().method(name)
    loaded = cls(context, cls.Options(**options))
    loaded.load()
    return loaded


@pytest.mark.parametrize(("inference", "usual"), [("plain", 1.6), ("fused", 0.6)])
def test_core_inference(compared, context, inference, usual):
    try:
        model = method(context, inference=inference)
    except BenchError as error:  # no compiler
        pytest.skip(str(error))
    content, style = torch.rand(2, 1, 3, 64, 64)
    next(adapting(model, style))
    compared(lambda: list(stylizing(model, content)), usual)


def test_adaptation_step(compared, context):
    model = method(context, inference="plain", batch=1, size=32, steps=1000)
    phase = adapting(model, torch.rand(1, 3, 64, 64))
    next(phase)
    compared(lambda: next(phase), 2.8, rounds=10)


def test_meta_training_step(compared):
    compared(tool("meta_step_speed")["step"](32, Precision()), 34.0, rounds=5, warmup=1)


@pytest.mark.parametrize(
    ("metric", "usual"),
    [("gram/1@vgg16-bsds", 11.0), ("ssim/1", 0.3), ("color/1", 1.3), ("grain/1", 1.0)],
)
def test_metric(compared, loaded, context, metric, usual):
    (scorer,) = loaded.metric(metric)
    scorer.load(context)

    def score():  # new pictures each time: features of the same ones are kept
        for _ in range(5):
            scorer.score(*torch.rand(3, 1, 3, 64, 64))

    compared(score, usual, rounds=10)


def test_registry_start_up(compared, monkeypatch):
    monkeypatch.setenv("BENCH_PLUGINS", "0")
    compared(registry.load, 1.3)


def test_help_start_up(compared):
    words = [sys.executable, "-m", "bench", "--help"]
    compared(lambda: subprocess.run(words, check=True, capture_output=True), 22.0, rounds=5)
