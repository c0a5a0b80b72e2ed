"""No step waits for the device, or exchanges with it what is not named here.

The tables are what each built-in method does. A step of a new method is to wait for nothing, to
bring over only the numbers of the crops that were drawn, and to be added where it cannot.
"""

import contextlib
import importlib

import numpy as np
import pytest
import torch
from helpers.tiny import TinyEncoder
from helpers.traffic import DEVICE, EIGH, MASK, TO_DEVICE, TO_HOST, VALUE, Traffic

from bench import store
from bench.contract import Context, Precision
from bench.contract.phases import adapting, loaded, stylizing
from bench.layers import upsampled_conv
from bench.losses import luminance
from bench.plugins import registry

_fitting = importlib.import_module("bench.methods._fitting")
REGISTRY = registry.load()
METHODS = REGISTRY.methods
ON_THE_HOST = {"magenta-cin", "magenta-ghiasi"}  # ONNX Runtime's and TFLite's networks
CROPS = {TO_DEVICE: 1}  # where the crops lie, from pinned memory

ADAPTING = dict.fromkeys(("johnson", "metastyle", "predict-adapt", "cin"), CROPS)
"""A step of an adaptation."""
BEGINNING = {"johnson": {TO_DEVICE: 63}, "wct": {EIGH: 4}}
# johnson: random weights, drawn on the host
"""An adaptation up to its first step; one that does not iterate, all of it."""
STYLIZING = {
    # the loss, and torch's L-BFGS: whether it is done, whether the curvature is good
    "gatys": {VALUE: 3},
    "wct": {EIGH: 4},
}
"""A picture; of a method that iterates, a step after the first."""
CONTENTS_AND_STYLES = {TO_DEVICE: 2}
TRAINING = {"cin": {TO_DEVICE: 3}}  # and which of its styles they are
"""A step of a training."""


pytestmark = [
    pytest.mark.filterwarnings("ignore:.*copying from a non-meta parameter"),
    pytest.mark.timeout(600),  # torch's meta operators are Python
]


@pytest.fixture(scope="module", autouse=True)
def _no_autocast():
    """Torch has none for `meta`; losses leave autocast, and nothing here enters it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "autocast", lambda *_, **__: contextlib.nullcontext())
        yield


@pytest.fixture(scope="module", autouse=True)
def _constants(_no_autocast):
    """What is brought over once in a process is there."""
    picture, kernel = (torch.ones(*shape, device=DEVICE) for shape in ((1, 3, 4, 4), (2, 3, 3, 3)))
    upsampled_conv(picture, kernel, None)
    luminance(picture)


def pictures(count, side=64):
    rng = np.random.default_rng(0)
    return store.collect(
        (f"p_{i}", rng.integers(0, 256, (side, side + 9, 3), dtype=np.uint8)) for i in range(count)
    )


@pytest.fixture
def context(monkeypatch):
    monkeypatch.setattr(store, "free_memory", lambda device: 2**30)
    photographs = pictures(3)
    photographs.place(DEVICE)
    return Context(
        DEVICE,
        Precision(),
        photographs,
        lambda name: TinyEncoder() if name == "tiny" else REGISTRY.encoder(name),
    )


def prepared(name, context):
    cls = METHODS[name]
    return loaded(cls, context, cls.Options(**{**cls.budgets.get("smoke", {})}))


def counted(call):
    with Traffic() as traffic:
        call()
    return dict(traffic.counts)


@pytest.mark.parametrize("name", sorted(set(METHODS) - ON_THE_HOST))
def test_adapting_and_stylizing_leave_the_device_to_itself(context, name):
    method, picture = prepared(name, context), torch.rand(1, 3, 64, 64, device=DEVICE)
    phase = adapting(method, picture)
    assert counted(lambda: next(phase)) == BEGINNING.get(name, {})
    if phase.iterates:
        assert counted(lambda: next(phase)) == ADAPTING.get(name, {})
    phase = stylizing(method, picture)
    if METHODS[name].family == "optimisation":
        counted(lambda: [next(phase), next(phase)])
    assert counted(lambda: next(phase)) == STYLIZING.get(name, {})


def test_a_step_that_is_launched_as_a_graph_has_its_crops_and_its_window_brought_over(context):
    method = prepared("metastyle", context)
    method.options = method.Options(steps=6, batch=1, size=48, stepping="graph")
    launched = []
    phase = _fitting.fit(
        method,
        method.network,
        torch.rand(1, 3, 64, 64, device=DEVICE),
        capture=lambda step, given: lambda: launched.append(len(given)),
    )
    for _ in range(5):  # ready, the first steps, the capture
        next(phase)
    assert counted(lambda: next(phase)) == {TO_DEVICE: 2}
    assert launched == [2, 2]


@pytest.mark.parametrize("name", sorted(n for n, method in METHODS.items() if method.training))
def test_a_step_of_training_leaves_the_device_to_itself(context, monkeypatch, name):
    training = METHODS[name].training
    small = {"size": 32, "style_size": 32, "styles": 1, "warm_steps": 1, "batch": 2}
    if name in ("cin", "ghiasi", "metanet", "metastyle"):  # the others need its levels
        small["encoder"] = "tiny"
    known = training.Options.__dataclass_fields__
    styles = pictures(2)
    styles.place(DEVICE)
    options = training.Options(**{key: value for key, value in small.items() if key in known})
    task = training(context, styles, options)
    assert counted(lambda: task.step(0)) == TRAINING.get(name, CONTENTS_AND_STYLES)
    if name == "metastyle":  # after the warm-up: the contents of the inner and of the outer step
        assert counted(lambda: task.step(1)) == {TO_DEVICE: 3}


@pytest.mark.parametrize("room", [True, False])
def test_pictures_without_room_on_the_device_come_crop_by_crop(monkeypatch, room):
    held = pictures(3)
    monkeypatch.setattr(store, "free_memory", lambda device: 2 * held.pixels.nbytes - (not room))
    held.place(DEVICE)
    assert counted(lambda: held.batch(8, 32, device=DEVICE)) == {TO_DEVICE: 1 + (not room)}


HIDDEN = {
    "item": (lambda x: x.sum().item(), VALUE),
    "float": (lambda x: float(x.sum()), VALUE),
    "if": (lambda x: 1 if x.isfinite().all() else 0, VALUE),
    "cpu": (lambda x: x.cpu(), TO_HOST),
    "to": (lambda x: x.to("cpu", torch.float64), TO_HOST),
    "copy to the host": (lambda x: torch.zeros(4).copy_(x), TO_HOST),
    "new tensor": (lambda x: x.new_tensor([1.0, 2.0]), TO_DEVICE),
    "copy": (lambda x: x.copy_(torch.zeros(4)), TO_DEVICE),
    "list as an index": (lambda x: x[[0, 2]], TO_DEVICE),
    "mask": (lambda x: x[x > 0], MASK),
    "print": (lambda x: f"{x.sum().detach().cpu()}", TO_HOST),
}


@pytest.mark.parametrize("what", HIDDEN)
def test_what_makes_the_host_wait_is_counted(what):
    call, name = HIDDEN[what]
    x = torch.ones(4, device=DEVICE)
    assert counted(lambda: call(x)) == {name: 1}


def test_work_on_the_device_alone_is_not_counted():
    x = torch.ones(2, 4, device=DEVICE, requires_grad=True)
    assert counted(lambda: torch.autograd.grad((x[:, 1:] @ x[0, 1:]).square().sum(), x)) == {}
