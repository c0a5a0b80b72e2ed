"""The report of a GPU: a step that fails or is cut off costs no other; a killed report goes on."""

import contextlib
import importlib
import itertools
import json
import os
import runpy
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest
import torch
from helpers.checkout import ROOT

from bench.commands._shared import PRECISIONS
from bench.errors import BenchError
from bench.machine.device import choose_precision
from bench.plugins import registry
from bench.report import columns

SCRIPT = ROOT / "tools/gpu_report.py"
sys.path.insert(0, str(SCRIPT.parent))  # as where it is run
TOOL = runpy.run_path(str(SCRIPT))
Step, work_through, arguments = TOOL["Step"], TOOL["work_through"], TOOL["arguments"]


@pytest.fixture
def script(tmp_path):
    """A function that writes a Python script and gives the command for it."""

    def make(name, code):
        file = tmp_path / f"{name}.py"
        file.write_text(code)
        return [str(file), "{folder}"]

    return make


def perform(tmp_path, steps, limit=60.0):
    return work_through(steps, tmp_path / "work", tmp_path / "out", limit, "a test").steps


def test_a_step_that_fails_is_noted_and_the_next_one_made(tmp_path, script):
    bad = script(
        "bad", "import sys; print('half'); print('no such kernel', file=sys.stderr); 1 / 0"
    )
    good = script("good", "print('| a table |')")
    outcomes = perform(
        tmp_path, [Step("first", "First", [bad, good]), Step("then", "Then", [good])]
    )
    assert [outcomes[name]["status"] for name in ("first", "then")] == ["failed", "ok"]
    assert "status 1, ZeroDivisionError: division by zero" in outcomes["first"]["reason"]
    report = (tmp_path / "out/report.md").read_text()
    assert "half" in report  # what was printed before counts
    assert report.count("| a table |") == 2
    assert "no such kernel" in (tmp_path / "out/log.txt").read_text()


def test_a_step_without_an_end_is_cut_off_and_taken_up_again_last(tmp_path, script):
    slow = script("slow", "import time\ntime.sleep(60)")
    good = script("good", "print('done')")
    steps = [Step("slow", "Slow", [slow], seconds=0.5), Step("good", "Good", [good])]
    begin = time.monotonic()
    outcomes = perform(tmp_path, steps)
    assert time.monotonic() - begin < 40
    assert [outcomes[name]["status"] for name in ("slow", "good")] == ["cut off", "ok"]
    finished = (tmp_path / "work/good/out-0.md").stat().st_mtime_ns
    for tries in (2, 3, 3):
        assert perform(tmp_path, steps)["slow"]["tries"] == tries
    assert (tmp_path / "work/good/out-0.md").stat().st_mtime_ns == finished  # not made again


def test_time_that_is_up_leaves_the_rest_to_the_next_call(tmp_path, script):
    good = script("good", "print('done')")
    steps = [Step("one", "One", [good]), Step("two", "Two", [good])]
    assert perform(tmp_path, steps, limit=-1.0) == {}
    assert "| one | not yet |" in (tmp_path / "out/report.md").read_text()
    assert set(perform(tmp_path, steps)) == {"one", "two"}


def test_a_killed_report_goes_on(tmp_path, script):
    """Killed, not asked: by the signal that nobody can handle, in the middle of a step."""
    mark = "from pathlib import Path; import sys, time\nmark = Path(sys.argv[1]) / 'here'\n"
    hangs_once = script(
        "once",
        f"{mark}import os\n"
        "if not mark.exists():\n  mark.write_text(str(os.getpid())); time.sleep(60)\n",
    )
    good = script("good", "print('done')")
    driver = tmp_path / "driver.py"
    driver.write_text(
        "import runpy, sys\nfrom pathlib import Path\n"
        f"sys.path.insert(0, {str(SCRIPT.parent)!r})\n"
        f"tool = runpy.run_path({str(SCRIPT)!r})\n"
        f"steps = [tool['Step'](n, n, [c]) for n, c in {[('a', good), ('b', hangs_once)]!r}]\n"
        "here = Path(sys.argv[1])\n"
        "tool['work_through'](steps, here / 'work', here / 'out', 60.0, 'a test')\n"
    )
    process = subprocess.Popen([sys.executable, str(driver), str(tmp_path)], start_new_session=True)
    hung = tmp_path / "work/b/here"
    until = time.monotonic() + 60
    while not (hung.exists() and hung.read_text()) and time.monotonic() < until:
        time.sleep(0.05)
    words = Path("/proc") / hung.read_text() / "cmdline"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    if sys.platform == "linux":  # nobody works on the step that the next call takes up
        while words.exists() and words.read_bytes() and time.monotonic() < until:
            time.sleep(0.05)
        assert time.monotonic() < until
    outcomes = json.loads((tmp_path / "work/state.json").read_text())
    assert (outcomes["a"]["status"], outcomes["b"]["status"]) == ("ok", "cut off")
    done = subprocess.run([sys.executable, str(driver), str(tmp_path)], capture_output=True)
    assert done.returncode == 0
    outcomes = json.loads((tmp_path / "out/report.json").read_text())["steps"]
    assert (outcomes["a"]["tries"], outcomes["b"]["tries"]) == (1, 2)
    assert outcomes["b"]["status"] == "ok"


