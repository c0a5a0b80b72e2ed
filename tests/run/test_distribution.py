"""A run of which other processes make a part: the same to the digit, whoever dies on the way."""

import functools
import multiprocessing
import random
import signal
import time
import warnings
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bench import images, results
from bench.cli import main
from bench.commands import run as command
from bench.errors import BenchError
from bench.results import CellRecord, ScoreRecord, SpeedRecord
from bench.run import distribution, engines, worker
from bench.run.blocks import TIMED_STYLES, Block
from bench.run.engines import WorkersLostError

PLUGIN = '''
import os
import signal
import torch
from bench import Method, hookimpl

class Fine(Method):
    """Mixes the style's mean colour in, and noise of its cell."""
    name = "fine"
    family = "arbitrary"
    citation = "none"
    def adapt(self, style): self.mean = style.mean((2, 3), keepdim=True)
    def stylize(self, content): return (content + self.mean + torch.rand_like(content)) / 3

class Deadly(Fine):
    """Takes the interpreter with it on one style."""
    name = "deadly"
    def adapt(self, style):
        super().adapt(style)
        if abs(float(self.mean.mean()) - DEADLY) < 1e-6: os.kill(os.getpid(), signal.SIGSEGV)

@hookimpl
def bench_methods(): return [Fine, Deadly]
'''
STYLES = 8
pytestmark = pytest.mark.timeout(300)  # whole runs, by one process after the other


@dataclass(frozen=True, kw_only=True)
class Forked:
    """An engine whose workers are forks, each for a block: without the seconds of a start."""

    workers: int = 1
    kills: int = 0  # so many are killed, each after a random moment

    def work(self, task, blocks, run):
        task.open()  # once, for all forks
        moments = random.Random(len(KILLED))
        for block in blocks:
            process = FORK.Process(target=task, args=(block,))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a fork of a process with threads
                process.start()
            self._kill(process, run, moments)
            process.join()
            if process.exitcode < 0:
                KILLED.append(-process.exitcode)
                raise WorkersLostError(f"signal {-process.exitcode}")
            assert process.exitcode == 0
            yield block

    def _kill(self, process, run, moments):
        """Kill a worker a moment after it has begun a cell, if more are to be killed."""
        before = worker.begun(run)
        while len(KILLED) < self.kills and process.is_alive():
            if worker.begun(run) > before:
                time.sleep(moments.uniform(0, 0.02))
                process.kill()
                return


FORK = multiprocessing.get_context("fork")  # a new interpreter takes seconds
KILLED: list[int] = []


