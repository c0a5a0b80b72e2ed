"""What only a real device can show; `pytest -m gpu`."""

import math

import numpy as np
import pytest
import torch

from bench import store
from bench.contract import Context, Precision
from bench.contract.phases import adapting, loaded, stylize
from bench.machine.device import CANDIDATES
from bench.plugins import registry

pytestmark = pytest.mark.gpu
CUDA, CPU = torch.device("cuda", 0), torch.device("cpu")
FEED_FORWARD = ("adain", "avatar-net", "cin", "ghiasi", "johnson", "metanet", "metastyle")


def pictures(count=4, side=96):
    rng = np.random.default_rng(0)
    return store.collect(
        (f"p_{i}", rng.integers(0, 256, (side, side + 9, 3), dtype=np.uint8)) for i in range(count)
    )


def prepared(name, device, precision=CANDIDATES[0], place=True):
    photographs = pictures()
    if place:
        photographs.place(device)
    context = Context(device, precision, photographs, registry.load().encoder)
    cls = registry.load().method(name)
    torch.manual_seed(0)
    return loaded(cls, context, cls.Options(**cls.budgets.get("smoke", {})))


@pytest.fixture
def no_waiting():
    """Torch raises where an operation makes the host wait."""
    yield lambda: torch.cuda.set_sync_debug_mode("error")
    torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("place", [True, False])
def test_crops_are_those_of_the_host(place):
    held = pictures()
    if place:
        held.place(CUDA)
    assert bool(held.resident) == place
    made_there, made_here = (
        held.batch(16, 48, torch.Generator().manual_seed(1), device=device)
        for device in (CUDA, CPU)
    )
    torch.testing.assert_close(made_there.cpu(), made_here, atol=2e-3, rtol=0)  # in TF32 too


@pytest.mark.parametrize("place", [True, False])
@pytest.mark.parametrize("name", ["metastyle", "johnson", "cin"])
def test_a_step_of_adaptation_waits_for_nothing(name, place, no_waiting):
    method = prepared(name, CUDA, place=place)
    phase = adapting(method, torch.rand(1, 3, 64, 64, device=CUDA))
    next(phase)
    next(phase)
    no_waiting()
    next(phase)


@pytest.mark.parametrize("name", ["metastyle", "johnson", "cin"])
def test_an_adaptation_by_graphs_comes_to_the_same_picture(name, no_waiting):
    cls, results = registry.load().method(name), []
    for stepping in ("plain", "graph"):
        photographs = pictures()
        photographs.place(CUDA)
        context = Context(CUDA, CANDIDATES[0], photographs, registry.load().encoder)
        small = {"steps": 10, "batch": 2, "size": 64, "stepping": stepping}
        torch.manual_seed(0)
        method = loaded(cls, context, cls.Options(**small))
        generator = torch.Generator().manual_seed(2)
        style, content = (torch.rand(1, 3, 64, 64, generator=generator) for _ in range(2))
        for step in adapting(method, style.to(CUDA)):
            if step == 8:  # captured by then
                no_waiting()
        torch.cuda.set_sync_debug_mode("default")
        results.append(stylize(method, content.to(CUDA)).cpu())
    assert method.launched == "graph"
    error = (results[0] - results[1]).square().mean().item()
    assert -10 * math.log10(max(error, 1e-12)) > 40


@pytest.mark.parametrize("name", FEED_FORWARD)
def test_a_picture_waits_for_nothing(name, no_waiting):
    method = prepared(name, CUDA)
    list(adapting(method, torch.rand(1, 3, 64, 64, device=CUDA)))
    content = torch.rand(2, 3, 64, 64, device=CUDA)
    stylize(method, content)
    no_waiting()
    stylize(method, content)


@pytest.mark.parametrize("name", [n for n, m in registry.load().methods.items() if m.training])
def test_a_step_of_training_waits_for_nothing(name, no_waiting):
    held = pictures()
    held.place(CUDA)
    task = registry.load().method(name).training
    small = {"size": 32, "style_size": 32, "styles": 2, "warm_steps": 1, "batch": 2}
    known = task.Options.__dataclass_fields__
    options = task.Options(**{key: value for key, value in small.items() if key in known})
    training = task(Context(CUDA, CANDIDATES[1], held, registry.load().encoder), held, options)
    for index in range(4):
        training.step(index)
    if name == "wct":
        pytest.skip("torch looks whether a decomposition has worked")
    no_waiting()
    training.step(4)


@pytest.mark.parametrize("precision", CANDIDATES, ids=lambda p: p.label)
@pytest.mark.parametrize("name", FEED_FORWARD)
def test_pictures_are_those_of_the_cpu(name, precision):
    results = []
    for device, arithmetic in ((CPU, Precision()), (CUDA, precision)):
        method = prepared(name, device, arithmetic)
        generator = torch.Generator().manual_seed(2)
        style, content = (torch.rand(1, 3, 64, 64, generator=generator) for _ in range(2))
        next(adapting(method, arithmetic.layout(style.to(device))))
        results.append(stylize(method, arithmetic.layout(content.to(device))).float().cpu())
    error = (results[0] - results[1]).square().mean().item()
    assert -10 * math.log10(max(error, 1e-12)) > (25 if precision.dtype == "bfloat16" else 40)
