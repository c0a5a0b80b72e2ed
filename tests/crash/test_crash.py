"""Commands that are killed at random moments: nothing of theirs is lost, doubled or half.

Not in the ordinary suite: `tox -e crash`, with BENCH_KILLS in all (200) and BENCH_SEED.
"""

import contextlib
import http.client
import importlib
import json
import os
import random
import shutil
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.forked import Command, bench, half_files
from helpers.made_run import make_run
from PIL import Image

from bench import results
from bench.vote.votes import read_votes
from bench.weights import metadata, read

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")

KILLS = int(os.environ.get("BENCH_KILLS", "200"))
SHARES = {"run": 0.4, "train": 0.2, "adapt": 0.1, "stylize": 0.15, "vote": 0.15}
MACHINE = ["--threads", "1", "--precision", "float32", "--plugin", "tint.py", "--quiet"]

PLUGIN = '''
import time
import torch
from bench import Method, Task, hookimpl

class Walk(Task):
    """Its place depends on every random number since the start."""
    def __init__(self, *args):
        super().__init__(*args)
        self.place = torch.zeros(1000)
    def step(self, index):
        time.sleep(0.002)
        self.place = self.place + torch.randn(1000)
        return {"loss": float(self.place.square().mean())}
    def state(self): return {"place": self.place}
    def restore(self, state): self.place = state["place"]
    def export(self): return {"place": self.place}

class Tint(Method):
    """A network of one layer, which goes towards the style's mean step by step."""
    name = "tint"
    family = "per-style"
    citation = "none"
    training = Walk
    def load(self):
        self.network = torch.nn.Conv2d(3, 3, 1, device=self.context.device)
    def networks(self): return [self.network]
    def adapt(self, style):
        self.target = style.mean((2, 3)).flatten()
        yield
        for _ in range(5):
            time.sleep(0.005)
            with torch.no_grad(): self.network.bias.lerp_(self.target, 0.5)
            yield
    @torch.no_grad()
    def stylize(self, content): return self.network(content).sigmoid()

@hookimpl
def bench_methods(): return [Tint]
'''


@pytest.fixture(scope="module", autouse=True)
def _warm():
    """Import here what commands import, so that a fork has it."""
    torch.set_num_threads(1)
    for name in ("run", "train", "adapt", "stylize", "vote", "report"):
        importlib.import_module(f"bench.commands.{name}")
    for name in ("run.execution", "run.recording", "run.resuming", "training", "vote.server",
                 "stylize.video", "report.assembly", "machine.roofline"):  # fmt: skip
        importlib.import_module(f"bench.{name}")
    importlib.import_module("torch._dynamo")


@pytest.fixture(autouse=True)
def _place(tmp_path, monkeypatch):
    """A folder with photographs, a style and the plugin."""
    monkeypatch.chdir(tmp_path)
    Path("tint.py").write_text(PLUGIN)
    generator = np.random.default_rng(0)
    for name in ("photos/a", "photos/b", "photos/c", "photos/d", "style"):
        Path(name).parent.mkdir(exist_ok=True)
        pixels = generator.integers(0, 255, (96, 96, 3), np.uint8)
        Image.fromarray(pixels).save(f"{name}.png")
    frames = [Image.fromarray(generator.integers(0, 255, (64, 64, 3), np.uint8)) for _ in "12345"]
    frames[0].save("photos/clip.gif", save_all=True, append_images=frames[1:])


class Killing:
    """So many kills of one command, each at a random moment of it; the counts of what happened."""

    def __init__(self, what):
        self.left = max(1, round(KILLS * SHARES[what]))
        self.random = random.Random(f"{os.environ.get('BENCH_SEED', '0')} {what}")
        self.counts = Counter()
        self.what = what

    def of(self, seconds, *words, early=0.0):
        """Start a command and kill it; whether it was still there."""
        delay = seconds * (early + (1.05 - early) * self.random.random())
        killed = Command(*words).kill_after(delay)
        self.left -= killed
        self.counts["kills" if killed else "ended before"] += 1
        return killed

    def count_files(self, folder="."):
        """Count unfinished files, and insist that there are no half ones."""
        half, unfinished = half_files(folder)
        assert not half
        self.counts["unfinished files"] += unfinished

    def report(self):
        sys.stderr.write(f"\ncrash trial, {self.what}: {dict(self.counts)}\n")


def taken(*words):
    """How long a command takes, by two tries of which the first warms up."""
    begun = time.monotonic()
    status, said = bench(*words)
    assert status == 0, said
    return time.monotonic() - begun


RUN = ["run", "--profile", "smoke", "--dataset", "synthetic", "--size", "64", "--styles", "2",
       "--contents", "2", "--method", "tint", "--batch", "1,2",
       "--metric", "ssim", "--metric", "color"]  # fmt: skip


def outcome(run):
    """What of a run does not depend on the clock: its records' places, scores and pictures."""
    kinds = ("cells", "speed", "batches", "scores", "sets")
    places = {kind: sorted(path.name for path in (run / kind).glob("[!.]*")) for kind in kinds}
    scores = {p.name: json.loads(p.read_text())["scores"] for p in (run / "scores").glob("[!.]*")}
    images = run / "images"
    pictures = {str(p.relative_to(images)): p.read_bytes() for p in images.rglob("[!.]*.png")}
    return places, scores, pictures


