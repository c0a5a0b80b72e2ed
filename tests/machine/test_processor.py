"""The processor as the system tells of it, read from files written here."""

import os

import pytest

from bench.machine import processor

TWO_CORES_FOUR_THREADS = "".join(
    f"processor\t: {n}\nmodel name\t: Abacus 9\nphysical id\t: 0\ncore id\t\t: {n % 2}\n\n"
    for n in range(4)
)


@pytest.fixture
def files(monkeypatch):
    """A function that takes paths with their texts; all else cannot be read."""
    return lambda texts: monkeypatch.setattr(processor, "text_of", texts.get)


def test_linux(files, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    files({"/proc/cpuinfo": TWO_CORES_FOUR_THREADS})
    found = processor.cpu()
    assert (found["cpu"], found["cores_physical"], found["cores_available"]) == ("Abacus 9", 2, 3)
    assert found["cpu_quota"] is None


def test_macos(files, monkeypatch):
    files({})
    answers = {"machdep.cpu.brand_string": "Apple M9", "hw.physicalcpu": "8"}
    monkeypatch.setattr(processor, "output_of", lambda *words: answers[words[-1]])
    found = processor.cpu()
    assert (found["cpu"], found["cores_physical"]) == ("Apple M9", 8)


@pytest.mark.parametrize(
    ("text", "cores"), [("max 100000\n", None), ("150000 100000\n", 1.5), (None, None)]
)
def test_a_containers_share(files, text, cores):
    files({"/sys/fs/cgroup/cpu.max": text})
    assert processor.cpu_quota() == cores


def test_a_command_that_fails_or_is_not_there_says_nothing():
    assert processor.output_of("echo", " a b ") == "a b"
    assert processor.output_of("false") is None
    assert processor.output_of("no-such-command-here") is None