def test_the_folder_has_few_files_and_none_too_large(tmp_path, script, monkeypatch):
    monkeypatch.setitem(TOOL["work_through"].__globals__, "MOST_BYTES", 2000)
    code = (
        "import os, sys\nfrom pathlib import Path\nfolder = Path(sys.argv[1])\n"
        "run = folder / 'runs/r/cells'\nrun.mkdir(parents=True)\n"
        "(run / 'a.json').write_text('{}')\n"
        "for n in range(9): (folder / f'{folder.name}-{n}.jpg').write_bytes(b'x')\n"
        "(folder / 'large.safetensors').write_bytes(b'x' * 3000)\n"
        "print('long ' * 5000)\n"
    )
    steps = [Step(name, name, [script(name, code)]) for name in ("one", "two")]
    outcomes = perform(tmp_path, steps)
    assert {what["status"] for what in outcomes.values()} == {"ok"}
    files = list((tmp_path / "out").iterdir())
    assert len(files) == 8
    assert max(file.stat().st_size for file in files) <= 2000
    with tarfile.open(tmp_path / "out/runs.tar.gz") as archive:
        assert "one/runs/r/cells/a.json" in archive.getnames()


def test_a_run_that_was_begun_is_gone_on_with(tmp_path):
    line = TOOL["command_line"](["run", "--all", "--runs", "x"], tmp_path)
    assert line[1:] == ["-m", "bench", "run", "--all", "--runs", "x"]
    (tmp_path / "runs/r").mkdir(parents=True)
    (tmp_path / "runs/r/run.json").touch()
    line = TOOL["command_line"](["run", "--all", "--runs", "x"], tmp_path)
    assert line[3:] == ["run", "--resume", str(tmp_path / "runs/r"), "--quiet"]
    train = ["train", "adain", "--out", "x"]
    assert TOOL["command_line"](train, tmp_path)[3:] == train
    (tmp_path / "adain.state").touch()
    assert TOOL["command_line"](train, tmp_path)[3:] == [*train, "--resume"]


def test_every_precision_that_there_is_has_its_run():
    assert {*TOOL["PRECISIONS"], "auto"} == set(PRECISIONS)
    names = [step.name for step in TOOL["steps"](arguments(["--device", "cuda"]))]
    assert len(set(names)) == len(names)
    assert sum(name.startswith("speed-") for name in names) == len(PRECISIONS) - 1
    for name in PRECISIONS[1:]:
        on_cpu = contextlib.nullcontext() if name in TOOL["ON_CPU"] else pytest.raises(BenchError)
        with on_cpu:
            choose_precision(name, torch.device("cpu"))


def test_every_network_that_takes_several_pictures_is_timed_in_batches():
    one_by_one = ("anchor", "optimisation", "per-style")
    names = {n for n, cls in registry.load().methods.items() if cls.family not in one_by_one}
    on_the_host = {"magenta-cin", "magenta-ghiasi"}
    assert set(TOOL["BATCHED"]) == names - on_the_host


@pytest.mark.parametrize("smoke", [True, False])
def test_every_command_is_one_that_bench_understands(smoke):
    """Words that no parser takes would be found on the machine that one has for half an hour."""
    from bench.cli import parser

    given = ["--content", "PHOTOS", "--style", "ART"] + ["--smoke"] * smoke
    for step in TOOL["steps"](arguments(given)):
        assert step.seconds <= 600
        for command in step.commands:
            if not command[0].endswith(".py"):
                parser().parse_args([word.replace("{folder}", "x") for word in command])


def test_every_table_has_columns_that_its_run_has():
    for step in TOOL["steps"](arguments([])):
        for run, table in itertools.pairwise(step.commands):
            if run[0] == "run" and "--columns" in table and "--metric" in run:
                metrics = {word for mark, word in itertools.pairwise(run) if mark == "--metric"}
                shown = set(table[table.index("--columns") + 1].split(","))
                assert shown <= metrics | set(columns.FIXED), step.name


def test_sources_alone_can_be_imported(tmp_path):
    """No installation: the folder of links is all that is on the path."""
    linked = importlib.import_module("gpu_packages").linked
    folder = linked(tmp_path / "source")
    linked(tmp_path / "source")  # once more, as a resumed report does
    code = (
        "import sys; sys.meta_path = [f for f in sys.meta_path if 'editable' not in repr(f)]\n"
        "import bench.hooks, bench.methods, bench.datasets; print(bench.methods.__file__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(folder)},
    )  # fmt: skip
    assert done.stdout.startswith(str(folder)), done.stderr
