"""Processes of their own: what they make, how they die, what they tell."""

import functools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench import files, results
from bench.errors import BenchError
from bench.run import isolation

PLACES = [(64, "a"), (64, "b"), (128, "a")]


def work(run, name, deaths=()):
    """Make the cells that are missing, and die where told to: once there, the next one goes on."""
    for size, style in PLACES:
        path = results.record_path(run, "cells", name, style, size)
        if path.exists():
            continue
        for place, death in deaths:
            if place == (size, style):
                death()
        results.write_json(path, {"by": os.getpid()})


segfault = functools.partial(signal.raise_signal, signal.SIGSEGV)
killed = functools.partial(signal.raise_signal, signal.SIGKILL)
leave = functools.partial(sys.exit, 3)


def refuse():
    raise BenchError("the disk is full")


def made(run, deaths=()):
    """What came of every cell; the record of one that died is written, as the runner does."""
    (run / "cells").mkdir()
    told = {}
    target = functools.partial(work, deaths=deaths)
    for place, death in zip(PLACES, isolation.cells(target, run, "x", PLACES), strict=True):
        size, style = place
        told[place] = death
        if death:
            results.write_json(results.record_path(run, "cells", "x", style, size), {})
    return told


def test_cells_are_made_by_one_other_process(tmp_path):
    assert made(tmp_path) == dict.fromkeys(PLACES, "")
    records = [results.read_json(path) for path in (tmp_path / "cells").iterdir()]
    (pid,) = {record["by"] for record in records}
    assert len(records) == 3
    assert pid != os.getpid()


def test_after_a_death_the_next_process_goes_on(tmp_path):
    told = made(tmp_path, [(PLACES[0], segfault), (PLACES[1], killed), (PLACES[2], leave)])
    assert told == {
        PLACES[0]: "the method's process was ended by SIGSEGV",
        PLACES[1]: "the method's process was ended by SIGKILL, as the system does when memory runs "
        "out",
        PLACES[2]: "the method ended its process, with status 3",
    }


def test_a_failure_of_the_run_is_raised(tmp_path):
    with pytest.raises(BenchError, match="the disk is full"):
        made(tmp_path, [(PLACES[1], refuse)])
    assert len(list((tmp_path / "cells").iterdir())) == 1


def test_nothing_to_make_starts_nothing(tmp_path):
    assert list(isolation.cells(refuse, tmp_path, "x", [])) == []


def hang(run, name):
    """What never ends by itself, as a long adaptation."""
    (run / "pid").write_text(str(os.getpid()))
    time.sleep(100)


PARENT = """
import sys
sys.path.insert(0, {folder!r})
from pathlib import Path
from test_isolation import hang
from bench.run import isolation
if __name__ == "__main__":
    list(isolation.cells(hang, Path({run!r}), "x", [(64, "a")]))
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


def _until(true, seconds=30):
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
