"""Runs whose work other processes do: what ends or hangs one is a row, and the rest is there."""

import json
from pathlib import Path

import pytest

from bench import results
from bench.cli import main, parser
from bench.commands import run as command
from bench.commands._devices import by_device
from bench.commands._isolating import isolation_is_cheap
from bench.errors import BenchError
from bench.run import isolation

pytestmark = pytest.mark.timeout(400)  # the server imports torch anew

DEATHS = """
import multiprocessing, os, signal, subprocess, time
from pathlib import Path
from bench import Method, Metric, hookimpl

class Late(Method):
    '''Ends the process as soon as it is timed.'''
    name = "late"
    family = "arbitrary"
    citation = "none"
    def load(self):
        helper = multiprocessing.get_context("fork").Process(target=int)  # as a DataLoader has
        helper.start()
        helper.join()
        if self.name == "late" and len(list(Path("runs").glob("*/cells/late*.json"))) == 2:
            os._exit(7)
    def stylize(self, content): return content.clone()

class Dies(Late):
    '''Takes the interpreter with it, but for one style.'''
    name = "dies"
    def adapt(self, style):
        if style.mean() < 0.5: os.kill(os.getpid(), signal.SIGSEGV)
    def load(self): subprocess.Popen(["sleep", "1000"])

class Hangs(Late):
    '''Never comes back for one style, but while it is timed.'''
    name = "hangs"
    def adapt(self, style):
        timed = list(Path("runs").glob("*/cells/late*.json"))
        if style.mean() < 0.5 and not timed: time.sleep(1000)

class Abort(Metric):
    '''Ends the process at its second picture.'''
    name = "abort"
    axis = "content"
    direction = "lower"
    version = 1
    citation = "none"
    def score(self, stylized, content, style):
        if list(Path("runs").glob("*/scores/*.json")): os.abort()
        return 1.0

@hookimpl
def bench_methods(): return [Late, Dies, Hangs]

@hookimpl
def bench_metrics(): return [Abort()]
"""


def records(folder, kind):
    found = [json.loads(path.read_text()) for path in sorted((folder / kind).glob("*.json"))]
    return {(r["method"], r.get("style")): r for r in found}


def test_what_ends_or_hangs_its_process_is_a_row_wherever_it_does(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deaths.py").write_text(DEATHS)
    methods = [word for name in ("dies", "hangs", "late") for word in ("--method", name)]
    words = ["run", "--plugin", "deaths.py", *methods, "--profile", "smoke", "--quiet",
             "--dataset", "synthetic", "--contents", "2", "--styles", "2", "--threads", "1",
             "--precision", "float32", "--metric", "abort", "--metric", "ssim", "--isolate",
             "--hang-seconds", "6"]  # fmt: skip
    assert main(words) == 0
    folder = results.latest(Path("runs"))
    crashed = "its process was ended by SIGSEGV"
    hung = "nothing happened in its process for 6 s, and it was ended"
    failed = {place: r["reason"] for place, r in records(folder, "cells").items() if r["reason"]}
    ((_, style),) = (place for place in failed if place[0] == "dies")  # one of two
    assert failed == {("dies", style): crashed, ("hangs", style): hung}
    speed = {name: (r["status"], r["reason"]) for (name, _), r in records(folder, "speed").items()}
    assert speed == {
        "identity": ("ok", ""),
        "style-copy": ("ok", ""),
        "dies": ("error", crashed),
        "hangs": ("ok", ""),
        "late": ("error", "it ended its process, with status 7"),
    }
    entries = [e for record in records(folder, "scores").values() for e in record["scores"]]
    aborted = [e["reason"] for e in entries if e["metric"] == "abort/1" and e["status"] != "ok"]
    assert set(aborted) == {"its process was ended by SIGABRT"}
    assert len(aborted) == len(entries) // 2 - 2  # the first cell of two pictures was there
    assert {e["status"] for e in entries if e["metric"] == "ssim/1"} == {"ok"}
    assert "--isolate" in results.read_run(folder).command
    said = capfd.readouterr()
    assert "ended by SIGSEGV" in said.out
    assert "bench: dies left processes behind, which were ended" in said.err


@pytest.mark.parametrize(
    ("words", "isolated"),
    [
        ([], True),
        (["--profile", "standard"], True),
        (["--protocol", "metastyle"], True),
        (["--profile", "demo"], False),
        (["--profile", "smoke"], False),  # each process would take longer than the work
        (["--device", "fake"], False),  # each would have to initialise it
    ],
)
def test_processes_of_their_own_are_the_default_where_they_are_cheap(words, isolated, monkeypatch):
    def device(name):
        return type("Device", (), {"type": "cpu" if name == "auto" else name})

    monkeypatch.setattr("bench.machine.device.choose_device", device)
    (args,) = by_device(parser().parse_args(["run", *words]))
    assert args.isolate is None
    assert isolation_is_cheap(args) == (isolated and isolation.is_cheap())
    for word, asked in (("--isolate", True), ("--no-isolate", False)):
        assert parser().parse_args(["run", *words, word]).isolate is asked


def test_what_a_repository_holds_by_now_is_no_matter_of_a_worker(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["--profile", "smoke", "--dataset", "synthetic", "--threads", "1", "--quiet"]
    assert main(["run", "--method", "identity", "--precision", "float32", *words]) == 0
    (folder,) = Path("runs").iterdir()
    record = json.loads((folder / "run.json").read_text())
    record["environment"]["commit"] = "0000000"  # somebody has committed meanwhile
    (folder / "run.json").write_text(json.dumps(record))
    plan, _ = command.reopen(folder)
    assert list(plan.methods) == ["identity", "style-copy"]
    with pytest.raises(BenchError, match="bench itself changed since"):
        command.reopen(folder, worker=False)
