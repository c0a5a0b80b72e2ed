"""The training loop: budgets, resuming, saving, stopping."""

import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from bench.contract import Context, Precision, Task
from bench.errors import BenchError, StorageError
from bench.options import option
from bench.store import collect
from bench.training import Budget, train
from bench.weights import metadata, read


@dataclass(frozen=True)
class WalkOptions:
    """A random walk's."""

    pace: float = option(1.0, "length of a step")


class Walk(Task):
    """A random walk: its place depends on every random number since the start."""

    Options = WalkOptions

    def __init__(self, *args):
        super().__init__(*args)
        self.place = torch.zeros(2)
        self.seen = []

    def step(self, index):
        self.seen.append(index)
        self.place = self.place + self.options.pace * torch.randn(2)
        return {"loss": float(self.place.square().sum())}

    def state(self):
        return {"place": self.place}

    def restore(self, state):
        self.place = state["place"]

    def export(self):
        return {"place": self.place}


@pytest.fixture
def task():
    store = collect([("a", np.zeros((32, 32, 3), np.uint8))])

    def make():
        def none(name):
            raise AssertionError(name)

        return Walk(Context(torch.device("cpu"), Precision(), store, none), store, WalkOptions())

    return make


def test_a_resumed_training_is_the_uninterrupted_one(task, tmp_path):
    whole, parts = tmp_path / "whole.safetensors", tmp_path / "parts.safetensors"
    torch.manual_seed(3)
    train(task(), whole, Budget(steps=60), {}, quiet=True)
    torch.manual_seed(3)
    train(task(), parts, Budget(steps=23), {}, quiet=True)
    torch.randn(5)  # whatever happens in between
    second = task()
    progress = train(second, parts, Budget(steps=60), {}, resume=True, quiet=True)
    assert second.seen == list(range(23, 60))
    assert progress.step == 60
    assert torch.equal(read(whole)["place"], read(parts)["place"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_finishes_the_step_and_saves(task, tmp_path, number):
    before = signal.getsignal(number)
    walk = task()
    step = walk.step

    def stop_at_five(index):
        if index == 5:
            os.kill(os.getpid(), number)
        return step(index)

    walk.step = stop_at_five
    out = tmp_path / "w.safetensors"
    progress = train(walk, out, Budget(steps=100), {}, quiet=True)
    assert progress.step == 6
    assert torch.allclose(read(out)["place"], walk.place, atol=2e-3)
    assert progress.interrupted == number
    assert signal.getsignal(number) is before


def test_of_two_trainings_into_one_file_one_works_and_one_is_told(task, tmp_path):
    first, second = task(), task()
    step = first.step
    seen = []

    def meanwhile(index):
        if index == 1:
            with pytest.raises(
                BenchError, match=r"another process trains .*w\.safetensors"
            ) as error:
                train(second, tmp_path / "w.safetensors", Budget(steps=3), {}, quiet=True)
            seen.append(error)
        return step(index)

    first.step = meanwhile
    train(first, tmp_path / "w.safetensors", Budget(steps=3), {}, quiet=True)
    assert seen
    assert second.seen == []
    assert torch.allclose(read(tmp_path / "w.safetensors")["place"], first.place, atol=2e-3)


def test_a_full_disk_keeps_what_was_saved_before(task, tmp_path, monkeypatch):
    out = tmp_path / "w.safetensors"
    train(task(), out, Budget(steps=3), {}, quiet=True)
    before = {p: p.read_bytes() for p in tmp_path.iterdir() if p.suffix in (".state", ".md")}

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match=r"w\.state cannot be written"):
            train(task(), out, Budget(steps=6), {}, resume=True, quiet=True)
    assert {p: p.read_bytes() for p in before} == before
    assert not list(tmp_path.glob(".*.part*"))
    assert train(task(), out, Budget(steps=6), {}, resume=True, quiet=True).step == 6


def test_the_time_budget_counts_resumed_parts(task, tmp_path):
    out = tmp_path / "w.safetensors"
    first = train(task(), out, Budget(minutes=0.002), {}, quiet=True)
    again = train(task(), out, Budget(minutes=0.002), {}, resume=True, quiet=True)
    assert first.seconds >= 0.12
    assert again.step == first.step


def test_an_unfinished_training_is_not_overwritten(task, tmp_path):
    out = tmp_path / "w.safetensors"
    train(task(), out, Budget(steps=1), {}, quiet=True)
    with pytest.raises(BenchError, match=r"w\.state holds an unfinished training: add --resume"):
        train(task(), out, Budget(steps=1), {}, quiet=True)


def test_what_torchrun_starts_anew_goes_on_without_being_asked(task, tmp_path, monkeypatch):
    out = tmp_path / "w.safetensors"
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")  # lost before it had stored anything
    first = train(task(), out, Budget(steps=2), {"command": "first"}, quiet=True)
    assert [part["step"] for part in first.parts] == [0]
    parts = train(task(), out, Budget(steps=5), {"command": "again"}, quiet=True).parts
    assert [part["step"] for part in parts] == [0, 2]


def test_the_card_tells_the_parts_of_a_resumed_training_apart(task, tmp_path):
    out = tmp_path / "w.safetensors"
    train(task(), out, Budget(steps=5), {"command": "first"}, quiet=True)
    second = task()
    second.options = WalkOptions(pace=2.0)
    progress = train(second, out, Budget(steps=9), {"command": "then"}, resume=True, quiet=True)
    assert [part["step"] for part in progress.parts] == [0, 5]
    card = out.with_suffix(".md").read_text()
    assert '- from step 0:\n  - options: `{"pace": 1.0}`\n  - command: first\n' in card
    assert '- from step 5:\n  - options: `{"pace": 2.0}`\n  - command: then\n' in card
    assert metadata(out)["options"] == '{"pace": 2.0}'


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_ends_the_training(task, tmp_path, value):
    walk = task()
    walk.step = lambda index: {"loss": value}
    with pytest.raises(BenchError, match="diverged at step 1"):
        train(walk, tmp_path / "w.safetensors", Budget(steps=9), {}, quiet=True)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "there is no"),
        (b"rubbish", "cannot be gone on with"),
        (b"", "cannot be gone on with"),
        ({}, r"cannot be gone on with \(KeyError: 'task'\)"),
    ],
)
def test_resuming_without_a_good_state_is_refused(task, tmp_path, content, says):
    out = tmp_path / "w.safetensors"
    if isinstance(content, bytes):
        out.with_suffix(".state").write_bytes(content)
    elif content is not None:
        torch.save(content, out.with_suffix(".state"))
    with pytest.raises(BenchError, match=says):
        train(task(), out, Budget(steps=1), {}, resume=True, quiet=True)


