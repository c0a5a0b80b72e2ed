"""Axes show the methods; a far anchor is a note at the edge."""

from types import SimpleNamespace

import pytest
from helpers.plotted import texts
from matplotlib import pyplot

from bench.report.model import Estimate
from bench.report.plots.axes import anchor_line


@pytest.mark.parametrize(
    ("values", "anchor", "text", "top"),
    [
        ([0.3, 0.5], 0.6, "identity", 0.8),  # near: a line, in sight
        ([0.3, 0.5], 5.42, "identity at 5.42 ↑", 0.6),  # far: a word, and the methods fill the axes
        ([3.0, 4.0], 0.01, "identity at 0.0100 ↓", 4.2),
    ],
)
def test_a_far_anchor_does_not_squeeze_the_methods_together(values, anchor, text, top):
    figure, axes = pyplot.subplots()
    axes.plot([1, 2], values, "o")
    judge = SimpleNamespace(axis="style", of=lambda _: Estimate(anchor))
    here = [SimpleNamespace(method="identity")]
    anchor_line(axes, here, judge, "h")
    assert texts(axes) == [text]
    low, high = axes.get_ylim()
    assert high < top
    assert (low <= anchor <= high) == (text == "identity")
    pyplot.close(figure)
