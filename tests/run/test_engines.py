"""Engines that others wrote: each does every block, and says which are lost where a worker dies."""

import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.run.blocks import Block
from bench.run.engines import Dask, Local, Shift, Slurm, WorkersLostError, engine

cloudpickle = pytest.importorskip("cloudpickle")
cloudpickle.register_pickle_by_value(sys.modules[__name__])

BLOCKS = [Block(64, "x", (style,)) for style in "abcdef"]
EVERY = [Local(workers=2), Dask(workers=2), Slurm(workers=2, cluster="local")]
pytestmark = [
    pytest.mark.timeout(300),
    # theirs: sockets and files that are closed by the collector, forks of a process with threads
    pytest.mark.filterwarnings("ignore"),
]


@dataclass(frozen=True)
class Note:
    """Notes which process did a block; at `deadly` it dies, the first `deaths` times."""

    folder: Path
    deadly: str = ""
    deaths: int = 0

    def __call__(self, block):
        (style,) = block.styles
        if style == self.deadly:
            for number in range(self.deaths):
                try:
                    (self.folder / f"death-{number}").touch(exist_ok=False)
                except FileExistsError:
                    continue
                os.kill(os.getpid(), signal.SIGKILL)
        (self.folder / style).write_text(str(os.getpid()))
        return block


@dataclass(frozen=True)
class Refuses:
    def __call__(self, block):
        raise BenchError("other weights")


def name(one):
    return type(one).__name__


@pytest.mark.parametrize("one", EVERY, ids=name)
def test_every_block_is_done_by_another_process(one, tmp_path):
    assert sorted(one.work(Note(tmp_path), BLOCKS, tmp_path / "run"), key=str) == BLOCKS
    pids = {(tmp_path / style).read_text() for style in "abcdef"}
    assert str(os.getpid()) not in pids


@pytest.mark.parametrize("one", EVERY, ids=name)
def test_a_dead_worker_loses_no_block_that_is_done_again(one, tmp_path):
    task, left = Note(tmp_path, "c", 1), dict.fromkeys(BLOCKS)
    for _ in range(3):
        try:
            for block in one.work(task, list(left), tmp_path / "run"):
                del left[block]
        except WorkersLostError:
            continue
        break
    assert not left
    assert {path.name for path in tmp_path.iterdir()} >= {*"abcdef", "death-0"}


@pytest.mark.parametrize("one", EVERY, ids=name)
def test_a_refusal_reaches_the_user(one, tmp_path):
    with pytest.raises(BenchError, match="other weights"):
        list(one.work(Refuses(), BLOCKS, tmp_path / "run"))


def test_a_shift_is_queued_again_as_it_is():
    pytest.importorskip("submitit")
    shift = Shift(Refuses(), BLOCKS)
    assert shift.checkpoint().function == shift


def test_slurm_is_told_what_was_asked_for(tmp_path):
    file = tmp_path / "cluster.toml"
    file.write_text('partition = "gpu"\naccount = "art"\nminutes = 240\n')
    asked = engine("slurm", [str(file), "gpus=2", "minutes=30", "workers=8"])
    assert asked.parameters == {
        "name": "bench",
        "timeout_min": 30,
        "gpus_per_node": 2,
        "cpus_per_task": 1,
        "slurm_partition": "gpu",
        "slurm_account": "art",
        "slurm_array_parallelism": 8,
    }


@pytest.mark.parametrize(
    ("of", "texts", "named"),
    [
        ("slrm", [], "unknown engine .slrm.; did you mean slurm"),
        ("dask", ["adress=x"], r"unknown key of --on dask 'adress'; did you mean address"),
        ("slurm", ["minutes=0"], "--engine: .*minutes"),
        ("slurm", ["nowhere.toml"], r"nowhere.toml: No such file.*KEY=VALUE or a TOML file"),
    ],
)
def test_what_is_wrong_is_named(of, texts, named):
    with pytest.raises(BenchError, match=named):
        engine(of, texts)


def test_a_scheduler_that_is_not_there_is_named():
    pytest.importorskip("distributed")
    lonely = Dask(address="tcp://127.0.0.1:9", wait=1.0)
    begun = time.monotonic()
    with pytest.raises(BenchError, match="no dask scheduler answers"):
        list(lonely.work(Refuses(), BLOCKS, Path()))
    assert time.monotonic() - begun < 60
