"""Every line is named at its end, and nobody looks like another."""

import pytest
from helpers.plotted import COMPETING, texts


@pytest.mark.parametrize("name", ["amortised-256px", "speed"])
def test_every_line_is_named_at_its_end(figures, name):
    (axes,) = figures[name].axes
    assert sorted(t for t in texts(axes) if t in COMPETING) == sorted(COMPETING)
    looks = {
        (line.get_color(), line.get_marker(), str(line.get_linestyle()))
        for line in axes.lines
        if line.get_marker() not in ("None", None, "|", "_", 0, 1, 2, 3)
    }
    assert len(looks) == len(COMPETING)  # nobody looks like another
