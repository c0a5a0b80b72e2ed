"""Names beside points and at lines' ends do not overlap."""

import pytest
from helpers.plotted import COMPETING
from matplotlib import pyplot
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from bench.report.plots import labels


def boxes(figure, axes):
    renderer = FigureCanvasAgg(figure).get_renderer()
    names = [text for text in axes.texts if text.get_text() in COMPETING]
    for name in names:
        name.update_positions(renderer)
    return [Text.get_window_extent(name, renderer) for name in names]  # without its pointer


@pytest.mark.parametrize("name", ["tradeoff-256px", "amortised-256px", "speed", "adaptation-256px"])
def test_names_do_not_overlap(figures, name):
    figure = figures[name]
    for axes in figure.axes[:2]:
        shown = boxes(figure, axes)
        for number, box in enumerate(shown):
            for other in shown[:number]:
                width = min(box.x1, other.x1) - max(box.x0, other.x0)
                height = min(box.y1, other.y1) - max(box.y0, other.y0)
                # a box has room above its letters
                assert width < 1 or height < 0.45 * box.height


def test_a_name_nearer_to_another_point_has_a_pointer_to_its_own():
    figure, axes = pyplot.subplots(figsize=(3, 3), dpi=72)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    crowd = [(x / 20, y / 20) for x in range(21) for y in range(21)]  # nowhere is a free place
    labels.label_points(axes, [(0.51, 0.51, "alone")])
    labels.label_points(axes, [(0.51, 0.51, "crowded")], crowd)
    assert [name.arrow_patch is not None for name in axes.texts] == [False, True]
    pyplot.close(figure)


@pytest.mark.parametrize(
    ("places", "gap", "end", "spread"),
    [
        ([0, 50, 100], 10, 100, [0, 50, 100]),
        ([50, 50], 10, 100, [45, 55]),
        ([52, 48], 10, 100, [55, 45]),  # keeps their order
        ([0, 0], 10, 100, [0, 10]),
        ([100, 100, 100], 10, 100, [80, 90, 100]),
        ([40, 50, 51], 10, 100, [37, 47, 57]),  # about the mean of 40, 40, 31
        ([5, 5, 5], 10, 10, [0, 5, 10]),  # no room for so wide a gap
        ([], 10, 100, []),
    ],
)
def test_labels_are_spread_as_little_as_it_takes(places, gap, end, spread):
    assert labels.spread_out(places, gap, end) == pytest.approx(spread)
