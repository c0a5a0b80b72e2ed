"""The tutorials' pictures: there, shown, small, and made by commands that bench understands."""

import re
from types import SimpleNamespace

import pytest
from helpers.checkout import ROOT, tool
from PIL import Image

from bench.cli import parser

pictures = SimpleNamespace(**tool("tutorial_pictures"))


def test_they_are_small_and_shown_by_their_pages():
    files = [ROOT / "docs" / f"{page}.jpg" for page in pictures.PAGES]
    assert sum(file.stat().st_size for file in files) < 1_000_000
    for file in files:
        assert f"({file.name})" in file.with_suffix(".md").read_text(encoding="utf-8")
        with Image.open(file) as picture:
            assert min(picture.size) > 256


@pytest.mark.parametrize("page", pictures.PAGES)
def test_their_commands_are_understood(page, tmp_path, monkeypatch):
    """Up to the sheet, whose tiles the commands would have made."""
    asked = []

    def bench(words):
        asked.append(words)
        parser().parse_args(words.split())
        for name in re.findall(r"-o (\S+\.png)", words):
            Image.new("RGB", (256, 256)).save(name)

    monkeypatch.chdir(tmp_path)
    make = pictures.PAGES[page]
    monkeypatch.setitem(make.__globals__, "bench", bench)
    make()
    assert asked
    assert (tmp_path / "sheet.png").is_file()
