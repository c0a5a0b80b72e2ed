"""Signals that ask the program to end, wherever their exception is lost."""

import signal
import sys
import threading

import numpy as np
import pytest
from PIL import Image

from bench import files, images, interrupts, results
from bench.cli import main
from bench.contract.guard import Guard
from bench.interrupts import SIGNALS, Interrupted

PLUGIN = """
import signal
from bench import Method, hookimpl

class Deaf(Method):
    "Swallows what asks it to end."
    name, family, citation = "deaf", "per-style", "none"
    def adapt(self, style):
        for step in range(1000):
            try:
                {raised}
            except BaseException:
                pass
            yield
            with open("steps", "a") as steps: steps.write("one more\\n")
    def stylize(self, content): return content

@hookimpl
def bench_methods(): return [Deaf]
"""


def drop(number):
    """Have a signal come while an object is finalised: Python drops what its handler raises."""

    class Final:
        def __del__(self):
            signal.raise_signal(number)

    Final()


@pytest.fixture(autouse=True)
def _not_ignored():
    """Whoever starts the tests may ignore a signal, as `nohup` does SIGHUP."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number, handler in before.items():
        if handler == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_raises_at_once(number):
    before = signal.getsignal(number)
    with pytest.raises(Interrupted) as error, interrupts.raising():
        signal.raise_signal(number)
    assert error.value.number == number
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("number", SIGNALS)
def test_what_a_finaliser_drops_is_raised_at_the_next_look(number, capsys):
    hook = sys.unraisablehook
    with interrupts.raising():
        interrupts.check()
        drop(number)
        with pytest.raises(Interrupted) as error:
            interrupts.check()
    assert error.value.number == number
    assert not capsys.readouterr().err
    assert sys.unraisablehook is hook
    interrupts.check()  # with the block it is forgotten


def test_another_fault_of_a_finaliser_is_told(monkeypatch):
    heard = []
    monkeypatch.setattr(sys, "unraisablehook", lambda lost: heard.append(lost.exc_type))

    class Final:
        def __del__(self):
            raise ValueError

    with interrupts.raising():
        Final()
    assert heard == [ValueError]


def look_at_each(tmp_path):
    """Each place where work is divided."""
    picture, record = tmp_path / "a.png", tmp_path / "a.json"
    return {
        "a call into foreign code": Guard().__enter__,
        "a file that is written": lambda: files.write(tmp_path / "b", "b"),
        "a picture that is read": lambda: images.load(picture, 64),
        "a record that is read": lambda: results.read_json(record),
    }


def test_every_place_where_work_is_divided_looks(tmp_path):
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "a.json").write_text("{}")
    for name, work in look_at_each(tmp_path).items():
        out = sys.stdout
        work()
        sys.stdout = out
        with interrupts.raising():
            drop(signal.SIGTERM)
            with pytest.raises(Interrupted):
                work()
            assert sys.stdout is out, name


def test_what_puts_things_in_order_is_let_do_so(tmp_path):
    def work():
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            files.write(tmp_path / "kept", "kept")

    with pytest.raises(Interrupted), interrupts.raising():
        work()
    assert (tmp_path / "kept").read_text() == "kept"


def test_other_threads_are_left_alone(tmp_path):
    with interrupts.raising():
        drop(signal.SIGTERM)
        thread = threading.Thread(target=files.write, args=(tmp_path / "kept", "kept"))
        thread.start()
        thread.join()
    assert (tmp_path / "kept").exists()


def test_a_signal_that_was_to_be_ignored_is():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts.raising():
            signal.raise_signal(signal.SIGINT)
            interrupts.check()
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_plugin_that_swallows_it_is_ended_after_its_step(
    tmp_path, monkeypatch, capsys, number, status
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deaf.py").write_text(PLUGIN.format(raised=f"signal.raise_signal({int(number)})"))
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save("a.png")
    words = ["adapt", "--method", "deaf", "--plugin", "deaf.py", "--style", "a.png",
             "-o", "out.safetensors", "--quiet"]  # fmt: skip
    assert main(words) == status
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.endswith("; nothing was written")
    assert not (tmp_path / "steps").exists()
