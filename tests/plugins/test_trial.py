"""A plugin whose loading ends or hangs the program is broken, by name; others are there."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from bench.plugins import registry, trial

HOOK = """
from bench import hookimpl
@hookimpl
def bench_methods():
    {}
    return []
"""


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("import os; os._exit(0)", "loading it ends the program, with status 0"),
        ("import os; os._exit(3)", "loading it ends the program, with status 3"),
        ("import os; os.abort()", "loading it ends the program, by SIGABRT"),
        ("import ctypes; ctypes.string_at(0)", "loading it ends the program, by SIGSEGV"),
        (HOOK.format("import os; os._exit(3)"), "loading it ends the program, with status 3"),
        ("import time; time.sleep(1000)", "loading it takes more than 3 s"),
        ("while True: pass", "loading it takes more than 3 s"),
        ("raise ValueError('no such brush')", "ValueError: no such brush"),
    ],
)
def test_the_plugin_is_broken_and_the_rest_is_there(text, cause, tmp_path, monkeypatch):
    monkeypatch.setattr(trial, "SECONDS", 3.0)
    file = tmp_path / "mine.py"
    file.write_text(text)
    loaded = registry.load([str(file)])
    (broken,) = [b for b in loaded.broken if b.asked]
    assert broken.name == "mine"
    assert broken.cause.startswith(cause)
    assert "identity" in loaded.methods


def test_what_takes_long_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(trial, "PATIENCE_SECONDS", 0.1)
    assert trial.fault("slow", lambda: time.sleep(0.5)) == ""
    assert "bench: plugin slow has been loading for 0 s" in capsys.readouterr().err


def test_a_trial_prints_nothing_and_leaves_nothing(tmp_path, capfd):
    def load():
        sys.stdout.write("noise\n")
        os.system("echo noise; echo noise >&2; sleep 100 & echo $! > " + str(tmp_path / "pid"))
        os.chdir("/")

    before = Path.cwd()
    assert trial.fault("noisy", load) == ""
    assert Path.cwd() == before
    said = capfd.readouterr()
    assert (said.out, said.err) == ("", "")
    pid = int((tmp_path / "pid").read_text())
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        status = Path(f"/proc/{pid}/stat").read_text()
        if status.rsplit(")", 1)[1].split()[0] == "Z":
            return
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    raise AssertionError("it goes on")
