"""What tests of metrics share: contexts, and random weights in the layout of their files."""

import importlib

import pytest
import torch
from helpers.by_hand import ByHand
from helpers.scored import context_of
from torchvision.models import inception_v3

from bench import weights
from bench.contract import Weights
from bench.plugins import registry

fid = importlib.import_module("bench.metrics.fid")


@pytest.fixture
def by_hand():
    return context_of(lambda name: ByHand())


@pytest.fixture(scope="module")
def context():
    return context_of(registry.load().encoder)


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A function that puts a file into the user's folder and declares it to be the right one."""
    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path))

    def keep(owner, save, single=True):
        declared = owner.weights if single else owner.weights[0]
        path = tmp_path / declared.file
        path.parent.mkdir(parents=True, exist_ok=True)
        save(path)
        right = Weights(declared.file, weights.sha256(path), declared.source, declared.licence)
        monkeypatch.setattr(owner, "weights", right if single else (right,))
        return path

    return keep


@pytest.fixture(scope="module")
def state():
    """An Inception's state dict, its batch norms as if trained."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = inception_v3(weights=None, aux_logits=False, init_weights=False)
        for name, value in network.state_dict().items():
            if name.endswith("running_var"):
                value.uniform_(0.05, 0.2)
            elif name.endswith("running_mean"):
                value.normal_(0, 0.05)
    return network.state_dict()


@pytest.fixture
def hub(monkeypatch, state):
    """torch.hub's cache has the networks of this page, all with these weights."""
    for cls in (fid.FidInception, fid.ArtInception, fid.InceptionStart):
        monkeypatch.setattr(cls, "trained_state", lambda self: state)
