import xml.etree.ElementTree as ET
from types import SimpleNamespace

import pytest
from helpers.synthetic_run import METHODS, synthetic_run
from matplotlib import pyplot
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from bench import results
from bench.report import plots
from bench.report.model import Estimate
from bench.report.plots import labels, style, tradeoff
from bench.report.plots.axes import anchor_line

COMPETING = [name for name, (family, *_) in METHODS.items() if family != "anchor"]


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    return results.load([synthetic_run(root, styles=6, contents=2, sizes=(128, 256))])


@pytest.fixture(scope="module")
def figures(frames):
    return plots.figures(frames)


def texts(axes):
    return [text.get_text() for text in axes.texts]


def boxes(figure, axes):
    renderer = FigureCanvasAgg(figure).get_renderer()
    names = [text for text in axes.texts if text.get_text() in COMPETING]
    for name in names:
        name.update_positions(renderer)
    return [Text.get_window_extent(name, renderer) for name in names]  # without its pointer


def test_every_plot_is_there_and_says_what_it_shows(figures):
    kinds = ("tradeoff", "adaptation", "amortised", "styles")
    assert set(figures) == {"speed", *(f"{kind}-{size}px" for kind in kinds for size in (128, 256))}
    for figure in figures.values():
        assert "Abacus" in figure.get_label()
        assert figure.get_figwidth() in (style.COLUMN, style.PAGE)


@pytest.mark.parametrize("name", ["tradeoff-256px", "adaptation-256px"])
def test_every_method_is_named_once_in_both_panels(figures, name):
    for axes in figures[name].axes[:2]:
        assert sorted(t for t in texts(axes) if t in COMPETING) == sorted(COMPETING)


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


def test_the_spread_has_a_dot_for_every_style(figures):
    for axes in figures["styles-256px"].axes:
        dots = [line for line in axes.lines if line.get_marker() == "o"]
        assert [len(line.get_xdata()) for line in dots] == [6] * len(COMPETING)


def test_without_a_second_size_or_observing_plots_are_left_out(fake_run):
    figures = plots.figures(results.load([fake_run()]))
    assert set(figures) == {"tradeoff-64px", "amortised-64px", "styles-64px"}


def test_svg_is_the_same_for_the_same_numbers(frames, figures):
    again = plots.figures(frames)
    for name in ("tradeoff-256px", "amortised-256px"):
        text = plots.svg(figures[name])
        assert text == plots.svg(figures[name]) == plots.svg(again[name])
        assert "<dc:date>" not in text
        assert ET.fromstring(text).tag.endswith("svg")


def test_hostile_names_are_only_names(fake_run):
    name = r"$\frac{1}{0}$ <script>alert(1)</script> -- & 日本"
    figure = plots.figures(results.load([fake_run(methods=["identity", "style-copy", name])]))
    text = plots.svg(figure["amortised-64px"])
    assert "<script>" not in text
    ET.fromstring(text)


def test_files_are_written_in_both_formats(figures, tmp_path):
    some = {"speed": figures["speed"]}
    svg, png = plots.write(some, tmp_path / "new" / "figures")
    assert svg.read_text().startswith("<?xml")
    assert png.read_bytes().startswith(b"\x89PNG")


def test_a_folder_that_is_a_file_is_named(figures, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(plots.BenchError, match=r"file/.*\.svg cannot be written"):
        plots.write({"speed": figures["speed"]}, tmp_path / "file")


def test_nothing_to_plot_is_said(fake_run, tmp_path):
    run = fake_run(methods=["fast"], missing=[("fast", "a"), ("fast", "b")])
    with pytest.raises(plots.BenchError, match="nothing to plot"):
        plots.write(plots.figures(results.load([run])), tmp_path / "figures")
    assert not (tmp_path / "figures").exists()


def test_pareto_front_by_hand():
    points = [(1, 5), (2, 3), (2, 4), (3, 3), (4, 1), (5, 2)]
    assert tradeoff.pareto(points) == [(1, 5), (2, 3), (4, 1)]


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
