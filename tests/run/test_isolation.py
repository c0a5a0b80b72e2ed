"""Processes of their own: what they say, how they die, what they leave."""

import functools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench import files
from bench.errors import BenchError
from bench.run import isolation

pytestmark = pytest.mark.timeout(400)  # the first process is forked when torch has been imported


def followed(piece, run, seconds=60):
    """What a process said, and its end."""
    work, said = isolation.apart(piece, run, seconds), []
    while True:
        try:
            said.append(next(work))
        except StopIteration as stop:
            return said, stop.value


def speak(run, say):
    say("a", "b", str(os.getpid()))
    sys.stdout.write("on standard output\n")
    sys.stdout.flush()


def fail(run, say):
    raise BenchError("the disk is full")


def end(how, run, say):
    say("mine", "at work", "")
    how()


def forever(run, say):
    while True:
        say("mine", "at work", "")
        time.sleep(0.05)


def leave_one_behind(run, say):
    child = subprocess.Popen(["sleep", "100"])
    (run / "pid").write_text(str(child.pid))


def start_a_thread(run, say):
    import threading

    threading.Thread(target=time.sleep, args=(100,)).start()


def test_a_piece_is_done_by_another_process_that_says_what_it_does(tmp_path, capfd):
    said, (death, left) = followed(speak, tmp_path)
    ((who, what, pid),) = said
    assert (who, what, death, left) == ("a", "b", "", False)
    assert int(pid) != os.getpid()
    assert "on standard output" not in capfd.readouterr().out


def test_what_concerns_the_run_is_raised(tmp_path):
    with pytest.raises(BenchError, match="the disk is full"):
        followed(fail, tmp_path)


@pytest.mark.parametrize(
    ("how", "death"),
    [
        (
            functools.partial(signal.raise_signal, signal.SIGSEGV),
            "its process was ended by SIGSEGV",
        ),
        (os.abort, "its process was ended by SIGABRT"),
        (
            functools.partial(signal.raise_signal, signal.SIGKILL),
            "its process was ended by SIGKILL, as the system does when memory runs out",
        ),
        (functools.partial(os._exit, 3), "it ended its process, with status 3"),
        (functools.partial(os._exit, 0), "it ended its process, with status 0"),
    ],
)
def test_how_a_process_dies_is_said(how, death, tmp_path):
    said, outcome = followed(functools.partial(end, how), tmp_path)
    assert said == [("mine", "at work", "")]
    assert outcome == (death, False)


def test_a_process_that_hangs_is_ended(tmp_path):
    said, outcome = followed(
        functools.partial(end, functools.partial(time.sleep, 100)), tmp_path, 0.5
    )
    assert said == [("mine", "at work", "")]
    assert outcome == ("nothing happened in its process for 0.5 s, and it was ended", False)


def test_a_process_that_goes_on_saying_something_does_not_hang(tmp_path):
    work = isolation.apart(forever, tmp_path, 0.5)
    begun = time.monotonic()
    while time.monotonic() - begun < 1.5:
        assert next(work) == ("mine", "at work", "")
    work.close()


def test_a_process_takes_what_it_has_started_with_it(tmp_path):
    _, (death, left) = followed(leave_one_behind, tmp_path)
    assert (death, left) == ("", True)
    _until(lambda: not _alive(int((tmp_path / "pid").read_text())))


def test_a_thread_that_goes_on_is_not_waited_for(tmp_path):
    begun = time.monotonic()
    assert followed(start_a_thread, tmp_path)[1] == ("", False)
    assert time.monotonic() - begun < 60


def hang(run, say):
    """What never ends by itself, as a long adaptation."""
    (run / "pid").write_text(str(os.getpid()))
    time.sleep(100)


PARENT = """
import sys
sys.path.insert(0, {folder!r})
from pathlib import Path
from test_isolation import hang
from bench.run import isolation
isolation._preloaded = list
if __name__ == "__main__":
    list(isolation.apart(hang, Path({run!r}), 100))
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_worker_dies_with_its_parent_and_holds_a_lock_until_then(number, tmp_path):
    text = PARENT.format(folder=str(Path(__file__).parent), run=str(tmp_path))
    (tmp_path / "parent.py").write_text(text)
    parent = subprocess.Popen([sys.executable, str(tmp_path / "parent.py")])
    pid = tmp_path / "pid"
    _until(lambda: pid.exists() and pid.read_text())
    with (
        pytest.raises(BenchError, match="a worker of another process still works on"),
        files.held(tmp_path / ".worker.lock", "a worker of another process still works on it"),
    ):
        pass
    parent.send_signal(number)
    parent.wait(10)
    _until(lambda: not _alive(int(pid.read_text())))
    with isolation.worker_lock(tmp_path):
        pass


def _until(true, seconds=100):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def _alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")  # a dead one waits there for whoever adopted it
    return not (status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] == "Z")