def test_divergence_is_named_and_does_not_overwrite_good_weights(task, tmp_path):
    out = tmp_path / "w.safetensors"
    train(task(), out, Budget(steps=2), {}, quiet=True)
    good = out.read_bytes()
    walk = task()
    walk.step = lambda index: {"loss": float("nan")}
    with pytest.raises(BenchError, match="diverged at step 3"):
        train(walk, out, Budget(steps=9), {}, resume=True, quiet=True)
    assert out.read_bytes() == good


def test_means_are_over_the_steps_that_gave_a_number(task, tmp_path):
    walk = task()
    walk.step = lambda index: {"late": 6.0} if index >= 20 else {"early": float(index)}
    progress = train(walk, tmp_path / "w.safetensors", Budget(steps=25), {}, quiet=True)
    (row,) = progress.history
    assert (row["early"], row["late"]) == (9.5, 6.0)


def test_a_training_needs_an_end(task, tmp_path):
    with pytest.raises(BenchError, match="--minutes or --steps"):
        train(task(), tmp_path / "w.safetensors", Budget(), {}, quiet=True)


def test_the_model_card_says_how_it_was_made(task, tmp_path):
    out = tmp_path / "walk.safetensors"
    train(task(), out, Budget(steps=50), {"command": "`bench train walk`"}, quiet=True)
    card = out.with_suffix(".md").read_text()
    assert card.startswith("# walk\n")
    assert "  - command: `bench train walk`" in card
    assert "- steps: 50;" in card
    assert '`{"pace": 1.0}`' in card
    assert "| step | loss |" in card
    assert "\n| 25 | " in card
    assert "\n| 50 | " in card


def test_two_processes_average_their_gradients_and_the_first_one_writes(tmp_path):
    """torchrun on the CPU: a task whose gradient is the process's own draw."""
    script = tmp_path / "walk.py"
    script.write_text(
        "import sys, torch, numpy as np\n"
        "from pathlib import Path\n"
        "from bench import distributed\n"
        "from bench import Context, Precision\n"
        "from bench.options import NoOptions\n"
        "from bench.store import collect\n"
        "from bench.training import Budget, Task, train\n"
        "class Walk(Task):\n"
        "    def __init__(self, *args):\n"
        "        super().__init__(*args)\n"
        "        self.place, self.own = torch.zeros(2), torch.zeros(2)\n"
        "    def step(self, index):\n"
        "        draw = torch.randn(2)\n"
        "        self.own = self.own + draw\n"
        "        distributed.average([draw])\n"
        "        self.place = self.place + draw\n"
        "        return {'loss': 0.0}\n"
        "    def state(self):\n"
        "        return {'place': self.place}\n"
        "    def restore(self, state):\n"
        "        self.place = state['place']\n"
        "    def export(self):\n"
        "        return {'place': self.place}\n"
        "store = collect([('a', np.zeros((32, 32, 3), np.uint8))])\n"
        "out = Path(sys.argv[1])\n"
        "with distributed.joined(torch.device('cpu')):\n"
        "    torch.manual_seed(5)\n"
        "    context = Context(torch.device('cpu'), Precision(), store, None)\n"
        "    task = Walk(context, store, NoOptions())\n"
        "    train(task, out / 'walk.safetensors', Budget(steps=3), {}, quiet=True)\n"
        "    torch.save((task.place, task.own), out / f'rank{distributed.rank()}.pt')\n"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    command += ["--master-addr", "127.0.0.1", "--master-port", str(free_port())]
    done = subprocess.run(
        [*command, str(script), str(tmp_path)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    places, own = zip(*(torch.load(tmp_path / f"rank{n}.pt") for n in (0, 1)), strict=True)
    assert torch.equal(places[0], places[1])
    assert not torch.allclose(own[0], own[1])  # each drew pictures of its own
    torch.testing.assert_close(places[0], (own[0] + own[1]) / 2)
    torch.testing.assert_close(
        read(tmp_path / "walk.safetensors")["place"], places[0], atol=2e-3, rtol=1e-3
    )
    assert "2 processes" in (tmp_path / "walk.md").read_text()


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]
