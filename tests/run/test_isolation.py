"""Processes of their own: what they make, how they die, what they tell."""

import functools
import os
import signal
import sys

import pytest

from bench import results
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
