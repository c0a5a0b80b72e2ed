"""The gate's judgement on simulated processes, and once for real on a method of two lines."""

import csv
import io
import json
import math
import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.checkout import ROOT

from bench.cli import main
from bench.compare import baseline, gate, revisions, tasks, turns
from bench.compare.revisions import resolve
from bench.errors import BenchError

TASK = tasks.TimedTask("made", {})
RULE = tasks.GateRule(min_seconds=0.0, max_seconds=1e9)
SPREAD = 0.03


class Simulated:
    """A worker of 10 ms a call on a machine whose speed drifts and jumps.

    Attributes:
        slowdown: side to how much slower it is.
        bias: how far apart the processes of one launch are, one number for each launch.
    """

    slowdown: dict = {}  # noqa: RUF012
    bias: list = []  # noqa: RUF012
    random = random.Random(0)
    speed = 1.0
    started: list = []  # noqa: RUF012

    def __init__(self, side, task, script):
        self.started.append(self)
        launch = (len(self.started) - 1) // 2
        self.seconds = 0.01 * (1 + self.slowdown.get((side, task.scope), 0.0))
        if len(self.started) % 2 == 0 and launch < len(self.bias):
            self.seconds *= 1 + self.bias[launch]

    def ask(self, request):
        self.calls = request.get("turn")

    def answer(self):
        if self.calls is None:
            return {"seconds": 0.01, "torch": "2.9.0"}
        cls = type(self)
        cls.speed *= math.exp(self.random.gauss(0, 0.003))
        noise = math.exp(self.random.gauss(0, SPREAD)) * (2.0 if self.random.random() < 0.03 else 1)
        return self.calls * self.seconds * cls.speed * noise, 0.0

    def keep_to(self, core):
        self.core = core

    def close(self):
        pass


@pytest.fixture
def simulated(monkeypatch):
    """A function that makes a gate and gives its row."""

    def make(seed=0, slowdown=0.0, bias=(), rule=RULE):
        class Machine(Simulated):
            pass

        Machine.slowdown = {("new", "core"): slowdown}
        Machine.bias, Machine.started, Machine.random = list(bias), [], random.Random(seed)
        monkeypatch.setattr(turns, "WorkerProcess", Machine)
        monkeypatch.setattr(gate, "resolve", lambda text, _: text)
        taken = gate.look_twice(
            TASK,
            [("old", TASK), ("new", TASK)],
            lambda rounds: gate.paired_difference(rounds, rule),
            Path(),
            rule,
            seed,
            True,
        )
        assert len(Machine.started) == 2 * taken.launches
        return taken

    return make


def test_a_version_against_itself_is_not_slow(simulated):
    assert all(simulated(seed).result.verdict == "SAME" for seed in range(15))


@pytest.mark.parametrize("percent", [5, 10])
def test_a_slow_down_is_found_and_confirmed(simulated, percent):
    for seed in range(8):
        row = simulated(seed, percent / 100)
        assert row.result.verdict == "SLOW"
        assert row.launches == 2
        assert row.result.ratio == pytest.approx(1 + percent / 100, abs=0.02)
        assert row.new / row.base == pytest.approx(1 + percent / 100, abs=0.05)


def test_a_speed_up_is_fast(simulated):
    assert simulated(slowdown=-0.1).result.verdict == "FAST"


def test_what_fresh_processes_do_not_confirm_is_ambiguous(simulated):
    row = simulated(bias=[0.08, 0.0])
    assert row.launches == 2
    assert row.result.verdict == "AMBIGUOUS"


def test_a_slow_down_that_the_first_processes_hide_is_found_by_the_second(simulated):
    """Of 5 % the first pair shows half, below the floor of 3: both together show it."""
    sharp = replace(RULE, precision=0.01)  # so that noise does not decide
    for seed in range(8):
        row = simulated(seed, 0.05, bias=[-0.024, 0.01], rule=sharp)
        assert row.launches == 2
        assert row.result.verdict == "SLOW"


def test_two_processes_of_one_code_may_differ_a_little(simulated):
    assert all(simulated(seed, bias=[0.015]).result.verdict != "SLOW" for seed in range(10))


def test_the_processes_share_a_core_and_fresh_ones_the_next(simulated, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5}, raising=False)
    monkeypatch.setattr(os, "sched_setaffinity", None, raising=False)
    simulated(slowdown=0.1)
    assert [process.core for process in turns.WorkerProcess.started] == [3, 3, 5, 5]


def test_measuring_ends_when_the_ratio_is_known_or_time_is_up(simulated):
    row = simulated()
    assert row.result.high - row.result.low <= 0.031
    assert row.rounds % 10 == 0
    sharp = simulated(rule=tasks.GateRule(min_seconds=0.0, precision=0.005, max_seconds=1e9))
    assert sharp.rounds > 2 * row.rounds
    hurried = simulated(rule=tasks.GateRule(max_seconds=0.0, min_seconds=0.0))
    assert hurried.rounds == hurried.launches


