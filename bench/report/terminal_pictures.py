"""Pictures in terminals that can show them: kitty, foot, WezTerm, iTerm2, Windows Terminal."""

from __future__ import annotations

import sys
from pathlib import Path


def show(file: Path, asked: bool | None = None) -> bool:
    """Show a picture below what was printed last; whether it was shown.

    Args:
        file: the picture.
        asked: True shows it in coarse blocks of colour where the terminal has nothing better, False
            never; None where standard output and input are a terminal that can show pixels.
    """
    attended = sys.stdout.isatty() and sys.stdin.isatty()
    if asked is False or not (asked or attended):
        return False
    from rich.console import Console
    from textual_image import renderable  # asks the terminal what it can

    coarse = renderable.Image in (renderable.HalfcellImage, renderable.UnicodeImage)
    if coarse and not asked:
        return False
    Console().print(renderable.Image(file, width="auto", height="auto"))
    return True
