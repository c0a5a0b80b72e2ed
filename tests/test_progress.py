"""The time left, and what a log gets of a bar."""

import io
import sys

import pytest

from bench import progress


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_parts_of_a_kind_take_alike():
    clock = Clock()
    forecast = progress.Forecast(["slow"] * 3 + ["fast"] * 3, clock)
    assert str(forecast) == "time left unknown"
    clock.now = 100.0
    forecast.done("slow")
    assert forecast.seconds() == (200.0, True)
    assert str(forecast) == "more than 03:20 left"
    clock.now = 101.0
    forecast.done("fast")
    assert forecast.seconds() == (2 * 100.0 + 2 * 1.0, False)
    assert str(forecast) == "about 03:22 left"
    clock.now = 151.0
    forecast.done("slow")  # 100 and 50 seconds: 75 on the mean
    assert forecast.seconds() == (75.0 + 2 * 1.0, False)


def test_parts_done_in_an_earlier_session_tell_no_time():
    clock = Clock()
    forecast = progress.Forecast(["cell"] * 3, clock)
    forecast.done("cell", worked=False)
    clock.now = 8.0
    forecast.done("cell")
    assert forecast.seconds() == (8.0, False)


@pytest.mark.parametrize("terminal", [False, True])
def test_a_log_gets_lines_and_a_terminal_a_bar(monkeypatch, terminal):
    written = io.StringIO()
    monkeypatch.setattr(written, "isatty", lambda: terminal, raising=False)
    monkeypatch.setattr(sys, "stderr", written)
    monkeypatch.setattr(progress, "LOG_SECONDS", 0.0)
    for _ in progress.bar(range(3), desc="working", miniters=1):
        pass
    text = written.getvalue()
    assert ("\r" in text) == terminal
    lines = [line for line in text.replace("\r", "\n").splitlines() if line.strip()]
    assert "100%" in lines[-1]
    if not terminal:
        assert len(lines) >= 4  # 0 to 3
        assert all(line.startswith("working") for line in lines)
