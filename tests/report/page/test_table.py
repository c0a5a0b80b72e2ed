"""The page's table."""

import pytest
from helpers.painted import Reader, write


def test_what_stands_in_the_table(painted, tmp_path):
    read = Reader(write(tmp_path / "out", painted()))
    sorters = [a["data-sort"] for tag, a in read.elements if tag == "td" and "data-sort" in a]
    # of the last of three rows: size, seconds to adapt (2 and 4), milliseconds (11, 12, 13), judges
    last = sorters[10:15]
    assert last[0] == "64"
    assert [float(value) for value in last[1:]] == pytest.approx([3.0, 12.0, 0.4, 0.25])
    assert all(a["aria-sort"] == "none" for a in read.all("th") if "aria-sort" in a)
