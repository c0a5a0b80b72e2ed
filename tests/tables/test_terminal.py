"""Tables in a terminal."""

import re

from bench.tables import formats
from bench.tables.model import Cell, Section, Table


def test_color_is_nothing_but_color():
    lines = [[Cell("other"), Cell("0.300", best=True)], [Cell("worse"), Cell("0.400")]]
    table = Table("Means", [["method"], ["gram"]], lines, [False, True], left=1)
    section = Section(["heading"], [table], [])
    plain, colored = (formats.write([section], [], "plain", 80, color) for color in (False, True))
    assert "\x1b[1m*0.300\x1b[0m" in colored  # bold
    assert "\x1b[2mworse\x1b[0m" in colored  # dim
    assert re.sub(r"\x1b\[\dm", "", colored) == plain
