"""Every figure is there, in two formats, and says what it shows."""

import xml.etree.ElementTree as ET

import pytest

from bench import results
from bench.report import plots
from bench.report.plots import style


def test_every_plot_is_there_and_says_what_it_shows(figures):
    kinds = ("tradeoff", "adaptation", "amortised", "styles")
    assert set(figures) == {"speed", *(f"{kind}-{size}px" for kind in kinds for size in (128, 256))}
    for figure in figures.values():
        assert "Abacus" in figure.get_label()
        assert figure.get_figwidth() in (style.COLUMN, style.PAGE)


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