def test_run():
    killing = Killing("run")
    seconds = taken(*RUN, *MACHINE, "--runs", "whole")
    expected = outcome(results.latest(Path("whole")))
    while killing.left > 0:
        killing.of(seconds, *RUN, *MACHINE, "--runs", "runs", early=0.05)
        runs = results.find_runs(Path("runs")) if Path("runs").is_dir() else []
        killing.count_files()
        if not runs:
            killing.counts["killed before it began"] += 1
            shutil.rmtree("runs", ignore_errors=True)
            continue
        (run,) = runs
        finished = {p: p.stat().st_mtime_ns for p in run.glob("[bces]*/[!.]*.json")}
        while killing.left > 0 and killing.random.random() < 0.3:
            killing.of(seconds / 2, "run", "--resume", str(run), "--plugin", "tint.py", "--quiet")
        killing.count_files()
        status, said = bench("run", "--resume", str(run), "--plugin", "tint.py", "--quiet")
        assert status == 0, said
        assert outcome(run) == expected
        assert {path: path.stat().st_mtime_ns for path in finished} == finished
        assert bench("report", str(run))[0] == 0
        killing.counts["resumed"] += 1
        shutil.rmtree("runs")
    killing.report()


def test_train():
    killing = Killing("train")
    words = ["train", "tint", "--content", "photos", "--style", "style.png", "--steps", "120",
             "--save-minutes", "0.0005", *MACHINE, "--out"]  # fmt: skip
    seconds = taken(*words, "whole.safetensors")
    expected = read(Path("whole.safetensors"))["place"]
    out, state = Path("out/t.safetensors"), Path("out/t.state")
    while killing.left > 0:
        shutil.rmtree("out", ignore_errors=True)
        steps = 0
        while killing.left > 0 and killing.random.random() < 0.8:
            killing.of(seconds, *words, str(out), *["--resume"] * state.exists())
            killing.count_files()
            if state.exists():
                before, steps = steps, torch.load(state)["progress"]["step"]
                assert steps >= before  # nothing that was saved is lost
            if out.exists():
                assert int(metadata(out)["steps"]) <= 120
        status, said = bench(*words, str(out), *["--resume"] * state.exists())
        assert status == 0, said
        assert torch.equal(read(out)["place"], expected)  # no step lost, none made twice
        killing.counts["finished"] += 1
    killing.report()


def test_adapt():
    killing = Killing("adapt")
    words = ["adapt", "--method", "tint", "--style", "style.png", *MACHINE, "-o"]
    seconds = taken(*words, "whole.safetensors")
    expected = Path("whole.safetensors").read_bytes()
    out = Path("out.safetensors")
    while killing.left > 0:
        out.write_bytes(b"what was there")
        killed = killing.of(seconds, *words, str(out))
        allowed = [expected, b"what was there"] if killed else [expected]
        assert out.read_bytes() in allowed
        killing.counts["new"] += out.read_bytes() == expected
    assert bench(*words, str(out))[0] == 0
    assert out.read_bytes() == expected
    killing.report()


def test_stylize():
    killing = Killing("stylize")
    words = ["stylize", "--method", "tint", "--style", "style.png", "photos", *MACHINE, "-o"]
    seconds = taken(*words, "whole")
    clip = [*words[:5], "photos/clip.gif", *MACHINE, "-o"]
    of_clip = taken(*clip, "whole/clip.gif")
    expected = {path.name: path.read_bytes() for path in Path("whole").iterdir()}
    assert len(expected) == 5
    Path("out").mkdir()
    while killing.left > 0:
        for path in Path("out").glob("[!.]*"):
            path.unlink()
        if killing.random.random() < 0.5:
            killing.of(seconds, *words, "out")
        else:
            killing.of(of_clip, *clip, "out/clip.gif")
        killing.count_files("out")
        for path in Path("out").glob("[!.]*"):
            assert path.read_bytes() == expected[path.name]
            killing.counts["pictures"] += 1
    assert bench(*words, "out")[0] == bench(*clip, "out/clip.gif")[0] == 0
    assert {p.name: p.read_bytes() for p in Path("out").glob("[!.]*")} == expected
    killing.report()


def served(run):
    """A server of a run's votes, and where it is to be found."""
    Path("out.txt").unlink(missing_ok=True)
    server = Command("vote", str(run))
    end = time.monotonic() + 60
    while not Path("out.txt").exists() or "\n" not in Path("out.txt").read_text():
        assert server.status() is None, server.said()
        assert time.monotonic() < end
        time.sleep(0.01)
    address = Path("out.txt").read_text().split()[0]
    host, token = address.removeprefix("http://").split("/")[:2]
    return server, host, token


def asked(host, token, method, place, body=None):
    connection = http.client.HTTPConnection(host, timeout=10)
    headers = {"Content-Type": "application/json"} if body else {}
    connection.request(method, f"/{token}/{place}", body and json.dumps(body), headers)
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    return json.loads(answer.read())