PLUGIN = '''
import time
from bench import Method, hookimpl

class Sleeper(Method):
    """Sleeps, which no processor time tells of."""
    name = "sleeper"
    family = "arbitrary"
    def stylize(self, content):
        time.sleep({seconds})
        print("chatter")
        return content

@hookimpl
def bench_methods(): return [Sleeper]
'''


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Two versions of the package, made of links; a method sleeps longer in the new one."""
    monkeypatch.setenv("BENCH_PLUGINS", "0")

    def make(name, seconds):
        folder = tmp_path / name
        (folder / "methods").mkdir(parents=True)
        (folder / "bench").symlink_to(ROOT / "bench")
        (folder / "methods" / "__init__.py").touch()
        (folder / "methods" / "sleeper.py").write_text(PLUGIN.format(seconds=seconds))
        for part in ("metrics", "datasets"):
            (folder / part).mkdir()
            (folder / part / "__init__.py").touch()
        return str(folder)

    return make("before", 0.010), make("after", 0.013)


@pytest.mark.timeout(300)  # two processes import torch
def test_two_folders_for_real(folders, capsys):
    # a threshold above the effect spares the second pair of processes
    words = ["--method", "sleeper", "--max-seconds", "0.6", "--threshold", "90", "--size", "32"]
    assert main(["gate", *folders, *words, "--quiet", "--format", "csv"]) == 0
    out = capsys.readouterr().out
    assert "chatter" not in out
    (row,) = csv.DictReader(io.StringIO(out))
    assert (row["method"], row["scope"], row["size"]) == ("sleeper", "core", "32")
    assert float(row["ratio"]) == pytest.approx(1.3, abs=0.1)
    assert float(row["base"]) == pytest.approx(0.010, abs=0.002)
    assert "in 1 pair of processes; A/A noise" in row["notes"]


def test_a_folder_inside_the_sources_stands_for_them(folders, tmp_path):
    side = resolve(str(Path(folders[0]) / "metrics"), tmp_path / "side")
    assert side.label == str(Path(folders[0]).resolve())
    assert (tmp_path / "side" / "bench" / "metrics" / "__init__.py").is_file()


FLAT = "7c0bb4f2ddae"
"""A commit of this repository from before `bench` had rooms: everything lay flat."""


@pytest.mark.timeout(300)  # two processes import torch
def test_a_revision_with_other_modules_is_measured_too(monkeypatch, capsys):
    held = subprocess.run(["git", "cat-file", "-e", f"{FLAT}^{{commit}}"], cwd=ROOT)
    if held.returncode:
        pytest.skip(f"needs the repository's history back to {FLAT}: git fetch --unshallow")
    monkeypatch.setenv("BENCH_PLUGINS", "0")
    monkeypatch.chdir(ROOT)
    # since then each call is guarded: microseconds, which are a multiple of doing nothing
    words = ["--method", "identity", "--max-seconds", "0.2", "--threshold", "900", "--size", "32"]
    status = main(["gate", FLAT, *words, "--scope", "core", "--scope", "adapt", "--quiet"])
    printed = capsys.readouterr()
    assert (status, printed.err) == (0, "")
    assert f"base {FLAT} ({FLAT})" in printed.out
    assert printed.out.count("identity") == 2


def test_a_baseline_is_in_units_of_the_reference(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(turns, "WorkerProcess", Simulated)
    monkeypatch.setattr(baseline, "resolve", lambda text, _: revisions.Side(text, "python"))
    monkeypatch.setattr(Simulated, "slowdown", {})
    file = str(tmp_path / "speed.json")
    words = ["--quiet", "--max-seconds", "0.2"]
    saving = ["gate", ".", "--save-baseline", file, "--method", "made", *words]
    assert main(saving) == 0
    stored = json.loads(Path(file).read_text())
    (entry,) = stored["entries"]
    assert entry["task"]["method"] == "made"
    assert sorted(entry["ratios"])[len(entry["ratios"]) // 2] == pytest.approx(1.0, abs=0.05)

    def slower(factor):
        side = revisions.Side(".", "python")
        monkeypatch.setattr(Simulated, "slowdown", {(side, "core"): factor - 1})
        return main(["gate", "--baseline", file, *words])

    assert slower(1.0) == 0
    assert slower(1.2) == 1
    assert "units of the reference workload" in capsys.readouterr().out
    # a machine of half the speed: both are slower, and nothing has changed
    monkeypatch.setattr(
        Simulated,
        "slowdown",
        {(revisions.Side(".", "python"), s): 1.0 for s in ("core", "reference")},
    )
    assert main(["gate", "--baseline", file, *words]) == 0


def test_a_baseline_names_no_code_to_load(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(turns, "WorkerProcess", Simulated)
    monkeypatch.setattr(baseline, "resolve", lambda text, _: revisions.Side(text, "python"))
    monkeypatch.setattr(Simulated, "slowdown", {})
    file = str(tmp_path / "speed.json")
    words = ["--quiet", "--max-seconds", "0.2"]
    naming = ["--plugin", str(tmp_path / "note.py")]
    assert main(["gate", ".", "--save-baseline", file, "--method", "m", *naming, *words]) == 0
    assert main(["gate", "--baseline", file, *words]) == 2
    assert f"add {' '.join(naming)}" in capsys.readouterr().err
    assert main(["gate", "--baseline", file, *naming, *words]) == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["gate"], "nothing to compare with"),
        (["gate", "main"], "no method"),
        (["gate", "no-such-revision", "--method", "metastyle"], "no-such-revision is no folder"),
        (["gate", "a", "--method", "m", "--option", "n.x=1"], "n takes no part"),
        (["gate", "--baseline", "none.json"], "none.json cannot be read"),
        (["gate", "--baseline", "file.json"], "file.json is no baseline"),
        (["gate", "--baseline", "file.json", "--method", "m"], "leave out --method"),
    ],
)
def test_what_is_wrong_is_one_line_and_not_status_1(tmp_path, monkeypatch, capsys, words, says):
    monkeypatch.chdir(tmp_path)
    Path("file.json").write_text("{}")
    assert main(words) == 2
    err = capsys.readouterr().err
    assert says in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("does", "says"),
    [
        ('echo \'{"error": "BenchError: unknown method"}\'', "BenchError: unknown method"),
        ("echo no torch here >&2; exit 1", "it ended (no torch here)"),
    ],
)
def test_a_worker_that_fails_says_why(tmp_path, capsys, does, says):
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{does}\n")
    python.chmod(0o755)
    assert main(["gate", str(python), str(python), "--method", "metastyle", "--quiet"]) == 2
    err = capsys.readouterr().err
    assert f"{python} cannot be measured: {says}" in err
    assert err.count("\n") == 1


def git(folder, *words):
    who = ["-c", "user.name=n", "-c", "user.email=e", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def test_a_revision_is_checked_out_and_leaves_no_trace(tmp_path, monkeypatch):
    repo = tmp_path / "repo"
    (repo / "bench").mkdir(parents=True)
    (repo / "methods").mkdir()
    (repo / "bench" / "__init__.py").write_text("first = True\n")
    (repo / "methods" / "one.py").write_text("")
    git(repo, "init", "-q")
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "first")
    (repo / "bench" / "__init__.py").write_text("first = False\n")
    monkeypatch.chdir(repo / "methods")
    before = sorted(path for path in (repo / ".git").rglob("*"))
    side = revisions.resolve("HEAD", tmp_path / "base")
    assert (tmp_path / "base" / "bench" / "__init__.py").read_text() == "first = True\n"
    assert (tmp_path / "base" / "bench" / "methods" / "one.py").exists()
    assert side.label.startswith("HEAD (")
    assert side.environment()["PYTHONPATH"].startswith(str(tmp_path / "base"))
    assert sorted(path for path in (repo / ".git").rglob("*")) == before
    here = revisions.resolve(str(repo), tmp_path / "new")
    assert (tmp_path / "new" / "bench" / "__init__.py").read_text() == "first = False\n"
    assert here.label.endswith("-dirty)")
    git(repo, "rm", "-r", "-q", "--cached", "bench")
    git(repo, "commit", "-q", "-m", "second")
    with pytest.raises(BenchError, match="does not hold the package"):
        revisions.resolve("HEAD", tmp_path / "other")


def test_an_environment_is_named_by_its_python(tmp_path):
    side = revisions.resolve(sys.executable, tmp_path / "base")
    assert (side.python, side.path) == (sys.executable, None)
    assert not (tmp_path / "base").exists()


def test_a_call_is_a_step_of_what_iterates():
    from bench.compare.worker import stepping

    log = []

    def three():
        for step in ("ready", "one", "two"):
            log.append(step)
            yield step

    call = stepping(three)
    calls = [log[:] for _ in range(4) if not log.clear() and not call()]
    assert calls == [["ready", "one"], ["two"], ["ready", "one"], ["two"]]
    whole = stepping(lambda: iter(["all"]))
    assert [whole() for _ in range(2)] == [None, None]


def test_the_gate_imports_no_torch():
    code = "import sys; from bench.compare import baseline, gate; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_what_git_says_is_passed_on(tmp_path, monkeypatch):
    """Another owner's repository, and no git at all, are no missing revision."""
    subprocess.run(["git", "init", "-q", str(tmp_path / "repo")], check=True)
    monkeypatch.chdir(tmp_path / "repo")
    with pytest.raises(BenchError, match="no revision of the git repository here"):
        revisions.resolve("v9", tmp_path / "a")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setenv("HOME", str(tmp_path))  # where no safe.directory is set
    with pytest.raises(BenchError, match=r"git knows no repository here: .*dubious ownership"):
        revisions.resolve("HEAD", tmp_path / "b")
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(BenchError, match=r"git cannot be run \(No such file or directory\)"):
        revisions.resolve("HEAD", tmp_path / "c")
