"""Pictures go to terminals that can show them, and to others only where that is asked for."""

import sys
from types import SimpleNamespace

import pytest
from PIL import Image
from textual_image import renderable

from bench.report import terminal_pictures

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:textual_image")


@pytest.fixture
def picture(tmp_path):
    Image.new("RGB", (8, 8), (200, 30, 30)).save(tmp_path / "sheet.png")
    return tmp_path / "sheet.png"


def attended(monkeypatch, kind, answer=True):
    """Standard streams as of a terminal of that kind; what is printed goes to pytest."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: answer, raising=False)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: answer))
    monkeypatch.setattr(renderable, "Image", kind)


class Pixels(renderable.HalfcellImage):
    """Another class, as of kitty or of Sixel."""


def test_a_terminal_that_shows_pixels_shows_them(monkeypatch, picture, capsys):
    attended(monkeypatch, Pixels)
    assert terminal_pictures.show(picture)
    assert "▀" in capsys.readouterr().out


def test_a_coarse_one_only_when_asked(monkeypatch, picture, capsys):
    attended(monkeypatch, renderable.HalfcellImage)
    assert not terminal_pictures.show(picture)
    assert capsys.readouterr().out == ""
    assert terminal_pictures.show(picture, True)
    assert "▀" in capsys.readouterr().out


def test_a_pipe_is_left_alone_and_so_is_who_does_not_want_it(monkeypatch, picture, capsys):
    attended(monkeypatch, Pixels, answer=False)
    assert not terminal_pictures.show(picture)
    attended(monkeypatch, Pixels)
    assert not terminal_pictures.show(picture, False)
    assert capsys.readouterr().out == ""