def test_vote():
    killing = Killing("vote")
    run = make_run(Path("runs").absolute(), ["fast", "slow", "wild", "identity"])
    for path in run.glob("cells/*.json"):
        cell = json.loads(path.read_text())
        for picture in cell["contents"]:
            picture["image"] = f"images/{path.stem}.png"
            (run / "images").mkdir(exist_ok=True)
            Image.new("RGB", (8, 8)).save(run / picture["image"])
        path.write_text(json.dumps(cell))
    for kind, names in (("style", "ab"), ("content", "xy")):
        for name in names:
            path = results.input_path(run, kind, name, 64)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8, 8)).save(path)
    confirmed = 0
    while killing.left > 0:
        before = len(read_votes(run))
        server, host, token = served(run)
        end = time.monotonic() + killing.random.random() * 2
        cast = 0
        child = os.fork()
        if not child:  # the killer: a kill may come in the middle of a request
            time.sleep(max(0.0, end - time.monotonic()))
            os.killpg(server.pid, signal.SIGKILL)
            os._exit(0)
        with contextlib.suppress(OSError, http.client.HTTPException):
            while True:
                state = asked(host, token, "GET", "state")
                if state["trial"] is None:
                    break
                body = {"trial": state["trial"], "choice": killing.random.choice(["left", "right"])}
                asked(host, token, "POST", "vote", body)
                cast += 1
        os.waitpid(child, 0)
        assert server.wait() == -signal.SIGKILL
        killing.left -= 1
        killing.counts["kills"] += 1
        confirmed += cast
        votes = read_votes(run)
        assert cast <= len(votes) - before <= cast + 1  # the last one may not have been confirmed
        assert len({vote.id for vote in votes}) == len(votes)
        if cast == 0 and len(votes) > 10:
            (run / "votes.jsonl").unlink()  # all is judged: once more
    killing.counts["confirmed votes"] = confirmed
    killing.report()


def test_of_two_starters_one_works_and_one_is_told():
    assert bench(*RUN, *MACHINE)[0] == 0
    run = results.latest(Path("runs"))
    for path in [*run.glob("cells/tint*"), *run.glob("scores/tint*")]:
        path.unlink()
    resume = ["run", "--resume", str(run), "--plugin", "tint.py", "--quiet"]
    train = ["train", "tint", "--content", "photos", "--style", "style.png", "--steps", "200",
             *MACHINE, "--out", "t.safetensors"]  # fmt: skip
    for words, said in ((resume, "another process works on"), (train, "another process trains")):
        both = [Command(*words, out=f"{n}.out", err=f"{n}.err") for n in range(2)]
        ends = {command.wait(): command.said() for command in both}
        assert set(ends) == {0, 1}, ends
        assert said in ends[1]
    assert bench("report", str(run))[0] == 0
    assert len(read(Path("t.safetensors"))["place"]) == 1000


@contextlib.contextmanager
def small_disk(kilobytes):
    """A file system of this size at `disk`, which can be made larger.

    Skips where this user may mount nothing.
    """
    Path("disk").mkdir(exist_ok=True)
    if os.system(f"mount -t tmpfs -o size={kilobytes}k tmpfs disk 2>/dev/null"):
        pytest.skip("needs the right to mount a tmpfs")
    try:
        yield lambda more: os.system(f"mount -o remount,size={more}k disk")
    finally:
        os.system("umount disk")


FULL = [
    (["adapt", "--method", "tint", "--style", "style.png", "-o", "disk/a.safetensors"], 4),
    (["stylize", "--method", "tint", "--style", "style.png", "photos", "-o", "disk/out"], 60),
    (["stylize", "--method", "tint", "--style", "style.png", "photos/clip.gif",
      "-o", "disk/a.gif"], 4),
    (["train", "tint", "--content", "photos", "--style", "style.png", "--steps", "5",
      "--out", "disk/t.safetensors"], 12),
    *(([*RUN, "--runs", "disk/runs"], size) for size in (40, 80, 120, 160)),
]  # fmt: skip


@pytest.mark.parametrize(("words", "kilobytes"), FULL)
def test_a_full_disk_is_said_and_leaves_nothing_half(words, kilobytes):
    with small_disk(kilobytes) as resize:
        Path("disk/a.safetensors").write_bytes(b"old")
        status, said = bench(*words, *MACHINE)
        assert status == 1
        last = said.splitlines()[-1]
        assert last.startswith("bench: disk/") or "disk/" in last
        assert "cannot be written (No space left on device): make room" in last
        half, unfinished = half_files("disk")
        assert [path for path, _ in half] == [Path("disk/a.safetensors")]
        assert not unfinished
        assert Path("disk/a.safetensors").read_bytes() == b"old"
        resize(100_000)
        begun = words[0] == "run" and results.find_runs(Path("disk/runs"))
        resume = ["run", "--resume", str(begun[0]), "--plugin", "tint.py"] if begun else None
        status, said = bench(*(resume or [*words, *MACHINE]))
        assert status == 0, said
        if words[0] == "run":
            assert len(list(results.latest(Path("disk/runs")).glob("cells/*.json"))) == 6
