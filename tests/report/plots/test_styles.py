"""The spread over styles."""

from helpers.plotted import COMPETING


def test_the_spread_has_a_dot_for_every_style(figures):
    for axes in figures["styles-256px"].axes:
        dots = [line for line in axes.lines if line.get_marker() == "o"]
        assert [len(line.get_xdata()) for line in dots] == [6] * len(COMPETING)