@pytest.fixture
def bench_run(tmp_path, monkeypatch):
    """A function that makes a run, and returns its folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.fsync", lambda _: None)
    monkeypatch.setitem(engines.ENGINES, "forked", Forked)
    KILLED.clear()

    def make(folder, *words, method="fine", deadly=-1.0):
        Path("plugin.py").write_text(PLUGIN.replace("DEADLY", repr(deadly)))
        asked = f"run --method {method} --plugin plugin.py --profile smoke --contents 1"
        asked += f" --styles {STYLES} --size 64 --metric ssim --device cpu --precision float32"
        status = main([*f"{asked} --threads 1 --quiet --runs {folder}".split(), *words])
        assert status == 0
        return results.latest(Path(folder))

    return make


def numbers(run):
    """Every score of a run by its place, and how many records there are of each."""
    scores = {
        (*record.place, score.metric, score.content): score.value
        for record in results.whole(run, ScoreRecord)
        for score in record.scores
    }
    return scores


def pictures(run):
    return {p.relative_to(run): p.read_bytes() for p in sorted((run / "images").rglob("*.png"))}


def test_a_run_elsewhere_is_the_same_to_the_digit(bench_run):
    here, away = bench_run("here"), bench_run("away", "--on", "forked")
    assert numbers(here) == numbers(away)
    assert len(numbers(here)) == 3 * STYLES
    assert pictures(here) == pictures(away)
    apart = Counter(cell.worker is None for cell in results.whole(away, CellRecord))
    assert apart == {True: 3 * TIMED_STYLES, False: 3 * (STYLES - TIMED_STYLES)}
    assert {speed.status for speed in results.whole(away, SpeedRecord)} == {"ok"}
    cells = results.load([away]).cells
    assert cells["adapt_seconds"].notna().sum() == 3 * TIMED_STYLES
    assert not list((away / ".attempts").iterdir())


def test_workers_killed_at_random_moments_lose_and_double_nothing(bench_run):
    here, away = bench_run("here"), bench_run("away", "--on", "forked", "--engine", "kills=10")
    assert len(KILLED) == 10
    assert numbers(here) == numbers(away)
    assert pictures(here) == pictures(away)
    assert {cell.status for cell in results.whole(away, CellRecord)} == {"ok"}
    names = [path.name for path in (away / "cells").iterdir()]
    assert len(names) == len(set(names)) == 3 * STYLES


def test_a_cell_that_is_finished_while_it_is_looked_at_counts_as_not_begun(tmp_path):
    attempts = worker.attempts(tmp_path)
    attempts.mkdir()
    (attempts / "begun").write_bytes(b"..")
    (attempts / "gone").symlink_to("nowhere")  # listed, and not there when it is asked
    assert worker.begun(tmp_path) == 2


def test_a_cell_that_workers_die_in_becomes_a_row(bench_run):
    first = bench_run("first")
    style = results.read_run(first).styles[-1]
    mean = float(images.decode(results.input_path(first, "style", style, 64)).mean((2, 3)).mean())
    run = bench_run("runs", "--on", "forked", method="deadly", deadly=mean)
    assert KILLED == [signal.SIGSEGV] * worker.SUSPECT
    failed = [cell for cell in results.whole(run, CellRecord) if cell.status != "ok"]
    assert [cell.style for cell in failed] == [style]
    assert "SIGSEGV" in failed[0].reason
    assert len(list(results.whole(run, CellRecord))) == 3 * STYLES


def test_a_worker_refuses_another_run(bench_run):
    run = bench_run("runs")
    one = worker.Worker.of(run, lambda _: pytest.fail("it is opened"))
    with pytest.raises(BenchError, match=r"refuses: .+ is another run here"):
        replace(one, record_sha256="0")(Block(64, "fine", ("a",)))


def test_a_worker_refuses_other_code(bench_run):
    run = bench_run("runs")
    Path("plugin.py").write_text(PLUGIN.replace("DEADLY", "-2.0"))
    reopen = functools.partial(command.reopen, plugins=["plugin.py"], elsewhere=True)
    with pytest.raises(BenchError, match=r"the worker on .+ refuses: .+ the source of fine"):
        worker.Worker.of(run, reopen)(Block(64, "fine", ("a",)))


def test_workers_that_never_begin_are_given_up(bench_run):
    class Dead:
        rounds = 0

        def work(self, *_):
            self.rounds += 1
            raise WorkersLostError("no node")
            yield

    run, dead = bench_run("runs"), Dead()
    next((run / "scores").iterdir()).unlink()
    one = worker.Worker.of(run, lambda _: None)
    with pytest.raises(BenchError, match="before they have begun a cell"):
        list(distribution.work_off(one, dead, distribution.remaining(run, 2)))
    assert dead.rounds == distribution.PATIENCE + 1


def test_resuming_elsewhere_does_what_is_left(bench_run):
    run = bench_run("runs")
    before = numbers(run)
    for path in sorted((run / "scores").iterdir())[::2]:
        path.unlink()
    assert main(["run", "--resume", str(run), "--plugin", "plugin.py", "--on", "forked"]) == 0
    assert numbers(run) == before


def test_a_plan_says_what_a_run_takes_by_earlier_runs(bench_run, capsys):
    bench_run("runs")
    capsys.readouterr()
    bench_run_plan = "run --method fine --plugin plugin.py --profile smoke --contents 5"
    words = f"{bench_run_plan} --styles 8 --size 64 --metric ssim --plan --workers 4".split()
    begun = time.monotonic()
    assert main(words) == 0
    assert time.monotonic() - begun < 30
    printed = capsys.readouterr().out
    assert "cells     24: 3 methods × 8 styles × 1 sizes, 120 pictures; 24 cells left" in printed
    assert "together  9 cells left" in printed
    assert "may move  making 15 cells, scoring 24: 24 blocks" in printed
    assert "by 4 workers" in printed
    assert "unknown" not in printed
