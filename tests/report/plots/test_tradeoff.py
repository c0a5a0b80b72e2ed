"""The trade-off: both panels name every method, and the front is Pareto's."""

import pytest
from helpers.plotted import COMPETING, texts

from bench.report.plots import tradeoff


@pytest.mark.parametrize("name", ["tradeoff-256px", "adaptation-256px"])
def test_every_method_is_named_once_in_both_panels(figures, name):
    for axes in figures[name].axes[:2]:
        assert sorted(t for t in texts(axes) if t in COMPETING) == sorted(COMPETING)


def test_pareto_front_by_hand():
    points = [(1, 5), (2, 3), (2, 4), (3, 3), (4, 1), (5, 2)]
    assert tradeoff.pareto(points) == [(1, 5), (2, 3), (4, 1)]
